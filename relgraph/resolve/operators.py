"""The use of an operator file: arguments bound, widths computed, properties or body resolved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from relgraph.algebra.fit import Misfit, misfits
from relgraph.algebra.operator import Connection, Operator
from relgraph.errors import Place
from relgraph.resolve.arguments import Arguments
from relgraph.resolve.consistency import check_consistency, note_canonical
from relgraph.resolve.context import Built, Context
from relgraph.resolve.findings import Findings
from relgraph.resolve.operator_file import OperatorFile, read_operator
from relgraph.resolve.properties import Properties, read_properties
from relgraph.resolve.scope import Closure, Env, Home, Width, force, reference
from relgraph.resolve.use import OwnStart, Use
from relgraph.resolve.values import read, times, width
from relgraph.resolved import Body, OperatorUse, Scope, Unknown
from relgraph.spec.field import named
from relgraph.spec.inits import INIT
from relgraph.spec.nodes import ScalarNode
from relgraph.spec.rank_properties import WIDTH

WIDTH_FIELDS = named(WIDTH)


def operator_file(path: Path, context: Context) -> OperatorFile:
    """The operator file at `path`, read once for a resolution."""
    known = context.operators.get(path)
    if known is None:
        known = context.operators[path] = read_operator(path, context.library, context.findings)
    return known


def build_operator(use: Use, file: OperatorFile) -> Built:
    """The resolved use of an operator: an OperatorUse for properties, a Scope for a body."""
    params = dict(file.params)
    implicit = [name for name in WIDTH_FIELDS if file.wants_width and name not in params]
    given = use.arguments((*params, *implicit, INIT.name), file.main)
    own = use.own_start(given, params)
    env = _environment(use, file, given)
    if file.body is not None:
        return _composite(use, file, Closure(file.body, env), own)
    properties = read_properties(dict(file.properties), env, use.width, file.place, use.findings)
    check_consistency(properties, use.place, use.findings)
    built = _atom(use, file, properties, env)
    return built if own is None else own.told(built)


def _environment(use: Use, file: OperatorFile, given: Arguments) -> Env:
    """What the file's own text sees: its parameters, `$in` and `$channels`. Edits treat what it
    writes like the item that used it."""
    home = Home(file.path, "operator", use.env.home.level, {}, {})
    names: dict[str, Closure] = {}
    env = Env(home, use.env.section, use.width, names, use.width)
    for name, default in file.params:
        names[name] = given.get(name) or Closure(default, env, default=True)
    requested = _requested(use, file, given, env)
    known = replace(env, channels=requested)
    for name, default in file.params:
        if name not in given:
            names[name] = Closure(default, known, default=True)
    return known


def _requested(use: Use, file: OperatorFile, given: Arguments, env: Env) -> Width:
    """channels × ratio as the use asks for it; what comes in where it doesn't."""
    base = use.width
    written = given.get("channels") or _declared_width(file, env, use.findings)
    if written is not None:
        base = width(WIDTH_FIELDS["channels"], written, use.findings)
    params = dict(file.params)
    ratio, divisor = (
        read(WIDTH_FIELDS[name], given[name], use.findings)
        if name in given and name not in params
        else 1
        for name in ("ratio", "divisor")
    )
    if base is None:
        return None
    assert isinstance(ratio, int | float) and isinstance(divisor, int)
    made = times(base, ratio, divisor)
    if made is None:
        raise use.findings.refuse(
            "width-not-whole",
            force(given["ratio"], use.findings).place,
            f"{base} channels × {ratio:g} is {base * ratio:g}",
            "expected a whole number",
            "write `divisor: 8` to round, or the number of channels",
            related=(use.place,),
        )
    return made


def _declared_width(file: OperatorFile, env: Env, findings: Findings) -> Closure | None:
    """The file's own default for `channels`. Written as `$channels` it is the stage's width (a
    patch embedding): the requested width cannot be its own default."""
    default = dict(file.params).get("channels")
    if default is None or reference(default) != "channels":
        return None if default is None else Closure(default, env, default=True)
    stage = env.section.channels
    if stage is None and env.section.name:
        raise findings.silent()  # The row's own number was refused.
    return None if stage is None else Closure(ScalarNode(stage, default.place), env, default=True)


def _composite(use: Use, file: OperatorFile, body: Closure, own: OwnStart | None) -> Built:
    key = str(file.path)
    if key in use.spot.expanding:
        raise use.findings.refuse(
            "expansion-cycle", use.place, f"the operator {file.name} uses itself"
        )
    inner = use.spot.inside(use.item.label, file.name).expand(key)
    inner = inner if own is None else own.around(inner)
    built = use.walk(body, use.width, inner, use.context)
    if own is not None:
        built = own.ended(built, file.name, use.findings)
    node = Scope(
        label=use.item.label,
        place=use.place,
        name=file.name,
        kind="operator",
        body=built.nodes,
        cite=file.cite,
    )
    return Built((node,), built.width)


def _atom(use: Use, file: OperatorFile, properties: Properties, env: Env) -> Built:
    between = _between(use, properties)
    reduce = _reduce(use, properties)
    if use.width is None or env.channels is None:
        return Built((Unknown(place=use.place),), env.channels)
    _check_channels(use, properties, env.channels)
    note_canonical(properties.operator, use.width, env.channels, use.place, use.findings)
    node = OperatorUse(
        label=use.item.label,
        place=use.place,
        name=file.name,
        operator=properties.operator,
        in_channels=use.width,
        out_channels=env.channels,
        reduce=reduce,
        between=between,
        cite=file.cite,
        init=use.spot.init,
    )
    return Built((node,), env.channels)


def _between(use: Use, properties: Properties) -> Body:
    closure = properties.rank.between
    if closure is None:
        return ()
    rank = properties.operator.channel.rank
    inner = rank.numbers[0] if rank is not None and rank.word == "inner" else use.width
    return _keeping(use, closure, inner, "between")


def _reduce(use: Use, properties: Properties) -> Body:
    closure = properties.rank.reduce
    return () if closure is None else _keeping(use, closure, use.width, "reduce")


def _keeping(use: Use, body: Closure, width_in: Width, what: str) -> Body:
    """A body that must end at the width it began with."""
    built = use.build(body, width_in, use.item.word)
    if None not in (built.width, width_in) and built.width != width_in:
        use.findings.refuse(
            "width-kept",
            body.place,
            f"{what} ends at {built.width} channels",
            f"expected the {width_in} channels that came in",
        )
    return built.nodes


_PROPERTY = {
    "groups-divide": ("channel.groups",),
    "reduction-divides": ("weight.reduction",),
}


def _check_channels(use: Use, properties: Properties, out: int) -> None:
    """Numbers that do not divide the channels; with an inner width, `assemble` checks the parts."""
    assert use.width is not None
    if properties.operator.channel.rank is not None:
        return
    connection = Connection(_without_rank(properties.operator), use.width, out, None, None)
    for misfit in misfits(connection):
        places = [properties.places.get(path) for path in _PROPERTY.get(misfit.code, ())]
        place = next((place for place in places if place is not None), None)
        _tell(use, misfit, place)


def _without_rank(operator: Operator) -> Operator:
    return replace(operator, space=replace(operator.space, rank=None))


def _tell(use: Use, misfit: Misfit, place: Place | None) -> None:
    use.findings.covered.add((misfit.code, use.place))
    use.findings.refuse(
        misfit.code,
        place or use.place,
        f"found {misfit.found}",
        misfit.expected,
        misfit.hint,
    )

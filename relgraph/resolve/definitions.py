"""Definitions: collected from a file's `define`, and expanded where they are used."""

from __future__ import annotations

from relgraph.errors import Place
from relgraph.resolve.arguments import is_null, nothing_behind
from relgraph.resolve.context import Built
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.names import check_new_word
from relgraph.resolve.operator_file import checked_params, references
from relgraph.resolve.scope import Closure, Definition, Env, Home
from relgraph.resolve.table import check_keys
from relgraph.resolve.use import Use
from relgraph.resolved import Scope
from relgraph.spec.inits import INIT
from relgraph.spec.keys import DEFINITION
from relgraph.spec.nodes import MapNode, Node


def read_definitions(
    table: MapNode, home: Home, taken: dict[str, Place | None], findings: Findings
) -> dict[str, Definition]:
    """The definitions of one file. `taken` are operator names, which no definition may have."""
    found: dict[str, Definition] = {}
    for key, value in table.entries:
        name = str(key.value)
        try:
            check_new_word(name, "definition", key.place, findings)
            if name in taken:
                raise findings.refuse(
                    "name-clash",
                    key.place,
                    f"the definition {name}",
                    "expected a name that no operator has",
                )
            if is_null(value):
                raise nothing_behind(key, findings)
            found[name] = _definition(name, value, home, key.place, findings)
        except RefusedError:
            found[name] = Definition(name, (), value, home, key.place, broken=True)
    return found


def _definition(name: str, value: Node, home: Home, place: Place, findings: Findings) -> Definition:
    if not isinstance(value, MapNode):
        return Definition(name, (), value, home, place)
    body = value.get("body")
    if body is None:
        word = value.entries[0][0].value if value.entries else "…"
        raise findings.refuse(
            "bad-definition",
            place,
            f"{name} is a map without `body`",
            "expected a list of items, or {params: {…}, body: […]}",
            f"write a list: {name}: [{word}: …]",
        )
    check_keys(value, DEFINITION, f"the definition {name}", findings)
    params = value.get("params")
    named = checked_params(params, findings) if isinstance(params, MapNode) else {}
    mentioned = {found for found, _ in references(value)}
    for one, default in named.items():
        if one not in mentioned:
            findings.warn("unused-parameter", default.place, f"nothing reads the parameter {one}")
    return Definition(name, tuple(named.items()), body, home, place)


def build_definition(use: Use, definition: Definition) -> Built:
    """The expansion of a definition: one scope, with its parameters bound."""
    use.findings.used.add(definition.name)
    if definition.broken:
        raise use.findings.silent()
    key = f"define {definition.name}"
    if key in use.spot.expanding:
        raise use.findings.refuse(
            "expansion-cycle",
            use.place,
            f"{definition.name} is defined by itself",
            related=(definition.place,),
        )
    params = dict(definition.params)
    given = use.arguments((*params, INIT.name), next(iter(params), None))
    own = use.own_start(given, params)
    names: dict[str, Closure] = {}
    env = Env(definition.home, use.env.section, use.width, names)
    for name, default in definition.params:
        names[name] = given.get(name) or Closure(default, env, default=True)
    inner = use.spot.inside(use.item.label, definition.name).expand(key)
    inner = inner if own is None else own.around(inner)
    with use.findings.used_at(use.place):
        built = use.walk(Closure(definition.body, env), use.width, inner, use.context)
    if own is not None:
        built = own.ended(built, definition.name, use.findings)
    node = Scope(
        label=use.item.label,
        place=use.place,
        name=definition.name,
        kind="definition",
        body=built.nodes,
    )
    return Built((node,), built.width)

"""From measured links to the operators that a person would name.

In: a lab and its line. Out: `Part`s: runs of links that are one operator by the language's own
short forms are put together (a frame around a core, an inner width, mixing through tokens, keys
from a reduced map), everything else stays a part of its own. Elements between factors do not hinder
this.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from relgraph.algebra.operator import TOGETHER, Channel, Frame, Operator, Rank, Space, compares
from relgraph.algebra.rules import check
from relgraph.probe.atoms import Atom, measured, pieces
from relgraph.probe.carry import Way
from relgraph.probe.findings import Measured, Property
from relgraph.probe.items import Element, Gate, Item, Line, Link, Sum
from relgraph.probe.lab import Lab
from relgraph.relations.composite import composed
from relgraph.relations.node import IDENTITY, Kind, Node, core
from relgraph.relations.words import key


@dataclass(frozen=True)
class Part:
    """One operator of the module, where it stands (`in a residual branch`), and as what it was
    measured. `node` is a node of the relation graph."""

    place: str
    node: Node
    measured: Measured
    widths: tuple[int, int]
    body: Branching | None = None


@dataclass(frozen=True)
class Branching:
    """How a part is made of several: branches that read the same value and are multiplied, or
    (`sizes` given) each their own channels, side by side or multiplied. A branch is operators and
    elements in order; `loose` are elements whose place in it is not known."""

    kind: Literal["product", "split", "splitproduct"]
    branches: tuple[tuple[Part | str, ...], ...]
    sizes: tuple[int, ...] = ()
    loose: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The operators in order, and the elements that were met on the value's way."""

    operators: tuple[Part, ...]
    elements: tuple[str, ...]


def parts(lab: Lab, line: Line) -> Parts:
    """The operators of a line and of the lines in it."""
    return Parts(tuple(_line(lab, line, "")), tuple(dict.fromkeys(_elements(line))))


def _elements(line: Line) -> Iterator[str]:
    for item in line.items:
        if isinstance(item, Element):
            yield item.name
        elif isinstance(item, Sum | Gate):
            for branch in item.branches:
                yield from _elements(branch)


def _line(lab: Lab, line: Line, place: str) -> Iterator[Part]:
    run: list[Atom] = []
    for item in line.items:
        made = _whole(lab, item)
        if made is not None:
            run += made
        elif not isinstance(item, Element):
            yield from _run(lab, run, place)
            run = []
            yield from _joined(lab, item, place)
    yield from _run(lab, run, place)


def _whole(lab: Lab, item: Item) -> list[Atom] | None:
    """What an item is as one map: a link, or a sum where that is all in the algebra. A sum of
    different operators, each in the algebra by itself, tells more as that."""
    if isinstance(item, Link):
        return [] if item.takes else pieces(lab, item)
    if not isinstance(item, Sum) or not item.whole:
        return None
    made = [atom for link in item.whole if not link.takes for atom in pieces(lab, link)]
    if not all(atom.measured.exact for atom in made):
        return None
    if any(atom.operator.weight.normalize in TOGETHER for atom in made):
        return made  # over all branches: none is anything by itself
    branches = [list(_line(lab, branch, "")) for branch in item.branches]
    apart = all(part.measured.exact for branch in branches for part in branch)
    kinds = {tuple(part.node for part in branch) for branch in branches}
    return made if not apart or len(kinds) == 1 else None


def _joined(lab: Lab, item: Item, place: str) -> Iterator[Part]:
    assert isinstance(item, Sum | Gate), "links and elements are handled"
    if isinstance(item, Gate):
        yield _gate(lab, item, place)
        return
    full = [branch for branch in item.branches if branch.items]
    said = "a residual branch" if len(full) == 1 else "a branch of a sum"
    if item.minus and len(full) == 1:
        said = "a branch from which its input is taken off"
    for branch in full:
        yield from _line(lab, branch, f"in {said}" if not place else f"{place}, in {said}")


def _gate(lab: Lab, item: Gate, place: str) -> Part:
    """A product of branches that read the same value, or parts of its channels."""
    found = [list(_line(lab, branch, place)) for branch in item.branches]
    taken = [_is_taken(branch) for branch in item.branches]
    nodes = [composed("chain", [one.node for one in own]) if own else IDENTITY for own in found]
    kind: Kind = "splitproduct" if all(taken) else "product"
    node = composed(kind, nodes)
    inside = [one for own in found for one in own]
    first, last = _ends(item)
    exact = bool(inside) and all(one.measured.exact for one in inside)
    elements = [one for own in item.branches for one in own.items if isinstance(one, Element)]
    loose = [f"a {one.name}" for one in elements if one.mixes]
    loose += ["a sum" for own in item.branches for one in own.items if isinstance(one, Sum)]
    properties = tuple(
        replace(p, name=f"{key(one.node)}: {p.name}")
        for one in inside
        for p in one.measured.properties
    )
    proof = "; ".join(one.measured.proof for one in inside if one.measured.proof)
    differs = tuple(text for one in inside for text in one.measured.differs)
    differs += tuple(f"on a branch of the gate stands {name}" for name in loose)
    said = Property("gate", "a product of two branches", "factors were measured one by one")
    stands = inside[-1].measured.operator if inside else IDENTITY
    made = Measured(stands, (said, *properties), exact and not loose, proof, differs)
    return Part(place, node, made, (first, last), _branching(item, found, all(taken)))


def _branching(item: Gate, found: Sequence[Sequence[Part]], split: bool) -> Branching:
    """The gate's branches, each with the elements that it begins and ends with."""
    branches: list[tuple[Part | str, ...]] = []
    loose: list[str] = []
    for branch, own in zip(item.branches, found, strict=True):
        items = [one for one in branch.items if not (isinstance(one, Link) and one.takes)]
        names = [one.name if isinstance(one, Element) else "" for one in items]
        first = next((at for at, name in enumerate(names) if not name), len(names))
        last = next((at for at, name in enumerate(reversed(names)) if not name), 0)
        begins, ends = names[:first], names[len(names) - last :] if own else []
        loose += [name for name in names[first : len(names) - last] if name]
        branches.append((*begins, *own, *ends))
    firsts = [next(i for i in one.items if isinstance(i, Link)) for one in item.branches if split]
    sizes = tuple(link.out.channels for link in firsts)
    return Branching("splitproduct" if split else "product", tuple(branches), sizes, tuple(loose))


def _ends(item: Gate) -> tuple[int, int]:
    links = [i for branch in item.branches for i in branch.items if isinstance(i, Link)]
    return (links[0].into.channels, links[-1].out.channels) if links else (0, 0)


def _is_taken(line: Line) -> bool:
    """Whether the line begins with a part of the channels."""
    first = next((item for item in line.items if isinstance(item, Link)), None)
    return first is not None and first.takes


def _run(lab: Lab, every: Sequence[Atom], place: str) -> Iterator[Part]:
    """The operators of atoms that follow each other."""
    atoms = [atom for atom in every if not _is_scale(atom)]
    for pass_ in _PASSES:
        atoms = pass_(lab, atoms)
    for atom in atoms:
        yield _part(atom, place)


def _part(atom: Atom, place: str = "") -> Part:
    """An atom where it stands; one that is a term with what it is made of."""
    body = None
    if atom.band is not None:
        made = replace(atom.measured, operator=atom.band)
        own = Part("", core(atom.band), made, atom.widths)
        squashed = ("sigmoid",) * (atom.operator.weight.normalize == "sigmoid")
        body = Branching("product", ((), ("global_pool", own, *squashed)))
    if atom.parts:
        sizes = tuple(one.widths[1] for one in atom.parts)
        inside = tuple((_part(one),) if one.node != IDENTITY else () for one in atom.parts)
        body = Branching("split", inside, sizes)
    return Part(place, atom.node, atom.measured, atom.widths, body)


def _is_scale(atom: Atom) -> bool:
    """A learned number for each channel is an element, as those of norms are."""
    own = core(atom.operator)
    return (
        atom.term is None
        and atom.measured.exact
        and own
        == core(
            Operator(
                Space("point", share="positions"),
                Channel("separate", share=own.channel.share, heads=own.channel.heads),
            )
        )
    )


def _through_tokens(lab: Lab, atoms: list[Atom]) -> list[Atom]:
    """full ∘ full, through another number of places, each channel by itself: rank `tokens`."""
    made: list[Atom] = []
    for atom in atoms:
        if made and _mixes_all(made[-1]) and _mixes_all(atom) and _comes_back(made[-1], atom):
            first = made.pop()
            whole = measured(lab, _over(first.link, atom.link))
            count = first.link.out.count
            space = replace(whole.operator.space, rank=Rank("tokens", (count,)))
            atom = _with(whole, replace(whole.operator, space=space))
        made.append(atom)
    return made


def _mixes_all(atom: Atom) -> bool:
    own = atom.operator
    return own.space.connect == "full" and own.channel.connect == "separate" and atom.is_static


def _comes_back(first: Atom, second: Atom) -> bool:
    return first.link.into.count == second.link.out.count != first.link.out.count or (
        first.link.into.count == second.link.out.count and first.link.out.grid is None
    )


def _over(first: Link, last: Link) -> Link:
    way = Way.of(first.way.reading, first.way.start, last.way.end)
    return replace(first, way=way, out=last.out)


def _with(atom: Atom, operator: Operator, remark: str = "") -> Atom:
    remarks = (*atom.measured.remarks, remark) if remark else atom.measured.remarks
    return replace(atom, measured=replace(atom.measured, operator=operator, remarks=remarks))


def _reduced(lab: Lab, atoms: list[Atom]) -> list[Atom]:
    """Keys and values on fewer places than queries: rank `reduce`, by what stands before them."""
    for at, atom in enumerate(atoms):
        into, out = atom.link.into, atom.link.out
        if atom.is_static or into.count >= out.count or atom.operator.space.connect != "full":
            continue
        ratio = math.isqrt(out.count // into.count)
        if ratio < 2 or ratio * ratio * into.count != out.count:
            continue
        begins = next((i for i in range(at) if atoms[i].link.into.count == out.count), at)
        space = replace(atom.operator.space, rank=Rank("reduce", (ratio,)))
        operator = replace(atom.operator, space=space)
        if check(operator):
            continue
        before = [one for one in atoms[begins:at] if one.is_point]
        words = [key(core(one.operator)) for one in atoms[begins:at] if not one.is_point]
        said = f"the map is reduced by {', '.join(words)}" if words else ""
        return [*atoms[:begins], *before, _with(atom, operator, said), *atoms[at + 1 :]]
    return atoms


def _framed(lab: Lab, atoms: list[Atom]) -> list[Atom]:
    """point ∘ core ∘ point: a core that mixes no channels in a frame. Around a static core both
    projections must be there and of its width, or they are operators of their own."""
    made = list(atoms)
    at = 0
    while at < len(made):
        atom = made[at]
        before = at > 0 and made[at - 1].is_point
        behind = at + 1 < len(made) and made[at + 1].is_point
        if not _is_core(atom) or not (before or behind or atom.link.copies is not None):
            at += 1
            continue
        around = made[at - before : at + 1 + behind]
        flow = _flow(around)
        same = len(set(flow)) == 1
        if atom.is_static and not (before and behind and same):
            at += 1
            continue
        frame = Frame(
            value=before,
            output=behind,
            value_bias=before and _has_bias(made[at - 1]),
            output_bias=behind and _has_bias(made[at + 1]),
        )
        operator, uneven = _with_biases(atom.measured, replace(atom.operator, frame=frame))
        said = uneven if same else f"projections change the width: {' → '.join(map(str, flow))}"
        exact = all(one.measured.exact for one in around)
        beside = [text for one in around if one is not atom for text in one.measured.differs]
        differs = (*atom.measured.differs, *(f"a projection: {text}" for text in beside))
        operator, uneven_keys = _with_keys(atom, before, operator)
        if uneven_keys:
            exact, differs = False, (*differs, uneven_keys)
        found = replace(atom.measured, exact=exact, differs=differs)
        framed = _with(replace(atom, measured=found), operator, said)
        made[at - before : at + 1 + behind] = [framed]
        at = at - before + 1
    return made


def _with_biases(found: Measured, operator: Operator) -> tuple[Operator, str]:
    """Queries, keys and values are projected together: they have biases, or have none."""
    weight, frame = operator.weight, operator.frame
    if not compares(operator) or not frame.value:
        return operator, ""
    asked = {one.name: one.found for one in found.properties}.get("bias of queries", "")
    there = frame.value_bias or asked == "yes"
    said = "values have a bias, queries have none" * (there and asked == "no")
    said = said or "queries have a bias, values have none" * (there and not frame.value_bias)
    return replace(operator, weight=replace(weight, qkv_bias=there)), said


def _with_keys(atom: Atom, projected: bool, operator: Operator) -> tuple[Operator, str]:
    """Keys and values are made together where values are projected: heads share both, or none."""
    weight, served = operator.weight, atom.link.copies is not None
    if served == projected or (weight.kv_heads is None and not served):
        return operator, ""
    said = "heads share values that are no projection of the image"
    said = said if served else "heads share keys, and have values of their own"
    return replace(operator, weight=replace(weight, kv_heads=None)), said


def _is_core(atom: Atom) -> bool:
    """What projections belong to: places mixed and channels left apart, or groups of channels mixed
    by weights of the image (cross-covariance)."""
    if atom.operator.space.connect != "point":
        return atom.stays_separate
    return atom.operator.channel.connect == "groups" and not atom.is_static


def _flow(atoms: Sequence[Atom]) -> list[int]:
    """The widths before and behind each; values that serve several heads are counted for each."""
    made = [atoms[0].widths[0], *(one.widths[1] for one in atoms)]
    for at, one in enumerate(atoms):
        made[at] = one.widths[0] if one.link.copies is not None else made[at]
    return made


def _has_bias(atom: Atom) -> bool:
    return atom.operator.bias != "none"


def _inner(lab: Lab, atoms: list[Atom]) -> list[Atom]:
    """point ∘ C ∘ point around a C that mixes channels, and point ∘ point: an inner width."""
    made: list[Atom] = []
    for atom in atoms:
        made.append(atom)
        for count in (3, 2):
            joined = _narrow(made[-count:]) if len(made) >= count else None
            if joined is not None:
                made[-count:] = [joined]
                break
    return made


def _narrow(atoms: Sequence[Atom]) -> Atom | None:
    first, last = atoms[0], atoms[-1]
    ranked = any(one.operator.channel.rank or one.operator.space.rank for one in atoms)
    if not (first.is_point and last.is_point) or any(_is_wide(one) for one in atoms):
        return None
    width = first.widths[1]
    middle = atoms[1] if len(atoms) == 3 else last
    if len(atoms) == 3:
        mixes = middle.operator.channel.connect != "separate" and middle.is_static
        if not mixes or middle.is_point or set(middle.widths) != {width} or ranked:
            return None
    rank = Rank("inner", (width,))
    operator = replace(middle.operator, channel=replace(middle.operator.channel, rank=rank))
    if check(operator):
        return None
    link = _over(first.link, last.link)
    exact = all(one.measured.exact for one in atoms)
    found = replace(
        middle.measured,
        operator=operator,
        exact=exact,
        properties=_said_rank(middle.measured, rank),
    )
    return Atom(link, found)


def _is_wide(atom: Atom) -> bool:
    """Whether it already has an inner width by structure."""
    rank = atom.operator.channel.rank
    return rank is not None and rank.word == "inner" and rank.numbers[0] > min(atom.widths)


def _said_rank(measured: Measured, rank: Rank) -> tuple[Property, ...]:
    own = Property(
        "rank", f"inner {rank.numbers[0]}", "the width between the two point connections"
    )
    return (*(one for one in measured.properties if one.name != "rank"), own)


_PASSES: tuple[Callable[[Lab, list[Atom]], list[Atom]], ...] = (
    _through_tokens,
    _reduced,
    _framed,
    _inner,
)

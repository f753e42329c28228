"""From measured links to the operators that a person would name.

In: a lab and its line. Out: `Part`s: what `short_forms` makes of the links that follow each other,
wherever they stand, and gates and splits with what is on their branches. Elements between factors
do not hinder this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from relgraph.algebra.operator import TOGETHER, Channel, Operator, Space
from relgraph.probe.atoms import Atom, pieces
from relgraph.probe.findings import Measured, Property
from relgraph.probe.items import Element, Gate, Item, Line, Link, Sum
from relgraph.probe.lab import Lab
from relgraph.probe.shortforms import short_forms
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
    for atom in short_forms(lab, [atom for atom in every if not _is_scale(atom)]):
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

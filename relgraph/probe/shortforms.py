"""Runs of measured links that are one operator by the language's own short forms.

In: a lab and atoms that follow each other. Out: fewer atoms: a frame around a core, an inner width,
mixing through tokens and keys from a reduced map are put together, the others stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from relgraph.algebra.operator import Frame, Operator, Rank, compares
from relgraph.algebra.rules import check
from relgraph.probe.atoms import Atom, measured
from relgraph.probe.carry import Way
from relgraph.probe.findings import Measured, Property
from relgraph.probe.items import Link
from relgraph.probe.lab import Lab
from relgraph.relations.node import core
from relgraph.relations.words import key


def short_forms(lab: Lab, atoms: list[Atom]) -> list[Atom]:
    """Every short form that is there, tokens first."""
    for pass_ in _PASSES:
        atoms = pass_(lab, atoms)
    return atoms


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

"""Which parts of two backbones correspond, and how they differ besides their operators' cores.

In: two resolved backbones. Out: pairs of residual branches (or of what stands outside of any),
block by block and stage by stage; and, in words, every difference that is no relation: elements,
depth, width, stem, downsampling, head. It must not know relations or costs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from relgraph import resolved
from relgraph.resolved import Backbone, Body, Branches, Element, OperatorUse, Residual, Scope, Split


@dataclass(frozen=True)
class Unit:
    """What is added to its input (a residual branch), or a run of items outside of any."""

    body: Body
    residual: bool
    label: str | None = None


@dataclass(frozen=True)
class UnitPair:
    """Two units that take the same place in a block of `stage` (from 0); one may be missing."""

    stage: int
    block: int
    first: Unit | None
    second: Unit | None


def unit_pairs(first: Backbone, second: Backbone) -> Iterator[UnitPair]:
    """The units of every pair of blocks that stand in the same place of their stages."""
    for at, (one, other) in enumerate(zip(first.stages, second.stages, strict=False)):
        for block, (a, b) in enumerate(zip(one.blocks, other.blocks, strict=False)):
            for left, right in _paired(list(_units(a)), list(_units(b))):
                yield UnitPair(at, block, left, right)


def _paired(first: list[Unit], second: list[Unit]) -> Iterator[tuple[Unit | None, Unit | None]]:
    """Unit by unit where there are as many; else the blocks as a whole, since what stands in two
    branches here may stand in one there."""
    if len(first) == len(second) or not first or not second:
        yield from zip_longest(first, second)
        return
    yield _whole(first), _whole(second)


def _whole(units: list[Unit]) -> Unit:
    return Unit(tuple(item for unit in units for item in unit.body), residual=False)


def _units(body: Body) -> Iterator[Unit]:
    run: list[resolved.Node] = []
    for item in _opened(body):
        if isinstance(item, Residual):
            if run:
                yield Unit(tuple(run), residual=False)
            run = []
            yield Unit(item.body, residual=True, label=item.label)
        else:
            run.append(item)
    if run:
        yield Unit(tuple(run), residual=False)


def _opened(body: Body) -> Iterator[resolved.Node]:
    """The items of a body, those of definitions in their place."""
    for item in body:
        if isinstance(item, Scope) and item.kind == "definition":
            yield from _opened(item.body)
        else:
            yield item


def element_changes(first: Body, second: Body) -> tuple[str, ...]:
    """Which norms, activations and other elements are put in, taken out, replaced, or stand
    elsewhere between as many operators, in words."""
    before, after = _elements(first), _elements(second)
    alone, others = _without_operators(before), _without_operators(after)
    if sorted(alone) != sorted(others):
        return tuple(_changes(alone, others))
    moved = alone != others or (before != after and len(before) == len(after))
    return (_order(_words(second)),) if moved else ()


_OPERATOR = "·"  # stands for operators that follow each other, among elements


def _elements(body: Body) -> list[str]:
    """The elements in order, with `_OPERATOR` where operators stand between them."""
    found: list[str] = []
    for item in body:
        if isinstance(item, Element):
            found.append(item.word)
        elif isinstance(item, Scope | Residual):
            found += _elements(item.body)
        elif isinstance(item, Branches | Split):
            found += [word for branch in item.branches for word in _elements(branch)]
        elif isinstance(item, OperatorUse):
            found += [_OPERATOR, *_elements(item.reduce), *_elements(item.between)]
    return [
        word
        for at, word in enumerate(found)
        if at == 0 or word != _OPERATOR or found[at - 1] != word
    ]


def _without_operators(words: list[str]) -> list[str]:
    return [word for word in words if word != _OPERATOR]


def _order(words: Iterable[str]) -> str:
    return f"in another order: {', '.join(words)}"


def _changes(first: list[str], second: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        before, after = _counted(first[a:b]), _counted(second[c:d])
        if kind == "replace":
            yield f"{before} → {after}"
        elif kind == "delete":
            yield f"without {before}"
        elif kind == "insert":
            yield f"with {after}"


def _counted(words: Iterable[str]) -> str:
    """`batch_norm, relu ×2` for batch_norm, relu, relu."""
    count: dict[str, int] = {}
    for word in words:
        count[word] = count.get(word, 0) + 1
    return ", ".join(word + (f" ×{n}" if n > 1 else "") for word, n in count.items())


def frame_changes(first: Backbone, second: Backbone) -> Iterator[str]:
    """How stem, stages, downsampling and head differ, in words."""
    yield from _part("stem", first.stem, second.stem)
    for at, (one, other) in enumerate(zip(first.stages, second.stages, strict=False), 1):
        if one.channels != other.channels:
            yield f"stage {at}: {one.channels} → {other.channels} channels"
        if len(one.blocks) != len(other.blocks):
            yield f"stage {at}: {len(one.blocks)} → {len(other.blocks)} blocks"
        yield from _part(f"downsample of stage {at}", one.downsample, other.downsample)
        yield from _part(f"end of stage {at}", one.after, other.after)
    if len(first.stages) != len(second.stages):
        yield f"{len(first.stages)} → {len(second.stages)} stages"
    yield from _part("head", first.head, second.head)
    for name in ("size", "classes", "in_chans"):
        before, after = getattr(first, name), getattr(second, name)
        if before != after:
            yield f"{name}: {before} → {after}"


def _part(name: str, first: Body, second: Body) -> Iterator[str]:
    if first == second:
        return
    before, after = _words(first), _words(second)
    if sorted(before) == sorted(after) and before != after:
        changes = [_order(after)]
    else:
        changes = list(_changes(before, after))
    yield f"{name}: " + ("; ".join(changes) or "other options of the same items")


def _words(body: Body) -> list[str]:
    """Elements and operators by name, in order."""
    found: list[str] = []
    for item in _opened(body):
        if isinstance(item, Element):
            found.append(item.word)
        elif isinstance(item, OperatorUse | Scope):
            found.append(item.name)
        elif isinstance(item, Residual):
            found += ["residual", *_words(item.body)]
        elif isinstance(item, Branches | Split):
            found += [word for branch in item.branches for word in _words(branch)]
        else:
            found.append("tap")
    return found

"""Siblings of one cost: a variant made wider or deeper until it costs what the original costs.

In: a variant's draft, the original's cost, what to match and by what. Out: the draft with other
columns of `stages`, and how near it came. Widths stay in proportion, those inside of blocks too,
and multiples of 8 and of every count of heads or groups in their stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from relgraph.assemble.cost import Cost, cost
from relgraph.assemble.walking import nodes
from relgraph.derive.answer import Adjusted
from relgraph.derive.budgets import Measure, measured
from relgraph.derive.drafts import Draft
from relgraph.derive.source import Source
from relgraph.derive.widths import Column, column, widths
from relgraph.errors import Problem, RelgraphError
from relgraph.program import Connect, Program

By: TypeAlias = Literal["width", "depth"]
Columns: TypeAlias = Mapping[str, Column]
NARROWEST, WIDEST = 0.25, 4.0
NEAR = 0.01
"""What costs the original's within this as it is, stays so: models of one width differ in less than
models of one cost to the last digit."""


@dataclass(frozen=True)
class Match:
    """What shall be as in the original, by changing what, within which fraction of it."""

    measure: Measure
    by: By = "width"
    tolerance: float = 0.05


@dataclass(frozen=True)
class Matched:
    """A draft that was adjusted, what it means and costs."""

    draft: Draft
    cost: Cost
    adjusted: Adjusted

    def meets(self, match: Match) -> bool:
        """Whether it is within the tolerance."""
        return abs(self.adjusted.remains) <= match.tolerance


def columns(source: Source, by: By, folder: Path) -> Columns:
    """The original's columns that a match changes, by their names."""
    found = {}
    for key in ("depth",) if by == "depth" else widths(source, folder):
        own = column(source, key)
        assert own is not None, "a spec that was understood has numbers there"
        found[key] = own
    return found


def matched(
    draft: Draft, program: Program, source: Source, match: Match, own: Columns, folder: Path
) -> Matched | None:
    """The draft with the columns that come nearest to the original's cost, which may be further
    away than the tolerance; None where none assemble. `own` are the original's."""
    goal = measured(cost(source.understood.program), match.measure)
    tried: dict[Column, Matched | None] = {}

    def excess(column: Column) -> float | None:
        if column not in tried:
            place = folder / str(len(tried))
            tried[column] = _tried(draft, source, _named(own, column), match, goal, place)
        found = tried[column]
        return None if found is None else found.adjusted.remains

    as_it_is = _joined(own)
    away = excess(as_it_is)
    if away is not None and abs(away) <= min(NEAR, match.tolerance):
        return tried[as_it_is]
    units = _units(program, match.by) * len(own)
    _search(list(_in_proportion(as_it_is, units)), excess)
    best, column = _nearest(tried)
    for _ in range(_ROUNDS):
        if best is None or best.meets(match):
            return best
        for other in _beside(column, units):
            excess(other)
        best, column = _nearest(tried)
    return best


def _joined(own: Columns) -> Column:
    """All columns after each other."""
    return tuple(value for column in own.values() for value in column)


def _named(own: Columns, joined: Column) -> Columns:
    """The columns that stand after each other, by their names."""
    stages = len(joined) // len(own)
    return {key: joined[at * stages : (at + 1) * stages] for at, key in enumerate(own)}


def nothing_matches(match: Match, missed: Mapping[str, Adjusted], tried: int) -> RelgraphError:
    """No variant can be made to cost what the original costs: which one comes nearest."""
    same = f"{_SAID[match.measure]} of the original within {match.tolerance:.1%}"
    found = f"no variant ({tried:,} tried) can be given the {same}"
    if not missed:
        return RelgraphError(Problem("no-match", found, f"a {match.by} at which one assembles"))
    name = closest(missed)
    enough = math.ceil(abs(missed[name].remains) * 1000) / 1000
    other = "width" if match.by == "depth" else "depth"
    hint = f"--tolerance {enough:g}, or --by {other}"
    expected = f"the closest, {name}, is off with {missed[name].words}"
    return RelgraphError(Problem("no-match", found, expected, hint))


def closest(missed: Mapping[str, Adjusted]) -> str:
    """The name of the one that comes nearest, though not near enough."""
    return min(missed, key=lambda one: (abs(missed[one].remains), one))


_ROUNDS = 4
"""How often single stages are changed where no column in proportion is near enough."""


def _nearest(tried: Mapping[Column, Matched | None]) -> tuple[Matched | None, Column]:
    found = {column: one for column, one in tried.items() if one is not None}
    column = min(found, key=lambda one: abs(found[one].adjusted.remains), default=())
    return found.get(column), column


def _beside(column: Column, units: Column) -> Iterator[Column]:
    """The columns in which one stage is a step wider or narrower."""
    for at, unit in enumerate(units):
        for step in (-unit, unit):
            if column[at] + step > 0:
                yield (*column[:at], column[at] + step, *column[at + 1 :])


def _search(columns: Sequence[Column], excess: Callable[[Column], float | None]) -> None:
    """Halve the columns, which cost more and more, until two neighbours lie on either side; those
    that are refused are passed over towards the larger ones, by longer and longer steps."""
    low, high = 0, len(columns) - 1
    while low <= high:
        middle = at = (low + high) // 2
        while at <= high and excess(columns[at]) is None:
            at += at - middle + 1
        found = excess(columns[at]) if at <= high else None
        if found is None or found > 0:
            high = middle - 1
        elif found < 0:
            low = at + 1
        else:
            return


def _tried(
    draft: Draft, source: Source, wanted: Columns, match: Match, goal: int, folder: Path
) -> Matched | None:
    changed = {key: found for key, found in wanted.items() if found != column(source, key)}
    said = " and ".join(changed)
    about = f"  and {said} so that it has about as many {_SAID[match.measure]} as {source.name}"
    other = draft.with_stages(changed, about) if changed else draft
    try:
        found = cost(other.program(source, folder))
    except RelgraphError:
        return None  # a width that some operator does not fit
    remains = measured(found, match.measure) / goal - 1
    adjusted = Adjusted(match.by, tuple(wanted.items()), bool(changed), remains)
    return Matched(other, found, adjusted)


_SAID = {"parameters": "parameters", "macs": "multiply-adds"}


def _in_proportion(own: Column, units: Column) -> Iterator[Column]:
    """Different columns from the smallest to the largest, in proportion to the original's."""
    steps = sorted(
        {
            (n + 0.5) * unit / value
            for value, unit in zip(own, units, strict=True)
            for n in range(int(WIDEST * value / unit) + 1)
        }
    )
    last: Column | None = None
    for scale in steps:
        if not NARROWEST <= scale <= WIDEST:
            continue
        just = scale * (1 + 1e-9)
        column = tuple(
            max(1, math.floor(just * value / unit + 0.5)) * unit
            for value, unit in zip(own, units, strict=True)
        )
        if column != last:
            last = column
            yield column


def _units(program: Program, by: By) -> Column:
    """For each stage what its widths must be multiples of; depths are any number."""
    if by == "depth":
        return (1,) * len(program.stages)
    units = [8] * len(program.stages)
    for path, node in nodes(program):
        if not isinstance(node, Connect) or not path.startswith("stages."):
            continue
        channel = node.connection.operator.channel
        reduction = node.connection.operator.weight.predictor
        counts = [channel.heads, channel.groups if channel.connect == "groups" else 1]
        if reduction is not None and reduction.reduction:
            counts.append(reduction.reduction)
        stage = int(path.split(".")[1])
        units[stage] = math.lcm(units[stage], *counts)
    return tuple(units)

"""What the edits of an operator are, planned once for each pair of axis values.

In: rows of relations and numbers. Out: all edits of an operator whose results are consistent,
canonical and different, one for each result. Every rule of consistency and every rewrite reads at
most two of space, channel and weight (a test holds that), so steps over space and of the weight are
planned once for each (space, weight), steps over channels once for each (channel, weight), and what
is left for an operator is to look up the third value. Values are numbered, so that no look-up
hashes an operator; equal results are one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar, cast

from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.algebra.rules import consistent
from relgraph.relations.node import core
from relgraph.relations.numbers import Numbers
from relgraph.relations.relation import Edit, Relation, RelationAxis
from relgraph.relations.weight import any_channel, any_space

# The axes in the order of edits; a value that contradicts none of another axis, to stand for one
# that a plan does not read (`any_space`, `any_channel` for the others).
_AXES: tuple[RelationAxis, ...] = ("space", "channel", "weight")
_WEIGHT = Weight()


class _Planned(NamedTuple):
    """A step in words, and the numbers of the pair and of the channel that it makes; None: the
    operator's own."""

    relation: str
    axis: RelationAxis
    before: str
    after: str
    pair: int | None
    channel: int | None


Value = TypeVar("Value")


class _Numbered(Generic[Value]):
    """Values in the order in which they were first met."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self._places: dict[Value, int] = {}

    def __getitem__(self, place: int) -> Value:
        return self._values[place]

    def place(self, value: Value) -> int:
        """The number of the value; the next one if it is new."""
        if value not in self._places:
            self._places[value] = len(self._values)
            self._values.append(value)
        return self._places[value]


class Plans:
    """The edits by some rows with some numbers; a memory that grows with the values it meets.

    A *pair* is a consistent canonical (space, weight); pairs and channels are numbered.
    """

    def __init__(self, relations: Iterable[Relation], numbers: Numbers) -> None:
        rows = tuple(relations)
        self._numbers = numbers
        self._rows = {axis: [row for row in rows if row.axis == axis] for axis in _AXES}
        self._pairs = _Numbered[tuple[Space, Weight]]()
        self._channels = _Numbered[Channel]()
        self._pair_numbers: dict[tuple[Space, Weight], int | None] = {}
        self._channel_numbers: dict[tuple[Channel, Weight], int | None] = {}
        self._agree: dict[tuple[Space, int], bool] = {}
        self._made: dict[Frame, dict[tuple[int, int], Operator | None]] = {}
        self._pair_plans: dict[tuple[int, RelationAxis], tuple[_Planned, ...]] = {}
        self._channel_plans: dict[tuple[int, Weight], tuple[_Planned, ...]] = {}

    def edits(self, operator: Operator) -> tuple[Edit, ...]:
        """Every edit of a consistent core, in the order of the rows: space, channel, weight."""
        weight = operator.weight
        pair = self._pair(operator.space, weight)
        channel = self._channel(operator.channel, weight)
        assert pair is not None and channel is not None, f"inconsistent: {operator}"
        made = self._made.setdefault(operator.frame, {})
        here = self._whole(pair, channel, operator.frame)
        found = []
        for plan in (
            self._pair_plan(pair, "space"),
            self._channel_plan(channel, weight),
            self._pair_plan(pair, "weight"),
        ):
            for relation, axis, before, after, other_pair, other_channel in plan:
                at = (
                    pair if other_pair is None else other_pair,
                    channel if other_channel is None else other_channel,
                )
                target = made[at] if at in made else self._whole(*at, operator.frame)
                if target is not None and target is not here:
                    found.append(Edit(relation, axis, before, after, target))
        return tuple(found) if weight.kv_heads is None else _one_target_each(found)

    def _pair(self, space: Space, weight: Weight) -> int | None:
        """The number of the pair's canonical form; None if the two contradict each other."""
        key = (space, weight)
        if key not in self._pair_numbers:
            self._pair_numbers[key] = self._new_pair(
                Operator(space, any_channel(weight), weight, "none")
            )
        return self._pair_numbers[key]

    def _new_pair(self, operator: Operator) -> int | None:
        if not consistent(operator):
            return None
        form = core(operator)
        return self._pairs.place((form.space, form.weight))

    def _channel(self, channel: Channel, weight: Weight) -> int | None:
        """The number of the channel's canonical form under this weight, as for a pair."""
        key = (channel, weight)
        if key not in self._channel_numbers:
            operator = Operator(any_space(weight), channel, weight, "none")
            form = core(operator).channel if consistent(operator) else None
            found = None if form is None else self._channels.place(form)
            self._channel_numbers[key] = found
        return self._channel_numbers[key]

    def _whole(self, pair: int, channel: int, frame: Frame) -> Operator | None:
        """The one operator of these values; None if they contradict each other."""
        made = self._made.setdefault(frame, {})
        if (pair, channel) not in made:
            made[pair, channel] = self._new_whole(pair, channel, frame)
        return made[pair, channel]

    def _new_whole(self, pair: int, channel: int, frame: Frame) -> Operator | None:
        space, weight = self._pairs[pair]
        form = self._channel(self._channels[channel], weight)
        if form is None or not self._agrees(space, channel):
            return None
        if form != channel:
            return self._whole(pair, form, frame)
        other = self._pair(space, self._with_own_keys(channel, weight))
        if other != pair:
            return None if other is None else self._whole(other, channel, frame)
        return Operator(space, self._channels[channel], weight, "none", frame)

    def _with_own_keys(self, channel: int, weight: Weight) -> Weight:
        """The weight of these channels: as many keys as heads are every head's own."""
        if weight.kv_heads is None:
            return weight
        operator = Operator(any_space(weight), self._channels[channel], weight, "none")
        return replace(weight, kv_heads=core(operator).weight.kv_heads)

    def _agrees(self, space: Space, channel: int) -> bool:
        if (space, channel) not in self._agree:
            operator = Operator(space, self._channels[channel], _WEIGHT, "none")
            self._agree[space, channel] = consistent(operator)
        return self._agree[space, channel]

    def _pair_plan(self, pair: int, axis: RelationAxis) -> tuple[_Planned, ...]:
        key = (pair, axis)
        if key not in self._pair_plans:
            steps = self._pair_steps(pair, axis)
            met = () if axis == "space" else self._pair_plan(pair, "space")
            self._pair_plans[key] = _one_each(steps, met)
        return self._pair_plans[key]

    def _pair_steps(self, pair: int, axis: RelationAxis) -> Iterator[_Planned]:
        space, weight = self._pairs[pair]
        operator = Operator(space, any_channel(weight), weight, "none")
        for row in self._rows[axis]:
            for before, after, node in row.steps(operator, self._numbers):
                other, channel = self._pair(node.space, node.weight), None
                if node.channel != operator.channel:
                    channel = self._channel(node.channel, node.weight)
                if other is not None and (other, channel) != (pair, None):
                    yield _Planned(row.name, row.axis, before, after, other, channel)

    def _channel_plan(self, channel: int, weight: Weight) -> tuple[_Planned, ...]:
        key = (channel, weight)
        if key not in self._channel_plans:
            self._channel_plans[key] = _one_each(self._channel_steps(channel, weight))
        return self._channel_plans[key]

    def _channel_steps(self, channel: int, weight: Weight) -> Iterator[_Planned]:
        operator = Operator(any_space(weight), self._channels[channel], weight, "none")
        for row in self._rows["channel"]:
            for before, after, node in row.steps(operator, self._numbers):
                other = self._channel(node.channel, weight)
                if other is not None and other != channel:
                    yield _Planned(row.name, row.axis, before, after, None, other)


def _one_target_each(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The first edit to each result: two counts of keys may both be every head's own."""
    first: dict[Operator, Edit] = {}
    for edit in edits:
        first.setdefault(cast(Operator, edit.target), edit)
    return tuple(first.values())


def _one_each(steps: Iterable[_Planned], met: Iterable[_Planned] = ()) -> tuple[_Planned, ...]:
    """The first step to each result, if none that was met before leads there."""
    first: dict[tuple[int | None, int | None], _Planned] = {}
    known = {(step.pair, step.channel) for step in met}
    for step in steps:
        if (step.pair, step.channel) not in known:
            first.setdefault((step.pair, step.channel), step)
    return tuple(first.values())

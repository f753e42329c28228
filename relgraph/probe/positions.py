"""What pairs know of places: nothing, a table, a network of the offset, or turned queries and keys.

In: a measurement of weights from pairs. Out: a `Position`. At images whose places are all equal,
nothing but places tells pairs apart. Whether a number by offset stands in a table or is made by a
network, and by which angles queries are turned, is computed from the definitions and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, fx

from relgraph.algebra import operator as algebra
from relgraph.algebra.operator import HIDDEN, TEMPERATURE, Channel, Operator, Space, Weight
from relgraph.errors import counted
from relgraph.probe import borders, tables, turned
from relgraph.probe import operations as ops
from relgraph.probe.findings import size
from relgraph.probe.lab import DRAWS, constant
from relgraph.probe.sharing import classes
from relgraph.probe.supports import Ends, orbits
from relgraph.verify.declared import ABSENT
from relgraph.verify.oracle_positions import offset_biases
from relgraph.verify.oracle_tables import table

if TYPE_CHECKING:
    from relgraph.probe.measuring import Measuring

MOVED = 1e-7
"""A logit that changes by more is another."""
ROUNDED = 1e-6
"""Tables of coordinates and angles are float32 in many modules."""


@dataclass(frozen=True)
class Position:
    """What pairs know of places; `word` is None where it is none of the algebra's, or could not be
    told: then `near` stands in for it. `hidden` and `temperature` are the numbers of a network and
    of turns. `border` is told where it is seen by how often pairs weigh."""

    word: algebra.Position | None
    evidence: str
    hidden: int = HIDDEN
    temperature: float = TEMPERATURE
    near: algebra.Position = "relative"
    border: algebra.Border | None = None

    @property
    def nearest(self) -> algebra.Position:
        """The word, or the one that stands in for it."""
        return self.word or self.near


def position(made: Measuring, space: Space) -> Position:
    """What tells pairs apart whose features are all equal."""
    ends = made.ends
    everything = orbits(replace(space, share="all"), ends)
    if everything is None:
        return Position(None, "the support has no table")
    if classes(made.compared_places, everything, made.sums).ok:
        return Position("none", "with equal features everywhere all pairs weigh the same")
    draws = _powers(made, made.compared_places)
    border = borders.repeated(draws, space, ends) if made.sums else None
    if border is not None:
        said = "with equal features everywhere a pair weighs as often as the border repeats it"
        return Position("none", said, border=border)
    moved = _moved(made, everything != ABSENT)
    softmax = made.normalisation.word == "softmax"
    if made.normalisation.word == "l1" or (moved > MOVED and not softmax):
        return Position(None, "pairs of equal features weigh differently")
    by_offset = orbits(replace(space, share="positions"), ends)
    if moved > MOVED:
        return _asked(made, space, by_offset, moved)
    if not _learned(draws, everything != ABSENT):
        return Position(None, "a bias of places that is given, not learned")
    if by_offset is not None and (found := classes(draws, by_offset, True)).ok:
        return _free(made, _by_offset(made, space, found.things), found.things)
    if by_offset is not None and not classes(draws, by_offset, True).broken:
        return Position(None, "a bias by offset in which several offsets share a number")
    border = borders.by_offset(draws, space, ends)
    if border is not None:
        own = replace(space, border=border)
        return replace(_by_offset(made, own, space.size[0] * space.size[1]), border=border)
    pairs = Position("absolute", "logits of equal features differ from pair to pair of places")
    whole = space.connect == "full" and space.rank is None
    return _free(made, pairs, int((everything != ABSENT).sum())) if whole else pairs


def _free(made: Measuring, found: Position, count: int) -> Position:
    """The position, if a table of its own for each head has `count` numbers that are parameters."""
    channel = made.channel
    if not made.sums or found.word not in ("relative", "absolute") or channel is None:
        return found
    heads = channel.heads if channel.share == "heads" else 1
    held = tables.numbers(made.arrays)
    if held >= heads * count or channel.share == "none":
        return found
    said = f"{found.evidence}; {heads * count:,} of {counted(heads, 'head')} are made of"
    return Position(None, f"{said} {held:,} parameters: a special case", near=found.word)


def _powers(made: Measuring, draws: Sequence[Tensor]) -> list[Tensor]:
    """W of which the logarithm is the logits, as a softmax makes it, up to the sums of rows."""
    if made.normalisation.word == "sigmoid":
        return [w / (1.0 - w) for w in draws]
    if made.normalisation.word == "none":
        return [torch.where(w == 0, 0.0, w.exp()) for w in draws]
    return list(draws)


def _moved(made: Measuring, there: Tensor) -> float:
    """How much logits change with the feature that all places have."""
    places = made.arrays.link.start_places
    other = [made.arrays.given(draw, constant(places, draw + 10)) for draw in range(DRAWS)]
    found = (_powers(made, one) for one in (made.compared_places, made.draws(other)))
    pairs = zip(*found, strict=True)
    return max(apart(one, two, there) for one, two in pairs)


def apart(one: Tensor, other: Tensor, there: Tensor) -> float:
    """How much logits differ between two W, each row's up to a constant."""
    gap = torch.where(there, (one.clamp_min(1e-300) / other.clamp_min(1e-300)).log(), torch.nan)
    gap = gap - gap.nanmedian(1, keepdim=True).values
    return float(gap.nan_to_num(0.0).abs().max())


def _learned(draws: Sequence[Tensor], there: Tensor) -> bool:
    return apart(draws[0], draws[-1], there) > MOVED


def _by_offset(made: Measuring, space: Space, things: int) -> Position:
    """A number for each offset: of a table, or of a network."""
    said = f"{things} different logits, one for each offset"
    network = list(_networks(made))
    if not network:
        return Position("relative", said)
    for first, bias, second in network:
        for sign in (1.0, -1.0):  # offsets from output to input, or back
            tensors = {
                "cpb_mlp.0.weight": sign * first,
                "cpb_mlp.0.bias": bias,
                "cpb_mlp.2.weight": second,
            }
            gap = _apart_from(made, space, tensors)
            if gap <= ROUNDED:
                hidden = len(first)
                what = f"those that a network of {hidden} hidden units makes of its coordinates"
                return Position("continuous", f"{said}, {what} (off by {size(gap)})", hidden)
    return Position(None, f"{said}, made by a network: a special case of a table")


def _networks(made: Measuring) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Parameters behind a hidden layer that no image changes, as W₁ (hidden, 2), b₁, W₂."""
    reading, tape = made.arrays.link.way.reading, made.arrays.lab.tape
    for node in tape.nodes:
        if node in tape.dependent or ops.name(node) not in ("relu", "gelu", "silu", "tanh"):
            continue
        if not any(_leads(node, frozen, reading.made_of(frozen)) for frozen in made.arrays.frozen):
            continue
        before, behind = _parameters(made, node.all_input_nodes), _behind(made, node)
        firsts = [one for one in before if one.dim() == 2 and one.shape[1] == 2]
        biases = [one for one in before if one.dim() == 1]
        seconds = [
            one for one in behind if one.dim() == 2 and firsts and one.shape[1] == len(firsts[0])
        ]
        yield from ((a, b, c) for a in firsts for b in biases for c in seconds)


def _leads(node: fx.Node, target: fx.Node, made_of: frozenset[fx.Node]) -> bool:
    """Whether a parameter-made node has a say in what depends on the image."""
    todo, seen = [node], {node}
    while todo:
        for user in todo.pop().users:
            if user in made_of:
                return True
            if user not in seen:
                seen.add(user)
                todo.append(user)
    return False


def _parameters(made: Measuring, nodes: Sequence[fx.Node]) -> list[Tensor]:
    """The real tensors of the module that these nodes are made of."""
    todo, seen = list(nodes), set(nodes)
    while todo:
        for one in todo.pop().all_input_nodes:
            if one not in seen:
                seen.add(one)
                todo.append(one)
    values = [made.arrays.context[one] for one in seen if one.op == "placeholder"]
    return [one for one in values if isinstance(one, Tensor) and one.is_floating_point()]


def _behind(made: Measuring, node: fx.Node) -> list[Tensor]:
    """The parameters that meet what is made of `node`."""
    tape = made.arrays.lab.tape
    users = [one for one in tape.after(node) if one not in tape.dependent]
    return _parameters(made, [arg for one in users for arg in one.all_input_nodes])


def _apart_from(made: Measuring, space: Space, tensors: dict[str, Tensor]) -> float:
    """How far logits of the first draw at equal features are from a network's, in every head."""
    ends = made.ends
    weight = Weight("pair", position="continuous")
    operator = Operator(replace(space, share="positions"), Channel("separate"), weight, "none")
    connection = ends.connection(operator)
    biases, numbers = offset_biases(connection, tensors), _numbers(operator.space, ends)
    if len(biases) <= int(numbers.max()):  # halos have more offsets than are listed
        return float("inf")
    there = numbers >= 0
    if space.border in borders.INSIDE:  # at the edge W is a sum of several
        there &= (made.seen.sum(1) == space.size[0] * space.size[1])[:, None]
    heads = biases[numbers.clamp_min(0)].permute(2, 0, 1).exp()
    slices = _powers(made, made.arrays.slices(made.arrays.constants[0], made.joined))
    return max(min(apart(w, own, there) for own in heads) for w in slices)


def _numbers(space: Space, ends: Ends) -> Tensor:
    """(O, I): the number of the offset in the oracle's table, -1 where there is none."""
    spot = table(ends.connection(Operator(space, Channel("separate"), bias="none")))
    found = torch.full((ends.outputs, ends.inputs), -1)
    orbit = spot.orbit.expand(len(spot.outputs), spot.outputs.shape[1], -1)
    for block in range(len(spot.outputs)):
        for row, output in enumerate(spot.outputs[block].tolist()):
            if output < 0:
                continue
            inputs = spot.inputs[block]
            live = inputs >= 0
            found[output, inputs[live]] = orbit[block, row][live]
    return found


def _asked(made: Measuring, space: Space, by_offset: Tensor | None, moved: float) -> Position:
    """Places of which the query has a say: turned pairs, or what no word says."""
    said = (
        f"logits of equal features depend on places, and change by {size(moved)} with the feature"
    )
    if by_offset is None:
        return Position(None, f"{said}: the query has a say")
    there = by_offset != ABSENT
    if turned.is_straight(made, there):
        loose = classes(made.compared_places, by_offset, True).broken
        what = f"what each {'place' if loose else 'offset'} has is multiplied by queries or keys"
        return Position(None, f"{said} in a straight line: {what}")
    found = turned.turns(made, there)
    if found is None or found.off > ROUNDED:
        more = classes(made.compared_places, by_offset, True).broken
        what = "with more than the offset: places are in queries and keys, learned or given"
        return Position(None, f"{said}, {what if more else 'by no angles of rotary positions'}")
    off = f"as queries and keys turned by their places do (off by {size(found.off)})"
    if found.temperature is None:
        what = "a larger map would tell the angles"
        return Position(None, f"{said}, {off}; {what}", near="rotary")
    return Position("rotary", f"{said}, {off}", temperature=found.temperature)

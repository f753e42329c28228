"""Keys and values that serve several heads (multi-query and grouped-query attention).

In: arrays of a link whose weights come from pairs. Out: which input channel each output channel
reads where values serve several heads; and how many keys there are for the heads. As the feature
of a key moves, the weights of a head change only with what its keys see of the feature: heads with
the same keys have gradients in one space, which is no wider than that of one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from relgraph.errors import counted
from relgraph.probe import dynamism, normalising
from relgraph.probe.arrays import Arrays, visible
from relgraph.probe.draws import noise
from relgraph.probe.lab import image
from relgraph.probe.tape import Values

if TYPE_CHECKING:
    from relgraph.probe.measuring import Measuring

SAME = 1e-7
IMAGES = 6
"""Images at which queries are taken, until there are more than keys are wide."""


@dataclass(frozen=True)
class Keys:
    """How many keys there are for the heads: None where every head has its own, or nothing shows.
    `differs` tells in what they are none of the algebra's, `decided` whether they were measured."""

    count: int | None
    evidence: str
    differs: str = ""
    decided: bool = True


def copies(arrays: Arrays) -> Tensor | None:
    """(D,): the input channel that each output channel reads, where every input channel serves as
    many outputs as any other, by weights from pairs; None elsewhere."""
    joined = visible(arrays.by_channel).any(0).any(1)
    d, c = joined.shape
    if d <= c or not bool((joined.sum(1) == 1).all() and (joined.sum(0) == d // c).all()):
        return None
    sums = normalising.normalisation(arrays, joined).sums
    pairs = dynamism.dynamism(arrays, joined, sums).source == "pair"
    return joined.long().argmax(1) if pairs else None


def shared_keys(made: Measuring) -> Keys | None:
    """The keys of a link whose weights come from pairs; None where there is one head, or every head
    has values and keys of its own."""
    heads = _heads(made)
    if len(heads) < 2:
        return None
    served = made.arrays.link.copies
    if served is None:
        return _own_values(made, heads) if made.arrays.whole else None
    values = [tuple(served[list(own)].tolist()) for own in heads]
    runs = [values.index(one) for one in values]
    count = len(set(runs))
    if runs != _equal_runs(len(heads), count):
        return Keys(None, "", "heads read values that overlap: no equal runs of heads share them")
    keys, said = _classes(made.arrays, [own[0] for own in heads])
    what = f"{counted(count, 'value')} for {len(heads)} heads"
    if keys is None:
        return Keys(count, f"{what}; {said}", decided=False)
    if keys != runs:
        other = f"{counted(len(set(keys)), 'key')} for as many heads"
        return Keys(None, "", f"values and keys are not shared alike: {what}, {other}")
    return Keys(count, f"{what}, and as many keys; {said}")


def _own_values(made: Measuring, heads: Sequence[Sequence[int]]) -> Keys | None:
    """Keys that serve several heads beside values that do not."""
    keys, said = _classes(made.arrays, [own[0] for own in heads])
    if keys is None or len(set(keys)) == len(heads):
        return None
    count = len(set(keys))
    what = f"{counted(count, 'key')} for {len(heads)} heads"
    if keys != _equal_runs(len(heads), count):
        return Keys(None, "", f"{what}, which no equal runs of heads share")
    return Keys(count, f"{what}, which have values of their own; {said}")


def _heads(made: Measuring) -> list[tuple[int, ...]]:
    """The output channels of each head, in order."""
    channel, outputs = made.channel, made.order.outputs.tolist()
    if channel is None or channel.connect != "separate" or channel.share == "all":
        return []
    width = len(outputs) // channel.heads if channel.share == "heads" else 1
    return [tuple(outputs[at : at + width]) for at in range(0, len(outputs), width)]


def _equal_runs(heads: int, count: int) -> list[int]:
    """The first head of each head's run, for `count` runs of equal length."""
    length = max(1, heads // count)
    return [head // length * length for head in range(heads)]


def _classes(arrays: Arrays, heads: Sequence[int]) -> tuple[list[int] | None, str]:
    """For each head the first that has its keys; None where that does not show."""
    link = arrays.link
    if not link.start_places.count == link.into.count == link.out.count:
        return None, "keys are no places of the image: whether heads share them was not measured"
    spaces = _gradients(arrays, heads)
    ranks = [_rank(space) for space in spaces]
    features = link.start_places.channels
    if max(ranks) >= features:
        return None, f"a key sees all of {features} numbers: whether heads share it does not show"
    if any(rank >= len(space) for rank, space in zip(ranks, spaces, strict=True)):
        return None, "the map has too few queries to tell whether heads share keys"
    found: list[int] = []
    for head, rank in enumerate(ranks):
        same = (
            other
            for other in dict.fromkeys(found)
            if rank == ranks[other] == _rank(torch.cat([spaces[head], spaces[other]]))
        )
        found.append(next(same, head))
    every = _rank(torch.cat(spaces))
    return found, f"weights change with {ranks[0]} directions of a key's feature, all with {every}"


def _gradients(arrays: Arrays, heads: Sequence[int]) -> list[Tensor]:
    """(queries, features) for each head: how weights of one place change with what stands there,
    each of length 1, for more queries than keys are wide if there are as many."""
    place = arrays.middle
    wanted = 2 * (arrays.link.out.channels // len(heads)) + 4
    made: list[list[Tensor]] = [[] for _ in heads]
    for gradients in _by_image(arrays, heads, place, wanted):
        for own, rows in zip(made, gradients.unbind(1), strict=True):
            lengths = rows.norm(dim=1)
            live = lengths > SAME * lengths.max()
            own.append(rows[live] / lengths[live, None])
        if min(sum(map(len, own)) for own in made) >= wanted:
            break
    return [torch.cat(own) for own in made]


def _by_image(arrays: Arrays, heads: Sequence[int], place: int, wanted: int) -> Iterator[Tensor]:
    """(queries, heads, features) at one image after the other."""
    link = arrays.link
    reads = arrays.places_at(arrays.context).abs().amax((1, 3))[:, place] > 0
    others = [int(row) for row in reads.nonzero() if int(row) != place][:wanted]
    if not others:
        return
    for seed in range(IMAGES):
        features = image(link.start_places, seed)
        context = arrays.given(0, features)

        def weights(own: Tensor, context: Values = context, rest: Tensor = features) -> Tensor:
            moved = rest.index_put((torch.tensor(place),), own)
            return _response(arrays, context, moved, place)[others][:, list(heads)]

        yield torch.func.jacrev(weights, chunk_size=64)(features[place])


def _response(arrays: Arrays, context: Values, features: Tensor, place: int) -> Tensor:
    """(O, D): what W makes of numbers at one place, as a function of the image."""
    link, tape = arrays.link, arrays.lab.tape
    values = dict(context)
    values[arrays.start] = link.start_places.write(features[None]).view(link.start_places.shape)
    after = tape.after(arrays.start)
    for node in tape.nodes:
        if node in after and node is not arrays.start:
            values[node] = tape.value(node, values.__getitem__)
    probe = torch.zeros(1, link.into.count, link.into.channels, dtype=torch.float64)
    probe[0, place] = noise((link.into.channels,), 907)
    written = link.into.write(probe)[0].view(values[link.way.start].shape)
    return link.out.read(link.way.local(values, written)[link.way.end][None])[0]


def _rank(space: Tensor) -> int:
    values = torch.linalg.svdvals(space)
    return int((values > SAME * values[0]).sum()) if len(values) else 0

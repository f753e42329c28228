"""One axis of a product of two factors, cut into parts that no number joins.

In: the axes (space or channel) of two connections of which the second reads the first. Out:
`Parts`: which entries of the product exist, as an axis of its own that least squares can project
onto, and blocks of it, each a matrix whose rows are the second factor's numbers and whose columns
are the first's. It knows neither values nor what the axes stand for.

Two kinds of products have such blocks. Where no number of a factor stands twice, middles (channels
or places between the factors) that join the same outputs to the same inputs make one dense block,
of rank their number. Where every entry passes through one middle, numbers may stand as often as
they like, and a block has rank one. Everything else has no closed form that is known here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.transfer.axes import Axis, gram
from relgraph.transfer.carried import Refused

LARGEST = 1 << 24
"""Pairs of entries that are listed; above it a layer is told to be too large."""
UNEVEN = (
    "the numbers of the two factors do not meet evenly: no closed form is known for their nearest "
    "product"
)
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Ends:
    """Inputs, middles and outputs of two factors along one axis."""

    inputs: int
    middles: int
    outputs: int


@dataclass(frozen=True, eq=False)
class Block:
    """`product` (R, K) numbers the product's orbits, `second` (R, r) and `first` (r, K) those of
    the factors: product[i, j] = Σ_m second[i, m] · first[m, j]. How often entries count is the
    product of `rows` (R,) and `columns` (K,), or, where entries are reached by several orbits, of
    two positive semidefinite matrices (R, R) and (K, K)."""

    product: Tensor
    second: Tensor
    first: Tensor
    rows: Tensor
    columns: Tensor

    @property
    def rank(self) -> int:
        """Middles that join these rows and columns."""
        return self.first.shape[0]


@dataclass(frozen=True, eq=False)
class Parts:
    """The axis of the product, and blocks that together hold each of its orbits once."""

    axis: Axis
    blocks: tuple[Block, ...]


def parts(first: Axis, second: Axis, ends: Ends) -> Parts | Refused:
    """The product of two factors along one axis, or why it has no closed form."""
    alone = _stand_once(first) and _stand_once(second)
    dense = _dense(first, second, ends) if alone else None
    return dense or _by_paths(first, second, ends)


def _stand_once(axis: Axis) -> bool:
    return len(axis.orbit.unique()) == len(axis.orbit) == len(axis.entry.unique())


def _dense(first: Axis, second: Axis, ends: Ends) -> Parts | None:
    """Blocks of middles that read the same inputs and are read by the same outputs; None where two
    such blocks meet at an entry."""
    reads: dict[int, list[tuple[int, int]]] = defaultdict(list)
    feeds: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for entry, orbit in zip(first.entry.tolist(), first.orbit.tolist(), strict=True):
        reads[entry // ends.inputs].append((entry % ends.inputs, orbit))
    for entry, orbit in zip(second.entry.tolist(), second.orbit.tolist(), strict=True):
        feeds[entry % ends.middles].append((entry // ends.middles, orbit))
    alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = defaultdict(list)
    for middle in sorted(reads.keys() & feeds.keys()):
        near, far = sorted(reads[middle]), sorted(feeds[middle])
        alike[tuple(o for o, _ in far), tuple(i for i, _ in near)].append(middle)
    entries, blocks, count = [], [], 0
    for (outputs, inputs), middles in alike.items():
        rows, columns = torch.tensor(outputs), torch.tensor(inputs)
        product = torch.arange(len(rows) * len(columns)).reshape(len(rows), -1) + count
        count += product.numel()
        entries.append((rows[:, None] * ends.inputs + columns).flatten())
        feeding = [[orbit for _, orbit in sorted(feeds[m])] for m in middles]
        reading = [[orbit for _, orbit in sorted(reads[m])] for m in middles]
        once = torch.ones(len(rows)).double(), torch.ones(len(columns)).double()
        block = Block(product, torch.tensor(feeding).T, torch.tensor(reading), *once)
        blocks.append(block)
    entry = torch.cat(entries) if entries else torch.zeros(0, dtype=torch.long)
    if len(entry.unique()) < len(entry):
        return None
    return Parts(Axis(entry, torch.arange(count), count), tuple(blocks))


def _by_paths(first: Axis, second: Axis, ends: Ends) -> Parts | Refused:
    """Pairs of numbers that meet at one middle; connected ones make a block of rank one."""
    joined = _join(first, second, ends)
    if isinstance(joined, Refused):
        return joined
    entry, far, near = joined
    pairs, number = (far * first.orbits + near).unique(return_inverse=True)
    axis = Axis(entry, number, len(pairs))
    far, near = pairs // first.orbits, pairs % first.orbits
    once = len(entry.unique()) == len(entry)
    made = _connected(axis, far, near) if once else _overlapping(axis, far, near)
    return made or Refused(UNEVEN)


def _join(first: Axis, second: Axis, ends: Ends) -> tuple[Tensor, Tensor, Tensor] | Refused:
    """Every way from an input to an output: its entry, second's number and first's."""
    order = (first.entry // ends.inputs).argsort(stable=True)
    middles = (first.entry // ends.inputs)[order]
    through = second.entry % ends.middles
    start = torch.searchsorted(middles, through)
    count = torch.searchsorted(middles, through, right=True) - start
    total = int(count.sum())
    if total > LARGEST:
        return Refused(f"its two factors meet in {total:,} entries: more than {LARGEST:,}")
    rows = torch.arange(len(through)).repeat_interleave(count)
    within = torch.arange(total) - (count.cumsum(0) - count)[rows]
    at = order[start[rows] + within]
    outputs, inputs = second.entry[rows] // ends.middles, first.entry[at] % ends.inputs
    return outputs * ends.inputs + inputs, second.orbit[rows], first.orbit[at]


def _connected(axis: Axis, far: Tensor, near: Tensor) -> Parts | None:
    """A block for the pairs that share numbers; None where in one not every two numbers meet, or
    not as often as a product of two counts says."""
    count = torch.zeros(axis.orbits, dtype=torch.float64)
    count.index_add_(0, axis.orbit, torch.ones(len(axis.orbit), dtype=torch.float64))
    label = _labels(far, near)
    sizes = label.unique(return_counts=True)[1].tolist()
    blocks = []
    for members in label.argsort(stable=True).split(sizes):
        rows, row = far[members].unique(return_inverse=True)
        columns, column = near[members].unique(return_inverse=True)
        if len(members) != len(rows) * len(columns):
            return None
        product = torch.empty(len(rows), len(columns), dtype=torch.long)
        product[row, column] = members
        counts = count[product]
        weights = counts.sum(1), counts.sum(0) / counts.sum()
        even = weights[0][:, None] * weights[1]
        if bool(((counts - even).abs() > _SAME * counts.max()).any()):
            return None
        blocks.append(Block(product, rows[:, None], columns[None], *weights))
    return Parts(axis, tuple(blocks))


def _labels(far: Tensor, near: Tensor) -> Tensor:
    """For every pair the number of its component, by the smallest pair in it."""
    label = torch.arange(len(far))
    while True:
        before = label
        for numbers in (far, near):
            size = int(numbers.max()) + 1 if len(numbers) else 0
            lowest = torch.full((size,), len(far)).scatter_reduce(0, numbers, label, "amin")
            label = lowest[numbers]
        if torch.equal(before, label):
            return label


def _overlapping(axis: Axis, far: Tensor, near: Tensor) -> Parts | None:
    """One block whose entries are reached by several orbits (a border that repeats positions): its
    Gram matrix must be a product of one over rows and one over columns."""
    rows, row = far.unique(return_inverse=True)
    columns, column = near.unique(return_inverse=True)
    if len(far) != len(rows) * len(columns) or len(far) > 4096:
        return None
    product = torch.empty(len(rows), len(columns), dtype=torch.long)
    product[row, column] = torch.arange(len(far))
    flat = product.flatten()
    square = gram(axis).to_dense()[flat][:, flat]
    square = square.reshape(len(rows), len(columns), len(rows), len(columns))
    over_rows = square.diagonal(dim1=1, dim2=3).sum(-1)
    over_columns = square.diagonal(dim1=0, dim2=2).sum(-1) / over_rows.trace()
    made = torch.einsum("ij,kl->ikjl", over_rows, over_columns)
    if bool(((made - square).abs() > _SAME * square.abs().max()).any()):
        return None
    block = Block(product, rows[:, None], columns[None], over_rows, over_columns)
    return Parts(axis, (block,))

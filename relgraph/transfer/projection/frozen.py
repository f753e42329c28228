"""Weights that change with the image, averaged over images: a static connection of the same frame.

In: a connection whose W depends on its input, its tensors, values that enter it. Out: the static
connection that has a number for each of its entries, the mean of W there: the W nearest to those of
all images (ALGEBRA 4.3). Sums are taken over a few images at a time, unit by unit, so memory holds
one W and never those of all images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection, Weight, compares
from relgraph.algebra.parameters import weight_shape
from relgraph.transfer.axes import Axis, channel_axis, on_map, slot_axis, slots
from relgraph.transfer.carried import Refused, Tensors
from relgraph.transfer.keyless import with_key_bias
from relgraph.transfer.shared_keys import untied, written_out
from relgraph.verify import oracle
from relgraph.verify.oracle_tables import completed_connection

LARGEST = 1 << 25
"""Numbers of W over entries and units: above it a layer is told to be too large."""
AT_ONCE = 1 << 22  # numbers of W of several images, held together


@dataclass(frozen=True, eq=False)
class Frozen:
    """The static connection and its tensors; `spread` is Σ‖W_image − mean‖² over Σ‖W_image‖², what
    no static weight keeps."""

    connection: Connection
    tensors: Tensors
    spread: float


def stand_in(source: Connection, tensors: Tensors) -> Frozen:
    """The same frame around a core of zeros that reads the map itself: where keys stand on a map of
    their own, W reads what was made of the map, and there is no mean to take."""
    if source.operator.weight.kv_heads is not None:
        source, tensors = untied(source), written_out(source, tensors)
    static = replace(_static(source), key_grid=None)
    doubles = {n: t.double() if t.dtype.is_floating_point else t for n, t in tensors.items()}
    own = {"weight": torch.zeros(weight_shape(static), dtype=torch.float64)}
    return Frozen(static, own | _frame(source, doubles), 0.0)


def frozen(source: Connection, tensors: Tensors, inputs: Tensor) -> Frozen | Refused:
    """The mean of W over `inputs` (B, T + P, C)."""
    if source.key_grid is not None:
        return Refused("keys on a map of their own: its W reads what no static core here reads")
    if source.operator.weight.kv_heads is not None:
        source, tensors = untied(source), written_out(source, tensors)
    static = _static(source)
    axis, units = slot_axis(static, empty=True), channel_axis(source)
    entry = _entries(static, axis)
    number = units.orbits * axis.orbits
    if number > LARGEST:
        return Refused(f"W has {number:,} numbers: more than {LARGEST:,} are not averaged")
    doubles = {n: t.double() if t.dtype.is_floating_point else t for n, t in tensors.items()}
    total, square = torch.zeros(units.orbits, axis.orbits, dtype=torch.float64), 0.0
    multiplicity = units.orbit.bincount(minlength=units.orbits).double()
    for batch in chunks(inputs, AT_ONCE // number):
        w = _on_slots(source, static, oracle.weights(source, doubles, batch))
        w = w.flatten(2)[:, :, axis.entry]
        w = w.expand(len(batch), -1, -1)
        total.index_add_(1, axis.orbit, w.sum(0))
        square += float((_square(w, entry) * multiplicity).sum())
    mean = total / len(inputs)
    kept = float((_square(mean[None, :, axis.orbit], entry) * multiplicity).sum()) * len(inputs)
    spread = max(square - kept, 0.0) / square if square else 0.0
    own = {"weight": mean.reshape(weight_shape(static)), **_frame(source, doubles)}
    return Frozen(static, own, spread)


def _on_slots(source: Connection, static: Connection, w: Tensor) -> Tensor:
    """W (B, U, O, K) over the slots of `static`, where an input stands once that windows of an
    outlook reach several times."""
    if source.operator.space.connect != "outlook":
        return w
    (reads, _), (wanted, _) = slots(source), slots(static)
    places, width = geometry.area(source.in_grid), wanted.shape[1]
    slot = torch.full((len(reads), places + 1), width)
    slot.scatter_(1, wanted % (places + 1), torch.arange(width).expand_as(wanted))
    slot[:, places] = width  # what stands outside the map adds to nothing
    at = slot.gather(1, reads % (places + 1)).expand_as(w)
    return w.new_zeros(*w.shape[:3], width + 1).scatter_add_(3, at, w)[..., :width]


def _entries(static: Connection, axis: Axis) -> Tensor:
    """For each slot of the axis the entry of W that it adds to, −1 for what stands outside the map:
    a border that repeats positions shows one of them in several slots."""
    reads, _ = slots(static)
    whole, count = completed_connection(static), static.tokens + geometry.area(static.in_grid)
    output = on_map(axis.entry // reads.shape[1], whole, static.in_grid)
    read = on_map(reads.flatten()[axis.entry], whole, static.in_grid)
    return torch.where((output >= 0) & (read >= 0), output * count + read, -1)


def _square(w: Tensor, entry: Tensor) -> Tensor:
    """Σ over images and entries of squares, (U,), of w (B, U, slots)."""
    there = entry >= 0
    _, number = entry[there].unique(return_inverse=True)
    added = w.new_zeros(*w.shape[:2], int(number.max()) + 1)
    return added.index_add_(2, number, w[..., there]).square().sum((0, 2))


def chunks(inputs: Tensor, count: int) -> Iterator[Tensor]:
    """The inputs in float64, at most `count` images at a time and at least one."""
    for batch in inputs.split(max(1, count)):
        yield batch.double()


def _static(source: Connection) -> Connection:
    """The same slots, each with a number of its own at each place."""
    operator = source.operator
    space = replace(operator.space, share="none", rank=None)
    if space.connect == "outlook":  # all that windows around an output may reach
        rows, columns = (2 * side - 1 for side in space.size)
        space = replace(space, connect="local", size=(rows, columns), step=(1, 1))
    value = operator.frame.value_bias
    if compares(operator):
        value = operator.weight.qkv_bias
    frame = replace(operator.frame, value_bias=value)
    return replace(
        source, operator=replace(operator, space=space, weight=Weight("static"), frame=frame)
    )


def _frame(source: Connection, tensors: Tensors) -> dict[str, Tensor]:
    """Bias and projections; a pair source's values are rows of `qkv`."""
    source, tensors = with_key_bias(source, tensors)
    own = {n: t for n, t in tensors.items() if n == "bias" or n.startswith(("proj.", "value."))}
    if not compares(source.operator) or not source.operator.frame.value:
        return own
    name = "qkv" if source.key_grid is None else "kv"
    values = {f"value.{part}": tensors.get(f"{name}.{part}") for part in ("weight", "bias")}
    return own | {n: t[-source.in_channels :] for n, t in values.items() if t is not None}

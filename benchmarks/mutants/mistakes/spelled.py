"""Mistakes in what only the general form spells out: tables of places, orders, sums over slots,
heads beside neighbourhoods, gates and predicted matrices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source


def _swapped(s: Source, old: str, new: str, function: str = "") -> Iterator[Edit]:
    """`new` wherever an expression says `old`, in functions of that name or everywhere."""
    for node in s.inside(function) if function else s.code:
        if isinstance(node, ast.expr | ast.keyword) and s.said(node) == old:
            yield s.replace(node, new)


def places_by_the_height(s: Source) -> Iterator[Edit]:
    """A position is its row times the height: right on square maps."""
    for call in s.calls("cross"):
        said = s.said(call)
        if said.endswith(", w)"):
            yield s.replace(call, said.removesuffix(", w)") + ", h)")


def either_side_inside(s: Source) -> Iterator[Edit]:
    """& for |: a place is outside where its row and its column both are."""
    yield from _swapped(s, "(y < 0) | (x < 0)", "(y < 0) & (x < 0)", "cross")
    old = "(place < 0) | (place >= length)"
    yield from _swapped(s, old, old.replace("|", "&"), "keep_inside")


def positions_transposed(s: Source) -> Iterator[Edit]:
    """Rows and columns change places where they are multiplied out."""
    for node in s.inside("cross"):
        if isinstance(node, ast.expr) and s.said(node) == "position.flatten(2)":
            yield s.replace(node, "position.transpose(2, 3).flatten(2)")


def outputs_in_order_of_slots(s: Source) -> Iterator[Edit]:
    """Outputs stay in the order of windows; nothing puts them back on the map."""
    yield from _swapped(s, "y.index_select(1, order)", "y[:, : len(order)]", "aggregate")


def outputs_put_where_read(s: Source) -> Iterator[Edit]:
    """The order's inverse, and the other way round."""
    yield from _swapped(s, "y.index_select(1, order)", "y[:, order.argsort()]", "aggregate")


def order_from_the_front(s: Source) -> Iterator[Edit]:
    """What sorts to the front is no output: the first are kept, not the last."""
    for function in s.functions("tables"):
        for node in ast.walk(function):
            if isinstance(node, ast.Subscript) and s.said(node).endswith("argsort()[-h * w :]"):
                yield s.replace(node.slice, "slice(h * w)")


def slot_of_the_last_place(s: Source) -> Iterator[Edit]:
    """-1 counts from the end: without a row of zeros it reads the last position."""
    for call in s.calls("pad"):
        if s.said(call) == "F.pad(x, (0, 0, 0, 1))":
            yield s.into(call, call.args[0])


def absent_slots_take_part(s: Source) -> Iterator[Edit]:
    """The mask before the softmax is forgotten, what is absent is set to 0 after it."""
    for call in s.calls("masked_fill"):
        if "~present" in s.said(call):
            assert isinstance(call.func, ast.Attribute)
            yield s.into(call, call.func.value)


def present_rows_for_slots(s: Source) -> Iterator[Edit]:
    """Of every neighbourhood, what its first slot is, all are."""
    for node in s.inside("weights"):
        if isinstance(node, ast.expr) and s.said(node) == "(inputs >= 0)[:, None]":
            yield s.replace(node, "(inputs[:, :1] >= 0)[:, None]")


def sum_over_outputs(s: Source) -> Iterator[Edit]:
    """The two letters of an einsum change places: outputs are summed, not slots."""
    for call in s.calls("einsum"):
        if s.said(call.args[0]) in ('"bhnqk,bnkhc->bnqhc"', '"hnqk,bnkhc->bnqhc"'):
            yield s.replace(call.args[0], s.said(call.args[0]).replace("nqk", "nkq", 1))


def out_of_in_channels(s: Source) -> Iterator[Edit]:
    """A predicted matrix of channels is applied transposed."""
    for call in s.calls("einsum"):
        if s.said(call.args[0]) == '"bgdcnqk,bnkgc->bnqgd"':
            yield s.replace(call.args[0], '"bgcdnqk,bnkgc->bnqgd"')


def groups_behind_channels(s: Source) -> Iterator[Edit]:
    """The sum's output names the group last, and the two are flattened all the same."""
    for call in s.calls("einsum"):
        if s.said(call.args[0]) == '"bgdcnqk,bnkgc->bnqgd"':
            yield s.replace(call.args[0], '"bgdcnqk,bnkgc->bnqdg"')


def queries_from_inputs(s: Source) -> Iterator[Edit]:
    """Queries are read where keys are, and the places of a halo beside their own are cut off."""
    for function in s.functions("weights"):
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and s.said(call) == "gather(q, outputs)":
                yield s.replace(call, "gather(q, inputs)[..., : outputs.shape[1], :]")


def turned_by_columns_twice(s: Source) -> Iterator[Edit]:
    """Planes of both halves turn by the column: right for maps of one row."""
    yield from _swapped(
        s, "torch.cartesian_prod(rows, columns)", "torch.cartesian_prod(columns, columns)"
    )


def turned_values(s: Source) -> Iterator[Edit]:
    """Values are turned as well."""
    for function in s.functions("aggregate"):
        if "self.places" in s.text and "near" in s.said(function):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and s.said(node) == "x.unsqueeze(1)":
                    turned = "turned(x, self.places, self.temperature)"
                    yield s.replace(node, f"{turned}.unsqueeze(1)")


def places_from_zero_to_one(s: Source) -> Iterator[Edit]:
    """Rows and columns from 0 to 1 instead of counted."""
    for node in s.inside("block_grid"):
        if isinstance(node, ast.Call) and s.said(node).startswith("torch.arange("):
            yield s.replace(node, f"{s.said(node)} / side")


def linear_biases_start_apart(s: Source) -> Iterator[Edit]:
    """A layer of n outputs starts with a bias of 1 / n, so that it starts as a mean."""
    for function in s.classes("Linear"):
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and s.said(call) == "nn.init.zeros_(self.bias)":
                yield s.replace(call, "nn.init.constant_(self.bias, 1 / len(self.bias))")


def experts_before_the_gate(s: Source) -> Iterator[Edit]:
    """The gate is taken of the kernels, not of the context."""
    old = "self.expand(torch.sigmoid(hidden))"
    yield from _swapped(s, old, "torch.sigmoid(self.expand(hidden))", "predict")


def experts_averaged(s: Source) -> Iterator[Edit]:
    """Gates are divided by their sum."""
    old = "torch.sigmoid(hidden)"
    yield from _swapped(s, old, f"F.normalize({old}, p=1, dim=-1)", "predict")


def experts_units_last(s: Source) -> Iterator[Edit]:
    """Predicted numbers lie as (tap, unit), not (unit, tap)."""
    for call in s.calls("unflatten"):
        if s.said(call).endswith("unflatten(1, (*self.units, -1))"):
            other = s.said(call).replace("(*self.units, -1)", "(-1, *self.units)")
            yield s.replace(call, f"{other}.movedim(1, -1)")


def context_of_the_largest(s: Source) -> Iterator[Edit]:
    """The context is the largest of the map, not its mean."""
    yield from _swapped(s, "x.mean(dim=(2, 3))", "x.amax(dim=(2, 3))", "weights")


def likeness_head_major(s: Source) -> Iterator[Edit]:
    """The query and the key of a head stand together, where all queries come first."""
    old = "qk.unflatten(1, (2, len(self.temperature), -1)).unbind(1)"
    new = "qk.unflatten(1, (len(self.temperature), 2, -1)).unbind(2)"
    yield from _swapped(s, old, new)


def likeness_of_the_other(s: Source) -> Iterator[Edit]:
    """k qᵀ for q kᵀ."""
    for node in s.inside("weights"):
        if isinstance(node, ast.expr) and s.said(node) == "q @ k.transpose(-2, -1)":
            yield s.replace(node, "k @ q.transpose(-2, -1)")


def sums_of_squares(s: Source) -> Iterator[Edit]:
    """Weights have length 1, not sum 1: `normalize` without its p."""
    for call in s.calls("normalize"):
        for word in call.keywords:
            if word.arg == "p":
                yield s.replace(word, "p=2.0")


def sums_over_outputs(s: Source) -> Iterator[Edit]:
    """Each input's magnitudes sum to 1, not each output's."""
    for call in s.calls("normalize"):
        if "p=1.0" in s.said(call):
            yield s.replace(call, s.said(call).replace("dim=-1", "dim=-2"))


def features_scaled(s: Source) -> Iterator[Edit]:
    """Features are scaled by 1/√d out of habit; without a sum nothing takes it back."""
    for call in s.calls("relu", "elu_plus_one"):
        if s.said(call.args[0]) == "q":
            yield s.replace(call, f"{s.said(call)} * (self.dim // self.num_heads) ** -0.5")


def sharpness_of_keys_too(s: Source) -> Iterator[Edit]:
    """The learned scale multiplies both sides."""
    if "logit_scale" in s.text:
        yield from _swapped(s, "k.transpose(-2, -1)", "(k * scale).transpose(-2, -1)", "weights")


def ring_by_the_other_side(s: Source) -> Iterator[Edit]:
    """Offsets come round by the map's width along its height, and the other way."""
    yield from _swapped(s, "dy % size[0]", "dy % size[1]", "ring_offsets")
    yield from _swapped(s, "dx % size[1]", "dx % size[0]", "ring_offsets")


def ring_counted_backwards(s: Source) -> Iterator[Edit]:
    """Output minus input: the kernel is mirrored."""
    for name in "yx":
        old = f"{name}[None, :] - {name}[:, None]"
        yield from _swapped(s, old, f"{name}[:, None] - {name}[None, :]", "ring_offsets")


def ring_row_too_long(s: Source) -> Iterator[Edit]:
    """A row of the table is as long as it is without a ring."""
    old = "size[1] if ring[1] else 2 * size[1] - 1"
    yield from _swapped(s, old, "2 * size[1] - 1", "ring_offsets")


def overlaps_from_the_corner(s: Source) -> Iterator[Edit]:
    """A window begins at its place instead of lying around it."""
    for node in s.inside("overlapping_places"):
        if isinstance(node, ast.BinOp) and s.said(node).endswith("- (size - 1) // 2"):
            yield s.into(node, node.left)


def overlaps_outside_added(s: Source) -> Iterator[Edit]:
    """What windows say of places outside the map is added to the last one."""
    for node in s.inside("aggregate"):
        if isinstance(node, ast.expr) and s.said(node) == "inputs.flatten() % (places + 1)":
            yield s.replace(node, "inputs.flatten() % places")


def overlaps_written_over(s: Source) -> Iterator[Edit]:
    """The last window to speak of a place is heard alone."""
    for call in s.calls("index_add"):
        yield s.replace(call, s.said(call).replace("index_add", "index_copy"))


def shift_rows_back(s: Source) -> Iterator[Edit]:
    """The map moves by the offset's rows; each position should read that far ahead."""
    old = "(rows - 1) // 2 + down"
    yield from _swapped(s, old, "rows // 2 - down", "weights")


def halo_table_row_too_short(s: Source) -> Iterator[Edit]:
    """A row of the table of offsets has the halo on one side."""
    old = "2 * (window_w + around_w) - 1"
    yield from _swapped(s, old, "2 * window_w + around_w - 1", "tables")


SPELLED = (
    places_by_the_height,
    either_side_inside,
    positions_transposed,
    outputs_in_order_of_slots,
    outputs_put_where_read,
    order_from_the_front,
    slot_of_the_last_place,
    absent_slots_take_part,
    present_rows_for_slots,
    sum_over_outputs,
    out_of_in_channels,
    groups_behind_channels,
    queries_from_inputs,
    turned_by_columns_twice,
    turned_values,
    places_from_zero_to_one,
    linear_biases_start_apart,
    experts_before_the_gate,
    experts_averaged,
    experts_units_last,
    context_of_the_largest,
    likeness_head_major,
    likeness_of_the_other,
    sums_of_squares,
    sums_over_outputs,
    features_scaled,
    sharpness_of_keys_too,
    ring_by_the_other_side,
    ring_counted_backwards,
    ring_row_too_long,
    overlaps_from_the_corner,
    overlaps_outside_added,
    overlaps_written_over,
    shift_rows_back,
    halo_table_row_too_short,
)

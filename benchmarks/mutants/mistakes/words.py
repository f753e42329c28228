"""Mistakes about halos, windows that overlap, features, networks of offsets, turned pairs, shifts
by an offset, channels compared with each other, heads that hear each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source


def _swapped(s: Source, old: str, new: str, function: str = "") -> Iterator[Edit]:
    """`new` wherever an expression says `old`, in functions of that name or everywhere."""
    for node in s.inside(function) if function else s.code:
        if isinstance(node, ast.expr | ast.keyword) and s.said(node) == old:
            yield s.replace(node, new)


def halo_behind_alone(s: Source) -> Iterator[Edit]:
    """The whole halo lies below and to the right of a window."""
    old = 'torch.arange(-halo, size + halo, device="cpu")'
    yield from _swapped(s, old, old.replace("-halo, size + halo", "0, size + 2 * halo"))


def halo_before_alone(s: Source) -> Iterator[Edit]:
    """The whole halo lies above and to the left of a window."""
    old = 'torch.arange(-halo, size + halo, device="cpu")'
    new = old.replace("-halo, size + halo", "-2 * halo, size")
    yield from _swapped(s, old, new, "halo_places")


def halo_one_short(s: Source) -> Iterator[Edit]:
    """The last row around a window is the one before it, once more."""
    old = 'first[:, None] + torch.arange(-halo, size + halo, device="cpu")'
    inner = old.removeprefix("first[:, None] + ")
    new = f"first[:, None] + {inner}.clamp(max=size + halo - 2)"
    yield from _swapped(s, old, new)


def halo_forgotten(s: Source) -> Iterator[Edit]:
    """Windows read themselves alone."""
    for axis, side in enumerate("hw"):
        old = f"self.halo_size[{axis}] if window_{side} < {side} else 0"
        yield from _swapped(s, old, "0")


def halo_around_the_whole_map(s: Source) -> Iterator[Edit]:
    """A window that covers its map has a halo as well."""
    for axis, side in enumerate("hw"):
        old = f"self.halo_size[{axis}] if window_{side} < {side} else 0"
        yield from _swapped(s, old, f"self.halo_size[{axis}]")


def halo_goes_round(s: Source) -> Iterator[Edit]:
    """Outside the map stands its other side."""
    for function in s.functions("keep_inside"):
        returned = function.body[-1]
        assert isinstance(returned, ast.Return) and returned.value is not None
        yield s.replace(returned.value, "place % length")


def halo_left_out_of_offsets(s: Source) -> Iterator[Edit]:
    """The table's middle is that of a table without a halo."""
    yield from _swapped(s, "step + table_size + table_halo - 1", "step + table_size - 1")


def overlaps_averaged(s: Source) -> Iterator[Edit]:
    """What several windows say of a place is averaged, not summed."""
    for call in s.calls("fold"):
        said = s.said(call)
        yield s.replace(call, f"{said} / {said.replace('(y, ', '(torch.ones_like(y), ')}")


def window_of_its_corner(s: Source) -> Iterator[Edit]:
    """A window is predicted by the first of step x step places, not by their mean."""
    for call in s.calls("avg_pool2d"):
        if "self.step" in s.said(call):
            yield s.replace(call, "x[:, :, :: self.step, :: self.step]")


def softmax_over_windows(s: Source) -> Iterator[Edit]:
    """Weights sum to 1 over all windows, for each pair of places."""
    for call in s.calls("softmax"):
        if s.said(call) == "w.softmax(dim=-1)" and "avg_pool2d(x, self.step" in s.text:
            yield s.replace(call, "w.softmax(dim=1)")


def window_sums_its_columns(s: Source) -> Iterator[Edit]:
    """Outputs of a window for its inputs: the predicted matrix is applied transposed."""
    for function in ("aggregate", "mix"):
        for product in s.inside(function):
            told = isinstance(product, ast.BinOp) and isinstance(product.op, ast.MatMult)
            if told and s.said(product.left) == "w":
                yield s.replace(product.left, "w.mT")


def features_without_their_sum(s: Source) -> Iterator[Edit]:
    """Linear attention without its denominator, as later papers have it."""
    yield from _swapped(s, "y / total.clamp(min=1e-12)", "y")


def features_over_their_mean(s: Source) -> Iterator[Edit]:
    """The denominator takes the mean of the keys, not their sum."""
    yield from _swapped(s, "k.sum(dim=-2)", "k.mean(dim=-2)")


def features_over_a_little_more(s: Source) -> Iterator[Edit]:
    """1e-5 is added to the denominator, as EfficientViT does."""
    yield from _swapped(s, "total.clamp(min=1e-12)", "(total + 1e-5)")


def features_of_queries_alone(s: Source) -> Iterator[Edit]:
    """Keys are used as they are."""
    for call in s.calls("relu", "elu_plus_one"):
        if s.said(call.args[0]) == "k":
            yield s.into(call, call.args[0])


def features_below_zero(s: Source) -> Iterator[Edit]:
    """elu without the 1 that keeps it above zero."""
    yield from _swapped(s, "F.relu(x) + x.clamp(max=0).exp()", "F.elu(x)")


def offsets_without_logarithm(s: Source) -> Iterator[Edit]:
    """Coordinates are offsets over the largest one (Swin v2's first ablation)."""
    old = "torch.log2(1 + 8 * offsets.abs() / furthest) / 3"
    yield from _swapped(s, f"offsets.sign() * {old}", "offsets / furthest")


def offsets_by_another_logarithm(s: Source) -> Iterator[Edit]:
    """The natural logarithm for that of base 2."""
    yield from _swapped(s, "torch.log2", "torch.log")


def offsets_without_sign(s: Source) -> Iterator[Edit]:
    """How far, not on which side."""
    yield from _swapped(s, "offsets.sign()", "offsets.abs().sign()")


def offsets_columns_first(s: Source) -> Iterator[Edit]:
    """The network is asked for (column, row)."""
    for call in s.calls("cartesian_prod"):
        yield s.replace(call, f"{s.said(call)}.flip(-1)")


def offsets_from_input_to_output(s: Source) -> Iterator[Edit]:
    """Output minus input, as Swin v2's own code has it, for input minus output."""
    for call in s.calls("relative_offsets"):
        yield s.replace(call, f"-{s.said(call)}")


def network_without_relu(s: Source) -> Iterator[Edit]:
    """Two linear layers in a row."""
    for call in s.calls("ReLU"):
        yield s.replace(call, "nn.Identity()")


def network_without_its_bound(s: Source) -> Iterator[Edit]:
    """16 · sigmoid is left out."""
    for node in s.inside("forward"):
        if isinstance(node, ast.BinOp) and s.said(node).startswith("16 * super()"):
            yield s.replace(node, "super().forward(coordinates.to(weight.dtype))")


def network_below_one(s: Source) -> Iterator[Edit]:
    """sigmoid without the 16 before it."""
    for node in s.inside("forward"):
        if isinstance(node, ast.BinOp) and s.said(node).startswith("16 * super()"):
            yield s.into(node, node.right)


def keys_with_the_bias_of_queries(s: Source) -> Iterator[Edit]:
    """Keys have a bias after all: that of the queries."""
    yield from _swapped(
        s,
        '{"q": self.q_bias, "k": none, "v": self.v_bias}',
        '{"q": self.q_bias, "k": self.q_bias, "v": self.v_bias}',
    )


def biases_exchanged(s: Source) -> Iterator[Edit]:
    """Queries have the values' bias, values that of the queries."""
    yield from _swapped(
        s,
        '{"q": self.q_bias, "k": none, "v": self.v_bias}',
        '{"q": self.v_bias, "k": none, "v": self.q_bias}',
    )


def turned_the_other_way(s: Source) -> Iterator[Edit]:
    """The sine's sign: a turn by -θ."""
    yield from _swapped(
        s, "[a * cos - b * sin, a * sin + b * cos]", "[a * cos + b * sin, b * cos - a * sin]"
    )


def queries_alone_turned(s: Source) -> Iterator[Edit]:
    """Keys stand where they are."""
    yield from _swapped(s, "turned(k, places, self.temperature)", "k")


def keys_alone_turned(s: Source) -> Iterator[Edit]:
    """Queries stand where they are."""
    yield from _swapped(s, "turned(q, places, self.temperature)", "q")


def planes_of_the_whole_head(s: Source) -> Iterator[Edit]:
    """Frequencies as on a sequence: over all planes of a head, not over those of an axis."""
    yield from _swapped(s, "-4.0 * planes", "-2.0 * planes")


def temperature_of_language(s: Source) -> Iterator[Edit]:
    """Another base: what suits thousands of words for what suits a map, or the other way."""
    for function in s.functions("__init__"):
        for argument, default in zip(
            reversed(function.args.args), reversed(function.args.defaults), strict=False
        ):
            if argument.arg == "temperature":
                yield s.replace(default, "100.0")


def planes_half_a_head_apart(s: Source) -> Iterator[Edit]:
    """Feature i turns with i + C / 2, as in LLaMA, for pairs side by side."""
    yield from _swapped(s, "x.unflatten(-1, (-1, 2)).unbind(-1)", "x.chunk(2, dim=-1)")


def places_in_low_precision(s: Source) -> Iterator[Edit]:
    """Angles are computed in the features' own type, bf16 too."""
    yield from _swapped(s, "torch.promote_types(x.dtype, torch.float32)", "x.dtype", "turned")


def shift_by_offset_rolls(s: Source) -> Iterator[Edit]:
    """What leaves the map on one side comes in on the other, not zeros."""
    for call in _pads_of_shift(s):
        yield s.replace(call, s.said(call)[:-1] + ', mode="circular")')


def shift_by_offset_repeats(s: Source) -> Iterator[Edit]:
    """The edge is repeated, as S²-MLP has it, where zeros come in."""
    for call in _pads_of_shift(s):
        yield s.replace(call, s.said(call)[:-1] + ', mode="replicate")')


def shift_by_offset_back(s: Source) -> Iterator[Edit]:
    """The map moves by the offset: each position reads the one behind it."""
    yield from _swapped(s, "self.offset", "(-self.offset[0], -self.offset[1])", "forward")


def shift_by_offset_columns_first(s: Source) -> Iterator[Edit]:
    """The offset is read as (columns, rows)."""
    yield from _swapped(s, "self.offset", "self.offset[::-1]", "forward")


def _pads_of_shift(s: Source) -> Iterator[ast.Call]:
    for call in s.calls("pad"):
        if "max(-right, 0)" in s.said(call):
            yield call


def likeness_over_temperature(s: Source) -> Iterator[Edit]:
    """Cosines are divided by what they should be multiplied with."""
    for node in s.inside("compare"):
        if isinstance(node, ast.BinOp) and s.said(node.right) == "self.temperature":
            yield s.replace(node, f"{s.said(node.left)} / self.temperature")


def likeness_of_one_head(s: Source) -> Iterator[Edit]:
    """The first head's temperature serves all."""
    yield from _swapped(s, "self.temperature", "self.temperature[:1]", "compare")


def heads_heard_before_alone(s: Source) -> Iterator[Edit]:
    """The mixture behind the softmax is left out."""
    for call in s.calls("mix_heads"):
        if s.said(call.args[0]) == "self.proj_w":
            yield s.into(call, call.args[1])


def heads_heard_behind_alone(s: Source) -> Iterator[Edit]:
    """The mixture before the softmax is left out."""
    for call in s.calls("mix_heads"):
        if s.said(call.args[0]) == "self.proj_l":
            yield s.into(call, call.args[1])


def heads_heard_in_the_other_order(s: Source) -> Iterator[Edit]:
    """The matrices before and behind the softmax change places."""
    for call in s.calls("mix_heads"):
        other = {"self.proj_l": "self.proj_w", "self.proj_w": "self.proj_l"}
        if s.said(call.args[0]) in other:
            yield s.replace(call.args[0], other[s.said(call.args[0])])


def heads_told_for_heard(s: Source) -> Iterator[Edit]:
    """The matrix of heads is applied as its transpose."""
    yield from _swapped(s, "layer.weight.expand", "layer.weight.mT.expand", "mix_heads")


def heads_heard_without_bias(s: Source) -> Iterator[Edit]:
    """The mixture's bias is left out."""
    yield from _swapped(s, "layer.bias[:, None]", "0 * layer.bias[:, None]", "mix_heads")


WORDS = (
    halo_behind_alone,
    halo_before_alone,
    halo_one_short,
    halo_forgotten,
    halo_around_the_whole_map,
    halo_goes_round,
    halo_left_out_of_offsets,
    overlaps_averaged,
    window_of_its_corner,
    softmax_over_windows,
    window_sums_its_columns,
    features_without_their_sum,
    features_over_their_mean,
    features_over_a_little_more,
    features_of_queries_alone,
    features_below_zero,
    offsets_without_logarithm,
    offsets_by_another_logarithm,
    offsets_without_sign,
    offsets_columns_first,
    offsets_from_input_to_output,
    network_without_relu,
    network_without_its_bound,
    network_below_one,
    keys_with_the_bias_of_queries,
    biases_exchanged,
    turned_the_other_way,
    queries_alone_turned,
    keys_alone_turned,
    planes_of_the_whole_head,
    temperature_of_language,
    planes_half_a_head_apart,
    places_in_low_precision,
    shift_by_offset_rolls,
    shift_by_offset_repeats,
    shift_by_offset_back,
    shift_by_offset_columns_first,
    likeness_over_temperature,
    likeness_of_one_head,
    heads_heard_before_alone,
    heads_heard_behind_alone,
    heads_heard_in_the_other_order,
    heads_told_for_heard,
    heads_heard_without_bias,
)

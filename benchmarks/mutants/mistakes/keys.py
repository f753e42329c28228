"""Mistakes about keys and values that runs of heads share, and about filters of a whole map."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, last_name

_SPLIT = "qkv.split([self.dim, self.kv_dim, self.kv_dim], dim=-1)"
_TIMES = "self.num_heads // self.kv_heads"


def _swapped(s: Source, old: str, new: str, function: str = "") -> Iterator[Edit]:
    """`new` wherever an expression says `old`, in functions of that name or everywhere."""
    for node in s.inside(function) if function else s.code:
        if isinstance(node, ast.expr | ast.keyword) and s.said(node) == old:
            yield s.replace(node, new)


def _shared(s: Source, *sides: str) -> Iterator[ast.Call]:
    """Where keys or values are spread over the heads that share them."""
    for call in s.calls("shared_heads"):
        if s.said(call.args[0]) in sides:
            yield call


def keys_in_turn(s: Source) -> Iterator[Edit]:
    """`repeat` for `repeat_interleave`: head h hears key h modulo their number."""
    old = "x.expand(*x.shape[:-3], times, *x.shape[-2:])"
    yield from _swapped(s, old, f"{old}.transpose(-4, -3)", "shared_heads")


def keys_of_the_next_run(s: Source) -> Iterator[Edit]:
    """A run of heads begins one head too early: its last head has the next run's keys."""
    for call in _shared(s, "k"):
        yield s.replace(call, f"{s.said(call)}.roll(1, dims=-3)")


def values_of_the_next_run(s: Source) -> Iterator[Edit]:
    """The same of values."""
    for call in _shared(s, "v", "x"):
        yield s.replace(call, f"{s.said(call)}.roll(1, dims=-3)")


def queries_in_turn(s: Source) -> Iterator[Edit]:
    """Queries lie as (place in a run, run), as where each key's queries are a stride apart."""
    for call in s.calls("split_heads"):
        if s.said(call) == "split_heads(q, 1, self.num_heads)":
            runs = "[0].unflatten(-3, (-1, self.kv_heads)).transpose(-4, -3).flatten(-4, -3)"
            yield s.replace(call, f"[{s.said(call)}{runs}]")


def one_key_for_all(s: Source) -> Iterator[Edit]:
    """Multi-query attention where there are several keys: all heads have the first one."""
    for call in _shared(s, "k"):
        first = "k[..., : self.kv_dim // self.kv_heads]"
        yield s.replace(call, f"shared_heads({first}, 1, self.num_heads)")


def one_value_for_all(s: Source) -> Iterator[Edit]:
    """Keys are shared by runs of heads, values by all heads."""
    for call in _shared(s, "v", "x"):
        first = f"{s.said(call.args[0])}[..., : self.kv_dim // self.kv_heads]"
        yield s.replace(call, f"shared_heads({first}, 1, self.num_heads)")


def values_shared_like_keys(s: Source) -> Iterator[Edit]:
    """Values that are the map itself are every head's own: runs share them all the same."""
    for function in s.functions("aggregate"):
        said = s.said(function)
        if "self.kv_heads" in s.text and "self.qkv" not in said and "self.value" not in said:
            inner = "unflatten(-1, (self.kv_heads, -1)).repeat_interleave"
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and s.said(call) == "gather(x, inputs)":
                    part = "x[..., : self.dim // self.num_heads * self.kv_heads]"
                    spread = f"{part}.{inner}({_TIMES}, 2).flatten(-2)"
                    yield s.replace(call, f"gather({spread}, inputs)")


def shared_keys_without_bias(s: Source) -> Iterator[Edit]:
    """The bias is cut to the queries' width and padded with zeros."""
    if "SharedKeyless" in s.text:
        return
    for call in _shared(s, "k"):
        yield s.replace(call.args[0], "k - self.qkv.bias[self.dim : self.dim + self.kv_dim]")


def shared_values_without_bias(s: Source) -> Iterator[Edit]:
    """The same of values."""
    for call in _shared(s, "v", "x"):
        said = s.said(call.args[0])
        yield s.replace(call.args[0], f"{said} - self.qkv.bias[-self.kv_dim :]")


def scale_of_a_key(s: Source) -> Iterator[Edit]:
    """1/√(width / kv_heads): the width of a head is asked of the number of keys."""
    if "kv_heads" in s.text:
        yield from _swapped(s, "(dim // num_heads) ** -0.5", "(dim // kv_heads) ** -0.5")


def scale_of_all_keys(s: Source) -> Iterator[Edit]:
    """1/√(width of all keys): queries are scaled before keys are cut into heads."""
    if "kv_heads" in s.text:
        for function in ("weights", "softmax"):
            yield from _swapped(s, "q * self.scale", "q * self.kv_dim**-0.5", function)


def keys_as_wide_as_runs(s: Source) -> Iterator[Edit]:
    """All keys are a kv_heads-th of the width: right where heads are kv_heads squared."""
    yield from _swapped(s, "dim // num_heads * kv_heads", "dim // kv_heads")


def shared_keys_before_queries(s: Source) -> Iterator[Edit]:
    """The fused projection is cut as (k, q, v)."""
    for call in s.calls("split"):
        if s.said(call) == _SPLIT:
            cut = "qkv.split([self.kv_dim, self.dim, self.kv_dim], dim=-1)"
            yield s.replace(call, f"(lambda k, q, v: (q, k, v))(*{cut})")


def shared_values_before_keys(s: Source) -> Iterator[Edit]:
    """The fused projection is cut as (q, v, k)."""
    for node in s.find(ast.Assign):
        if s.said(node.value) == _SPLIT:
            yield s.replace(node.targets[0], "q, v, k")


def run_by_run_projection(s: Source) -> Iterator[Edit]:
    """The queries of a run stand before its key and its value, as in Falcon."""
    for call in s.calls("split"):
        if s.said(call) == _SPLIT:
            runs = "qkv.unflatten(-1, (self.kv_heads, -1, self.dim // self.num_heads))"
            cut = f"{runs}.split([{_TIMES}, 1, 1], dim=-2)"
            yield s.replace(call, f"(part.flatten(-3) for part in {cut})")


def bias_of_runs(s: Source) -> Iterator[Edit]:
    """Heads that share keys share their position bias too."""
    if "kv_heads" not in s.text:
        return
    runs = f"[: self.kv_heads].repeat_interleave({_TIMES}, 0)"
    for old in (
        "self.relative_position_bias_table[index].permute(2, 0, 1)",
        "self.relative_position_bias_table.T",
    ):
        yield from _swapped(s, old, f"{old}{runs}")


def sharpness_of_runs(s: Source) -> Iterator[Edit]:
    """Heads that share keys share their scale too."""
    if "kv_heads" in s.text:
        for function in ("scaled", "weights"):
            runs = f"self.logit_scale[: self.kv_heads].repeat_interleave({_TIMES})"
            yield from _swapped(s, "self.logit_scale", runs, function)


def shared_values_turned(s: Source) -> Iterator[Edit]:
    """Values are turned like keys."""
    for call in _shared(s, "v", "x"):
        if "block_grid((x.shape[2], x.shape[3]), x.device)" in s.text:
            places = "block_grid((x.shape[2], x.shape[3]), x.device)"
            yield s.replace(call, f"turned({s.said(call)}, {places}, self.temperature)")


def filter_mirrored(s: Source) -> Iterator[Edit]:
    """A product of spectra as it is: a true convolution, for a correlation."""
    for call in s.calls("conj"):
        assert isinstance(call.func, ast.Attribute)
        yield s.into(call, call.func.value)


def filter_of_the_square(s: Source) -> Iterator[Edit]:
    """`irfft2` is not told the size; an odd width comes back even."""
    for call in s.calls("irfft2"):
        yield s.replace(call, "torch.fft.irfft2(spectrum)")


def filter_of_unit_transforms(s: Source) -> Iterator[Edit]:
    """`norm="ortho"`, as in GFNet: the kernel is smaller by the root of the number of places."""
    for call in s.calls("irfft2"):
        yield s.replace(call, s.said(call)[:-1] + ', norm="ortho")')


def filter_one_short_in_exports(s: Source) -> Iterator[Edit]:
    """The repetition for the export repeats the map whole."""
    for call in s.calls("cat"):
        if "x[:, :, :-1]" in s.said(call):
            yield s.replace(call, s.said(call).replace("x[:, :, :-1]", "x[:, :, 1:]"))


def filter_rows_for_columns(s: Source) -> Iterator[Edit]:
    """A kernel's places are laid out by (width, height): right on square maps."""
    old = "self.weight.unflatten(1, self.map_size)"
    if "circular_correlation" in s.text:
        yield from _swapped(s, old, f"{old}.mT")


def filter_without_wrapping(s: Source) -> Iterator[Edit]:
    """The export's convolution pads with zeros where the map should come round."""
    for call in s.calls("conv2d"):
        if s.said(call) == "F.conv2d(x, kernel, groups=x.shape[1])":
            zeros = "F.pad(x[..., : kernel.shape[2], : kernel.shape[3]], "
            padded = zeros + "(0, kernel.shape[3] - 1, 0, kernel.shape[2] - 1))"
            yield s.replace(call.args[0], padded)


def filter_in_low_precision(s: Source) -> Iterator[Edit]:
    """Transforms in the map's own type, which half precision does not have everywhere."""
    for function in s.functions("circular_correlation"):
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and last_name(call.func) == "promote_types":
                yield s.replace(call, "x.dtype")


KEYS = (
    keys_in_turn,
    keys_of_the_next_run,
    values_of_the_next_run,
    queries_in_turn,
    one_key_for_all,
    one_value_for_all,
    values_shared_like_keys,
    shared_keys_without_bias,
    shared_values_without_bias,
    scale_of_a_key,
    scale_of_all_keys,
    keys_as_wide_as_runs,
    shared_keys_before_queries,
    shared_values_before_keys,
    run_by_run_projection,
    bias_of_runs,
    sharpness_of_runs,
    shared_values_turned,
    filter_mirrored,
    filter_of_the_square,
    filter_of_unit_transforms,
    filter_one_short_in_exports,
    filter_rows_for_columns,
    filter_without_wrapping,
    filter_in_low_precision,
)

"""Mistakes about cosines, mixtures of kernels and bands of channels."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, option


def _inside(s: Source, call: ast.Call) -> ast.expr:
    """`x` of `x.method()`."""
    assert isinstance(call.func, ast.Attribute), s.said(call)
    return call.func.value


def sharpness_without_bound(s: Source) -> Iterator[Edit]:
    """What a head learned is not held below 100: it shows once training has gone that far."""
    for call in s.calls("clamp"):
        if "logit_scale" in s.said(call):
            yield s.into(call, _inside(s, call))


def sharpness_bound_without_a_log(s: Source) -> Iterator[Edit]:
    """The logarithm is held below 100, not the scale."""
    for call in s.calls("clamp"):
        bound = option(call, "max")
        if "logit_scale" in s.said(call) and bound is not None:
            yield s.replace(bound, "100.0")


def sharpness_bound_below(s: Source) -> Iterator[Edit]:
    """`min` for `max`: no head may be blunter than 100."""
    for call in s.calls("clamp"):
        bound = option(call, "max")
        if "logit_scale" in s.said(call) and bound is not None:
            yield s.replace(call, f"{s.said(_inside(s, call))}.clamp(min={s.said(bound)})")


def sharpness_without_exponential(s: Source) -> Iterator[Edit]:
    """The logarithm of the scale is the scale."""
    for call in s.calls("exp"):
        if "logit_scale" in s.said(call):
            yield s.into(call, _inside(s, call))


def sharpness_starts_at_its_logarithm(s: Source) -> Iterator[Edit]:
    """The logarithm starts at 10, and the scale at its bound."""
    for call in s.calls("log"):
        if s.said(call) == "math.log(10)":
            yield s.replace(call, "10.0")


def keys_of_any_length(s: Source) -> Iterator[Edit]:
    """Queries have length 1, and keys are left as they are."""
    for call in s.calls("normalize"):
        if s.said(call.args[0]) == "k":
            yield s.into(call, call.args[0])


def queries_of_any_length(s: Source) -> Iterator[Edit]:
    """Keys have length 1, and queries are left as they are."""
    for call in s.calls("normalize"):
        if s.said(call.args[0]) == "q":
            yield s.into(call, call.args[0])


def length_over_places(s: Source) -> Iterator[Edit]:
    """Each channel is divided by its length over the window, as between channels (XCiT)."""
    for call in s.calls("normalize"):
        dim = option(call, "dim")
        if dim is not None:
            yield s.replace(dim, "-2")


def cosine_over_the_root_of_width(s: Source) -> Iterator[Edit]:
    """The fused kernel's own 1/√d is not switched off."""
    for call in s.calls("scaled_dot_product_attention"):
        scale = next((word for word in call.keywords if word.arg == "scale"), None)
        if scale is not None:
            yield s.replace(scale, "scale=None")


def softmax_over_experts(s: Source) -> Iterator[Edit]:
    """Gates that sum to 1, as in mixtures of whole layers, for gates one by one."""
    for call in _gates(s):
        yield s.replace(call, f"{s.said(call.args[0])}.softmax(-1)")


def gates_without_sigmoid(s: Source) -> Iterator[Edit]:
    """Kernels are mixed by numbers of any sign."""
    for call in _gates(s):
        yield s.into(call, call.args[0])


def same_gates_for_the_batch(s: Source) -> Iterator[Edit]:
    """The first image's mixture serves all images."""
    for call in _gates(s):
        yield s.replace(call, f"{s.said(call)}[:1].expand(x.shape[0], -1)")


def best_expert_alone(s: Source) -> Iterator[Edit]:
    """Only the kernel with the largest gate counts: sparse routing."""
    for call in _gates(s):
        gates = s.said(call)
        yield s.replace(call, f"{gates} * ({gates} == {gates}.amax(-1, keepdim=True))")


def _gates(s: Source) -> Iterator[ast.Call]:
    for call in s.calls("sigmoid"):
        if s.said(call).startswith("torch.sigmoid(self.squeeze("):
            yield call


def band_off_by_one(s: Source) -> Iterator[Edit]:
    """A band begins one channel too early or too late."""
    for node in s.find(ast.Tuple):
        if s.said(node) == "((band_size - 1) // 2, band_size // 2)":
            yield s.replace(node, "((band_size - 1) // 2 + 1, band_size // 2 - 1)")
        if s.said(node) == "((self.band_size - 1) // 2, self.band_size // 2)":
            yield s.replace(node, "(self.band_size // 2, (self.band_size - 1) // 2)")
    for node in s.find(ast.BinOp):
        if s.said(node) == "(self.band_size - 1) // 2" and "read = " in s.line(node):
            yield s.replace(node, "self.band_size // 2")


def band_goes_round(s: Source) -> Iterator[Edit]:
    """Beyond the last channel comes the first one, not zero."""
    for call in s.calls("pad"):
        if "self.beside" in s.said(call):
            yield s.replace(call, s.said(call)[:-1] + ', mode="circular")')


def band_backwards(s: Source) -> Iterator[Edit]:
    """A true convolution along the channels, for a correlation."""
    for call in s.calls("conv1d"):
        yield s.replace(call.args[1], f"{s.said(call.args[1])}.flip(-1)")


NEWER = (
    sharpness_without_bound,
    sharpness_bound_without_a_log,
    sharpness_bound_below,
    sharpness_without_exponential,
    sharpness_starts_at_its_logarithm,
    keys_of_any_length,
    queries_of_any_length,
    length_over_places,
    cosine_over_the_root_of_width,
    softmax_over_experts,
    gates_without_sigmoid,
    same_gates_for_the_batch,
    best_expert_alone,
    band_off_by_one,
    band_goes_round,
    band_backwards,
)

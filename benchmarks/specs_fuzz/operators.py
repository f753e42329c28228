"""Uses of the other shipped operators that flows allow; `OPERATORS` keep the shape.

Each function takes the scope and the flows, and gives the item as text; it raises NoChoiceError
where there is no such item.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from benchmarks.specs_fuzz.elements import act
from benchmarks.specs_fuzz.scope import NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flow, Flows, divisors, factors, windows
from benchmarks.specs_fuzz.writing import (
    STARTS,
    TRUTHS,
    Item,
    heads,
    need_maps,
    need_some_maps,
    some,
    word_of,
    written,
)


def pointwise(scope: Scope, flows: Flows) -> Text:
    pick = {
        "bias": word_of(*TRUTHS)(scope, flows),
        "groups": lambda: scope.value(flows, lambda flow: divisors(flow.channels)),
        "init": word_of(*STARTS, "zeros")(scope, flows),
        "ratio": word_of(1, 1.0)(scope, flows),
    }
    fields = some(scope, pick, 0.25)
    if scope.entry == tuple(flow.channels for flow in flows) and scope.files.sometimes(0.4):
        fields["channels"] = "$in"
    return written("pointwise", fields, "channels", scope)


def conv(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {
        "groups": lambda: scope.value(flows, lambda flow: divisors(flow.channels)),
        "bias": word_of(*TRUTHS)(scope, flows),
        "init": word_of(*STARTS)(scope, flows),
        **_taps(scope, flows),
    }
    return written("conv", some(scope, pick), "size", scope)


def depthwise_conv(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {"bias": word_of(*TRUTHS)(scope, flows), **_taps(scope, flows)}
    return written("depthwise_conv", some(scope, pick), "size", scope)


def _taps(scope: Scope, flows: Flows) -> dict[str, Callable[[], Text]]:
    """Kernels that keep the map: any size and dilation, centred; only reflection needs room."""
    borders = ["zero", "mask", "wrap", "clamp"]
    return {
        "size": word_of(1, 2, 3, 5, [3, 1], [1, 7], 63)(scope, flows),
        "dilation": word_of(1, 2, [1, 3], 40)(scope, flows),
        "padding": word_of("half", "same_tf")(scope, flows),
        "border": word_of(*borders)(scope, flows),
    }


def reflecting(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    if any(min(flow.map) < 2 for flow in flows):
        raise NoChoiceError
    word = scope.files.one_of(["conv", "depthwise_conv"])
    return {word: {"size": 3, "border": "reflect"}}


def conditional_conv(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {
        "size": word_of(1, 2, 3, [3, 1], 9)(scope, flows),
        "experts": word_of(1, 2, 4, 7)(scope, flows),
        "groups": lambda: scope.value(flows, lambda flow: divisors(flow.channels)),
        "dilation": word_of(1, 2, [1, 3])(scope, flows),
        "bias": word_of(*TRUTHS, "channels", "positions")(scope, flows),
    }
    return written("conditional_conv", some(scope, pick), "size", scope)


def channel_conv(scope: Scope, flows: Flows) -> Text:
    _need_bands(flows)
    pick = {
        "size": lambda: scope.value(flows, bands),
        "share": word_of("none", "all")(scope, flows),
        "bias": word_of(*TRUTHS)(scope, flows),
    }
    return written("channel_conv", some(scope, pick), "size", scope)


def efficient_channel_attention(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    _need_bands(flows)
    pick = {"size": lambda: scope.value(flows, bands), "gate": lambda: act(scope, flows)}
    return written("efficient_channel_attention", some(scope, pick), "size", scope)


def _need_bands(flows: Flows) -> None:
    if any(3 not in bands(flow) for flow in flows):
        raise NoChoiceError  # the default would reach beyond all channels


def bands(flow: Flow) -> list[int]:
    """Widths of a band of channels of which every tap reads one somewhere."""
    return [size for size in (1, 2, 3, 5, 9) if size <= 2 * flow.channels - 1]


def shift(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    fields = {"offset": scope.word(flows, [[0, 1], [-1, 0], [1, -1], [0, 0]])}
    pick = {
        "size": word_of(3, 5, [3, 7])(scope, flows),
        "border": word_of("zero", "wrap", "clamp")(scope, flows),
    }
    return written("shift", fields | some(scope, pick), "offset", scope)


def token_mlp(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    fields = some(scope, {"share": word_of("none", "all")(scope, flows)}, 0.5)
    if scope.files.sometimes(0.4):
        fields["hidden"] = scope.word(flows, [1, 3, 16])
        fields |= some(scope, {"act": lambda: act(scope, flows)})
    return written("token_mlp", fields, "share", scope)


def feed_forward(scope: Scope, flows: Flows) -> Text:
    pick = {
        "ratio": lambda: scope.value(flows, _ratios),
        "act": lambda: act(scope, flows),
        "bias": word_of(*TRUTHS)(scope, flows),
        "init": word_of(*STARTS, "zeros")(scope, flows),
    }
    return written("feed_forward", some(scope, pick), "ratio", scope)


def conv_feed_forward(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {
        "ratio": lambda: scope.value(flows, _ratios),
        "size": word_of(1, 3, 5)(scope, flows),
        "act": lambda: act(scope, flows),
    }
    return written("conv_feed_forward", some(scope, pick), "ratio", scope)


def _ratios(flow: Flow) -> list[float]:
    tried: list[float] = [0.25, 0.5, 1, 1.5, 2, 4]
    return [ratio for ratio in tried if (flow.channels * Fraction(str(ratio))).denominator == 1]


def squeeze_excite(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    if scope.files.sometimes(0.7):
        fields: dict[str, Text] = {"ratio": scope.value(flows, _ratios)}
    else:
        fields = {"ratio": scope.word(flows, [0.1, 0.3, 1.7]), "divisor": scope.word(flows, [2, 8])}
    fields |= some(
        scope, {"act": lambda: act(scope, flows), "bias": word_of(*TRUTHS)(scope, flows)}
    )
    return written("squeeze_excite", fields, "ratio", scope)


def static_local_attention(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    fields = {"window": scope.value(flows, windows), **heads(scope, flows)}
    pick = {
        "shift": word_of(0, 1, "half")(scope, flows),
        "share": word_of("none", "windows", "positions")(scope, flows),
        "border": word_of("wrap", "mask", "zero")(scope, flows),
        "projections": word_of(*TRUTHS)(scope, flows),
    }
    return {"static_local_attention": fields | some(scope, pick)}


def dynamic_depthwise_conv(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    fields = {"reduction": scope.value(flows, lambda flow: divisors(flow.channels))}
    pick = {"size": word_of(1, 3, 4, 7)(scope, flows), "bias": word_of(*TRUTHS)(scope, flows)}
    return {"dynamic_depthwise_conv": fields | some(scope, pick)}


def inhomogeneous_depthwise_conv(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    names = ("reduction", "group_channels")
    fields = {name: scope.value(flows, lambda flow: divisors(flow.channels)) for name in names}
    return {
        "inhomogeneous_depthwise_conv": fields | some(scope, {"size": word_of(1, 3)(scope, flows)})
    }


def pyramid_conv(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    first = scope.value(flows, factors)
    scales = [first] if scope.files.sometimes(0.5) else [first, scope.value(flows, factors)]
    return {"pyramid_conv": {"size": scope.word(flows, [1, 3]), "scales": scales}}


def bottleneck(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    fields: dict[str, Text] = {"inner": scope.word(flows, [1, 3, 16])}
    if scope.files.sometimes(0.4):
        fields["between"] = [scope.files.one_of(["batch_norm", "layer_norm"]), act(scope, flows)]
    return written("bottleneck", fields, "inner", scope)


def low_rank_mlp(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    return written("low_rank_mlp", {"inner": scope.word(flows, [1, 4])}, "inner", scope)


def mlp(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {"bias": word_of(*TRUTHS, "channels", "positions", "both")(scope, flows)}
    return written("mlp", some(scope, pick), "bias", scope)


def global_filter(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {"share": word_of("none", "all")(scope, flows), "bias": word_of(*TRUTHS)(scope, flows)}
    return written("global_filter", some(scope, pick), "share", scope)


def average_pooling(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {
        "size": word_of(1, 2, 3, 5)(scope, flows),
        "border": word_of("mask", "zero", "wrap", "clamp")(scope, flows),
    }
    return written("average_pooling", some(scope, pick), "size", scope)


OPERATORS: tuple[Item, ...] = (
    pointwise,
    conv,
    depthwise_conv,
    reflecting,
    conditional_conv,
    channel_conv,
    efficient_channel_attention,
    shift,
    token_mlp,
    feed_forward,
    conv_feed_forward,
    squeeze_excite,
    static_local_attention,
    dynamic_depthwise_conv,
    inhomogeneous_depthwise_conv,
    pyramid_conv,
    bottleneck,
    low_rank_mlp,
    mlp,
    global_filter,
    average_pooling,
)

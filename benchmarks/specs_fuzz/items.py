"""Items of one word: elements and uses of shipped operators, with arguments that their flows allow.

Each function takes the scope and the flows, and gives the item as text with the flows behind it; it
raises NoChoiceError where there is no such item. `KEEPING` leave the shape as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from benchmarks.specs_fuzz.scope import NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flow, Flows, all_maps, divisors, factors, windows

Item: TypeAlias = Callable[[Scope, Flows], Text]

_ACTS = """
relu relu6 gelu gelu_tanh silu sigmoid tanh hardswish hardsigmoid leaky_relu elu softplus mish
"""
ACTS = _ACTS.split()
STARTS: list[Text] = ["default", "xavier", {"kaiming": "fan_out"}, {"normal": 0.01}]
TRUTHS = [True, False]
SMALL = [1e-8, 1e-6, 1e-5, 0.001, 1]


def written(word: str, fields: dict[str, Text], main: str, scope: Scope) -> Text:
    """The item in one of its forms: `word`, `word: value` or `word: {field: value}`."""
    if not fields:
        return word
    short = list(fields) == [main] and not isinstance(fields[main], dict)
    if short and scope.files.sometimes(0.5):
        return {word: fields[main]}
    return {word: fields}


def some(
    scope: Scope, fields: dict[str, Callable[[], Text]], chance: float = 0.35
) -> dict[str, Text]:
    """Some of the fields, in an order of their own."""
    names = [name for name in fields if scope.files.sometimes(chance)]
    scope.files.chance.shuffle(names)
    return {name: fields[name]() for name in names}


def word_of(*options: Text) -> Callable[[Scope, Flows], Callable[[], Text]]:
    return lambda scope, flows: lambda: scope.word(flows, list(options))


def act(scope: Scope, flows: Flows) -> Text:
    if scope.files.sometimes(0.15):
        return {"leaky_relu": scope.word(flows, [0, 0.01, 0.2, -1.5])}
    return scope.word(flows, ACTS)


def norm(scope: Scope, flows: Flows) -> Text:
    word = scope.files.one_of(["layer_norm", "batch_norm", "group_norm", "rms_norm", "affine"])
    pick = {name: word_of(*values)(scope, flows) for name, values in NORM_FIELDS[word].items()}
    fields = some(scope, pick)
    if word == "group_norm":
        fields["groups"] = scope.value(flows, lambda flow: divisors(flow.channels))
    return written(word, fields, "groups", scope)


NORM_FIELDS: dict[str, dict[str, list[Text]]] = {
    "layer_norm": {"eps": SMALL, "bias": TRUTHS},
    "batch_norm": {"eps": SMALL, "momentum": [0, 0.1, 1], "init": [0, 1.0, -2, 0.5]},
    "group_norm": {"eps": SMALL},
    "rms_norm": {"eps": [0, *SMALL]},
    "affine": {},
}


def scale(scope: Scope, flows: Flows) -> Text:
    pick = {
        "init": word_of(0, 1e-5, 1, -3.5)(scope, flows),
        "learned": word_of(*TRUTHS)(scope, flows),
    }
    return written("scale", some(scope, pick, 0.5), "init", scope)


def dropping(scope: Scope, flows: Flows) -> Text:
    word = scope.files.one_of(["dropout", "drop_path"])
    return written(word, {"rate": scope.word(flows, [0, 0.1, 0.999])}, "rate", scope)


def shuffle(scope: Scope, flows: Flows) -> Text:
    if any(flow.tokens for flow in flows):
        raise NoChoiceError
    groups = scope.value(flows, lambda flow: divisors(flow.channels))
    return written("channel_shuffle", {"groups": groups}, "groups", scope)


def position(scope: Scope, flows: Flows) -> Text:
    if any(flow.grid is None for flow in flows):
        raise NoChoiceError
    kinds = ["learned", "fourier"]
    if all(flow.channels % 4 == 0 for flow in flows):
        kinds.append("sincos")
    fields: dict[str, Text] = {"kind": scope.files.one_of(kinds)}
    if fields["kind"] == "fourier":
        fields |= some(scope, {"hidden": word_of(2, 8, 32)(scope, flows)})
    fields |= some(scope, {"tokens": word_of(*TRUTHS)(scope, flows)})
    return written("position", fields, "kind", scope)


def pool(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    word = scope.files.one_of(["avg_pool", "max_pool"])
    fields: dict[str, Text] = {"size": 3, "stride": 1, "padding": 1}
    if word == "avg_pool":
        fields |= some(scope, {"count_padding": word_of(*TRUTHS)(scope, flows)})
    return {word: fields}


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
    _need_maps(flows)
    pick = {
        "groups": lambda: scope.value(flows, lambda flow: divisors(flow.channels)),
        "bias": word_of(*TRUTHS)(scope, flows),
        "init": word_of(*STARTS)(scope, flows),
        **_taps(scope, flows),
    }
    return written("conv", some(scope, pick), "size", scope)


def depthwise_conv(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
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
    _need_maps(flows)
    if any(min(flow.map) < 2 for flow in flows):
        raise NoChoiceError
    word = scope.files.one_of(["conv", "depthwise_conv"])
    return {word: {"size": 3, "border": "reflect"}}


def _heads(scope: Scope, flows: Flows) -> dict[str, Text]:
    name = scope.files.one_of(["heads", "heads", "head_channels"])
    return {name: scope.value(flows, lambda flow: divisors(flow.channels))}


def conditional_conv(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
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
    _need_some_maps(flows)
    _need_bands(flows)
    pick = {"size": lambda: scope.value(flows, bands), "gate": lambda: act(scope, flows)}
    return written("efficient_channel_attention", some(scope, pick), "size", scope)


def _need_bands(flows: Flows) -> None:
    if any(3 not in bands(flow) for flow in flows):
        raise NoChoiceError  # the default would reach beyond all channels


def bands(flow: Flow) -> list[int]:
    """Widths of a band of channels of which every tap reads one somewhere."""
    return [size for size in (1, 2, 3, 5, 9) if size <= 2 * flow.channels - 1]


def local_attention(scope: Scope, flows: Flows) -> Text:
    return _in_windows("local_attention", scope, flows)


def cosine_attention(scope: Scope, flows: Flows) -> Text:
    return _in_windows("cosine_attention", scope, flows)


def _in_windows(word: str, scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    fields = _window(scope, flows) | _heads(scope, flows)
    pick = {
        "shift": word_of(0, 1, "half", [0, 1])(scope, flows),
        "position": word_of("none", "relative", "absolute")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
        "border": word_of("mask", "zero", "wrap")(scope, flows),
        "init": word_of(*STARTS, "zeros")(scope, flows),
    }
    return written(word, fields | some(scope, pick), "window", scope)


def _window(scope: Scope, flows: Flows) -> dict[str, Text]:
    if scope.files.sometimes(0.3):
        return {"window": scope.word(flows, [1, 2, 3, 5, 7, 64]), "pad": True}
    return {"window": scope.value(flows, windows)}


def halo_attention(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    pick = {
        "halo": word_of(0, 1, 3, [2, 0])(scope, flows),
        "position": word_of("none", "relative", "absolute")(scope, flows),
        "border": word_of("mask", "zero")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
    }
    fields = _window(scope, flows) | _heads(scope, flows) | some(scope, pick)
    return {"halo_attention": fields}


def shift(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    fields = {"offset": scope.word(flows, [[0, 1], [-1, 0], [1, -1], [0, 0]])}
    pick = {
        "size": word_of(3, 5, [3, 7])(scope, flows),
        "border": word_of("zero", "wrap", "clamp")(scope, flows),
    }
    return written("shift", fields | some(scope, pick), "offset", scope)


def outlook_attention(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    pick = {
        "value_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    fields = overlapping(scope, flows) | _heads(scope, flows) | some(scope, pick)
    return {"outlook_attention": fields}


def overlapping(scope: Scope, flows: Flows) -> dict[str, Text]:
    """Windows that overlap so much that none of their places lies in none of them."""
    size = scope.word(flows, [1, 2, 3, 5, 8])
    most = size // 2 + 1 if isinstance(size, int) else 1
    return {"size": size, "step": scope.word(flows, [*range(1, most + 1)])}


def global_attention(scope: Scope, flows: Flows) -> Text:
    _need_some_maps(flows)
    kinds = ["none", "absolute"] + ["relative"] * (not any(flow.tokens for flow in flows))
    pick = {
        "position": word_of(*kinds)(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    return written("global_attention", _heads(scope, flows) | some(scope, pick), "heads", scope)


def linear_attention(scope: Scope, flows: Flows) -> Text:
    _need_some_maps(flows)
    pick = {
        "score": word_of("relu", "elu")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    return written("linear_attention", _heads(scope, flows) | some(scope, pick), "heads", scope)


def reduced_attention(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    bodies: list[Text] = ["none", [], [{"conv": {"size": 3, "stride": 2}}, "layer_norm"]]
    reduce = scope.files.one_of(bodies)
    if all(factors(flow) for flow in flows) and scope.files.sometimes(0.6):
        reduce = scope.value(flows, factors)
    return {"reduced_attention": {"reduce": reduce, **_heads(scope, flows)}}


def token_mlp(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
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
    _need_maps(flows)
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
    _need_some_maps(flows)
    if scope.files.sometimes(0.7):
        fields: dict[str, Text] = {"ratio": scope.value(flows, _ratios)}
    else:
        fields = {"ratio": scope.word(flows, [0.1, 0.3, 1.7]), "divisor": scope.word(flows, [2, 8])}
    fields |= some(
        scope, {"act": lambda: act(scope, flows), "bias": word_of(*TRUTHS)(scope, flows)}
    )
    return written("squeeze_excite", fields, "ratio", scope)


def static_local_attention(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    fields = {"window": scope.value(flows, windows), **_heads(scope, flows)}
    pick = {
        "shift": word_of(0, 1, "half")(scope, flows),
        "share": word_of("none", "windows", "positions")(scope, flows),
        "border": word_of("wrap", "mask", "zero")(scope, flows),
        "projections": word_of(*TRUTHS)(scope, flows),
    }
    return {"static_local_attention": fields | some(scope, pick)}


def dynamic_depthwise_conv(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    fields = {"reduction": scope.value(flows, lambda flow: divisors(flow.channels))}
    pick = {"size": word_of(1, 3, 4, 7)(scope, flows), "bias": word_of(*TRUTHS)(scope, flows)}
    return {"dynamic_depthwise_conv": fields | some(scope, pick)}


def inhomogeneous_depthwise_conv(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    names = ("reduction", "group_channels")
    fields = {name: scope.value(flows, lambda flow: divisors(flow.channels)) for name in names}
    return {
        "inhomogeneous_depthwise_conv": fields | some(scope, {"size": word_of(1, 3)(scope, flows)})
    }


def pyramid_conv(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    first = scope.value(flows, factors)
    scales = [first] if scope.files.sometimes(0.5) else [first, scope.value(flows, factors)]
    return {"pyramid_conv": {"size": scope.word(flows, [1, 3]), "scales": scales}}


def bottleneck(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    fields: dict[str, Text] = {"inner": scope.word(flows, [1, 3, 16])}
    if scope.files.sometimes(0.4):
        fields["between"] = [scope.files.one_of(["batch_norm", "layer_norm"]), act(scope, flows)]
    return written("bottleneck", fields, "inner", scope)


def low_rank_mlp(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    return written("low_rank_mlp", {"inner": scope.word(flows, [1, 4])}, "inner", scope)


def mlp(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    pick = {"bias": word_of(*TRUTHS, "channels", "positions", "both")(scope, flows)}
    return written("mlp", some(scope, pick), "bias", scope)


def global_filter(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    pick = {"share": word_of("none", "all")(scope, flows), "bias": word_of(*TRUTHS)(scope, flows)}
    return written("global_filter", some(scope, pick), "share", scope)


def average_pooling(scope: Scope, flows: Flows) -> Text:
    _need_maps(flows)
    pick = {
        "size": word_of(1, 2, 3, 5)(scope, flows),
        "border": word_of("mask", "zero", "wrap", "clamp")(scope, flows),
    }
    return written("average_pooling", some(scope, pick), "size", scope)


def _need_maps(flows: Flows) -> None:
    if not all_maps(flows):
        raise NoChoiceError


def _need_some_maps(flows: Flows) -> None:
    if any(flow.grid is None for flow in flows):
        raise NoChoiceError


KEEPING: tuple[Item, ...] = (
    act,
    norm,
    scale,
    dropping,
    shuffle,
    position,
    pool,
    pointwise,
    conv,
    depthwise_conv,
    reflecting,
    conditional_conv,
    channel_conv,
    efficient_channel_attention,
    local_attention,
    cosine_attention,
    halo_attention,
    shift,
    outlook_attention,
    global_attention,
    linear_attention,
    reduced_attention,
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

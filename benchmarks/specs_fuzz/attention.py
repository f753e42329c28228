"""Uses of shipped attention, each with arguments that its flows allow; `ATTENTION` keep the shape.

Each function takes the scope and the flows, and gives the item as text; it raises NoChoiceError
where there is no such item.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.specs_fuzz.scope import Scope, Text
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


def local_attention(scope: Scope, flows: Flows) -> Text:
    return _in_windows("local_attention", scope, flows)


def cosine_attention(scope: Scope, flows: Flows) -> Text:
    return _in_windows("cosine_attention", scope, flows)


def _in_windows(word: str, scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    turned = scope.files.sometimes(0.25)
    fields = _window(scope, flows) | (_turned(scope, flows) if turned else heads(scope, flows))
    kinds = ["none", "relative", "absolute", "continuous"]
    pick = {
        "shift": word_of(0, 1, "half", [0, 1])(scope, flows),
        **({} if turned else {"position": word_of(*kinds)(scope, flows)}),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "key_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
        # A turn does not close where a window goes round the map.
        "border": word_of("mask", "zero", *["wrap"] * (not turned))(scope, flows),
        "init": word_of(*STARTS, "zeros")(scope, flows),
    }
    return written(word, fields | some(scope, pick), "window", scope)


def _turned(scope: Scope, flows: Flows) -> dict[str, Text]:
    """Rotary positions, and heads that have planes to turn in."""
    counted = planes(scope, flows, scope.files.one_of(["heads", "heads", "head_channels"]))
    return counted | {"position": scope.word(flows, ["rotary"])}


def planes(scope: Scope, flows: Flows, name: str) -> dict[str, Text]:
    """A number of heads, or of their channels, that makes heads of a multiple of 4 channels."""

    def legal(flow: Flow) -> list[int]:
        widths = [width for width in divisors(flow.channels) if width % 4 == 0]
        return [flow.channels // width for width in widths] if name == "heads" else widths

    return {name: scope.value(flows, legal)}


def _window(scope: Scope, flows: Flows) -> dict[str, Text]:
    if scope.files.sometimes(0.3):
        return {"window": scope.word(flows, [1, 2, 3, 5, 7, 64]), "pad": True}
    return {"window": scope.value(flows, windows)}


def halo_attention(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {
        "halo": word_of(0, 1, 3, [2, 0])(scope, flows),
        "position": word_of("none", "relative", "absolute")(scope, flows),
        "border": word_of("mask", "zero")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
    }
    fields = _window(scope, flows) | heads(scope, flows) | some(scope, pick)
    return {"halo_attention": fields}


def outlook_attention(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    pick = {
        "value_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    fields = overlapping(scope, flows) | heads(scope, flows) | some(scope, pick)
    return {"outlook_attention": fields}


def overlapping(scope: Scope, flows: Flows) -> dict[str, Text]:
    """Windows that overlap so much that none of their places lies in none of them."""
    size = scope.word(flows, [1, 2, 3, 5, 8])
    most = size // 2 + 1 if isinstance(size, int) else 1
    return {"size": size, "step": scope.word(flows, [*range(1, most + 1)])}


def global_attention(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    turned = scope.files.sometimes(0.25)
    kinds = ["none", "absolute"]
    kinds += ["relative", "continuous"] * (not any(flow.tokens for flow in flows))
    pick = {
        **({} if turned else {"position": word_of(*kinds)(scope, flows)}),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "key_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    fields = _turned(scope, flows) if turned else heads(scope, flows)
    return written("global_attention", fields | some(scope, pick), "heads", scope)


def cross_covariance_attention(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    pick = {
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    fields = {"heads": scope.value(flows, lambda flow: divisors(flow.channels))}
    fields |= some(scope, pick)
    return written("cross_covariance_attention", fields, "heads", scope)


def linear_attention(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    pick = {
        "score": word_of("relu", "elu")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "out_bias": word_of(*TRUTHS)(scope, flows),
    }
    return written("linear_attention", heads(scope, flows) | some(scope, pick), "heads", scope)


def talking_heads_attention(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    pick = {
        "talking_heads": word_of("none", "logits", "weights", "both")(scope, flows),
        "position": word_of("none", "absolute")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "key_bias": word_of(*TRUTHS)(scope, flows),
    }
    several = {"heads": scope.value(flows, lambda flow: divisors(flow.channels)[1:])}
    return written("talking_heads_attention", several | some(scope, pick), "heads", scope)


def multi_query_attention(scope: Scope, flows: Flows) -> Text:
    need_some_maps(flows)
    counted = heads(scope, flows)
    pick = {
        "kv_heads": lambda: scope.value(flows, lambda flow: runs(flow, counted)),
        "position": word_of("none", "absolute")(scope, flows),
        "qkv_bias": word_of(*TRUTHS)(scope, flows),
        "key_bias": word_of(*TRUTHS)(scope, flows),
    }
    return written("multi_query_attention", counted | some(scope, pick), "heads", scope)


def heads_of(flow: Flow, counted: Mapping[str, Text]) -> int | None:
    """How many heads such fields make of a flow; nothing where a name stands for the number."""
    number = next(iter(counted.values()))
    if not isinstance(number, int):
        return None
    return number if "heads" in counted else flow.channels // number


def runs(flow: Flow, counted: Mapping[str, Text]) -> list[int]:
    """Into how many equal runs the heads can be cut."""
    return divisors(heads_of(flow, counted) or 1)


def reduced_attention(scope: Scope, flows: Flows) -> Text:
    need_maps(flows)
    bodies: list[Text] = ["none", [], [{"conv": {"size": 3, "stride": 2}}, "layer_norm"]]
    reduce = scope.files.one_of(bodies)
    if all(factors(flow) for flow in flows) and scope.files.sometimes(0.6):
        reduce = scope.value(flows, factors)
    return {"reduced_attention": {"reduce": reduce, **heads(scope, flows)}}


ATTENTION: tuple[Item, ...] = (
    local_attention,
    cosine_attention,
    halo_attention,
    outlook_attention,
    global_attention,
    linear_attention,
    talking_heads_attention,
    multi_query_attention,
    reduced_attention,
    cross_covariance_attention,
)

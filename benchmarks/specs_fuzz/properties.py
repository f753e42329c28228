"""Operator files of properties: points of the algebra that contradict nothing, as a person would
write them. What goes with what is said here anew, from the page of the language; the rules of
relgraph are not asked.
"""

from __future__ import annotations

from benchmarks.specs_fuzz.items import TRUTHS, bands, overlapping
from benchmarks.specs_fuzz.scope import NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flows, all_maps, divisors, factors, windows

CONNECTS = ["point", "window", "stripe", "grid", "full", "local", "outlook", "axial"]
BLOCKS = ("window", "stripe", "grid", "full")
PARTITIONS = ("window", "stripe", "grid")
SOURCES = ["static", "static", "fixed", "pooled", "center", "pair"]


def properties(scope: Scope, flows: Flows) -> dict[str, Text]:
    """The sections of an operator that keeps the shape of its flows. Raises NoChoiceError."""
    if not all_maps(flows):
        raise NoChoiceError
    one_of, sometimes = scope.files.one_of, scope.files.sometimes
    connect, source = one_of(CONNECTS), one_of(SOURCES)
    if source == "pair" and connect == "point":
        raise NoChoiceError
    if source in ("fixed", "pair") and connect == "outlook":
        raise NoChoiceError
    channel = _channel(scope, flows, separate=source in ("fixed", "pair"))
    separate = channel.get("connect") == "separate"
    normalize = _normalize(scope, connect, source, separate)
    space = _space(scope, flows, connect, source, normalize)
    _rank(scope, flows, space, channel, source, normalize)
    sections: dict[str, Text] = {"space": space, "channel": channel}
    weight = _weight(scope, flows, source, normalize, space)
    sections |= {"weight": weight} if weight != "static" or sometimes(0.5) else {}
    if sometimes(0.4):
        sections["bias"] = scope.word(flows, [True, False, "channels", "positions", "both"])
    if sometimes(0.4):
        names = ["value", "output", "value_bias", "output_bias"]
        sections["frame"] = {name: scope.word(flows, TRUTHS) for name in names if sometimes(0.5)}
    order = list(sections)
    scope.files.chance.shuffle(order)
    return {name: sections[name] for name in order if sections[name] != {}} | (
        {} if "space" in sections else {"space": {}}
    )


def _channel(scope: Scope, flows: Flows, separate: bool) -> dict[str, Text]:
    mixing = ["full", "groups", "local", "separate"]
    connect = "separate" if separate else scope.files.one_of(mixing)
    if connect == "local":
        size, share = scope.value(flows, bands), scope.files.one_of(["none", "all"])
        return {"connect": "local", "size": size, "share": share}
    if connect == "full":
        return {"connect": "full"}
    if connect == "groups":
        counted = scope.value(flows, lambda flow: divisors(flow.channels))
        share = scope.files.one_of(["none", "all"])
        if counted == 1 or isinstance(counted, str):
            share = "none"  # one group is `full`, which shares nothing
        return {"connect": "groups", "groups": counted, "share": share}
    share = scope.files.one_of(["none", "heads", "all"])
    if share != "heads":
        return {"connect": "separate", "share": share}
    name = scope.files.one_of(["heads", "head_channels", "group_channels"])
    counted = scope.value(flows, lambda flow: divisors(flow.channels))
    return {"connect": "separate", name: counted}


def _normalize(scope: Scope, connect: str, source: str, separate: bool) -> str:
    if source == "fixed":
        return "none"
    legal = ["none", "sigmoid"]
    if connect != "point" and separate:
        legal += ["l1", "softmax"]
    return scope.files.one_of(legal)


def _space(
    scope: Scope, flows: Flows, connect: str, source: str, normalize: str
) -> dict[str, Text]:
    one_of, sometimes = scope.files.one_of, scope.files.sometimes
    space: dict[str, Text] = {"connect": connect}
    if connect == "outlook":
        border = {"border": scope.word(flows, ["zero", "mask"])} if sometimes(0.4) else {}
        return space | {"share": "windows"} | overlapping(scope, flows) | border
    shares = ["none", "positions"] + ["windows"] * (connect in BLOCKS)
    shares += ["all"] * (normalize != "l1")  # one number over the sum of its copies is a sign
    if source != "pair" and sometimes(0.7):
        space["share"] = one_of(shares)
    borders = ["zero", "mask", "wrap"] + ["clamp"] * (connect in ("point", "local"))
    if sometimes(0.4):
        space["border"] = scope.word(flows, borders)
    if connect == "local":
        space["size"] = scope.word(flows, [1, 2, 3, [3, 1], 9])
        space |= {"dilation": scope.word(flows, [1, 2, [2, 1]])} if sometimes(0.3) else {}
        space |= {"padding": scope.word(flows, ["half", "same_tf"])} if sometimes(0.3) else {}
        space |= {"anchor": "center"} if "padding" not in space and sometimes(0.2) else {}
    if connect in PARTITIONS:
        space |= _blocks(scope, flows, connect)
    return space


def _blocks(scope: Scope, flows: Flows, connect: str) -> dict[str, Text]:
    sometimes = scope.files.sometimes
    space: dict[str, Text]
    if sometimes(0.3):
        space = {"size": scope.word(flows, [1, 2, 3, 5, [2, 3]]), "pad": True}
    else:
        space = {"size": scope.value(flows, windows)}
    if connect == "window" and sometimes(0.4):
        space["shift"] = scope.word(flows, [0, 1, "half", [1, 0]])
    if connect == "stripe":
        along = scope.files.one_of(["rows", "columns"])
        space |= {"along": along} if along == "columns" or sometimes(0.5) else {}
        if sometimes(0.4):
            space["shift"] = scope.word(flows, [[1, 0]] if along == "rows" else [[0, 1]])
    return space


def _rank(
    scope: Scope,
    flows: Flows,
    space: dict[str, Text],
    channel: dict[str, Text],
    source: str,
    normalize: str,
) -> None:
    """A low rank on one axis, where the rest leaves room for it."""
    whole = channel["connect"] == "local" or space["connect"] == "outlook"
    if whole or not scope.files.sometimes(0.4):
        return
    connect, share = space["connect"], space.get("share", "none")
    words: list[tuple[str, str, Text]] = []
    if connect == "full" and share in ("none", "all") and source in ("static", "pair"):
        words.append(("space", "reduce", None))
    plain = source == "static" and normalize not in ("softmax", "l1")
    if connect == "full" and share in ("none", "all") and plain:
        words.append(("space", "tokens", [1, 5, 16]))
    if connect == "local" and share == "positions" and plain:
        words += [("space", "separable", [True]), ("space", "scales", None)]
    if source == "static" and channel["connect"] != "separate":
        words.append(("channel", "inner", [1, 3, 8]))
    axis, word, options = scope.files.one_of(words)
    if word == "inner" and channel["connect"] == "groups":
        value: Text = scope.value(flows, lambda flow: [flow.channels])  # groups divide it too
    else:
        value = scope.value(flows, factors) if options is None else scope.word(flows, options)
    target = space if axis == "space" else channel
    target["rank"] = {word: value}


def _weight(
    scope: Scope, flows: Flows, source: str, normalize: str, space: dict[str, Text]
) -> Text:
    sometimes = scope.files.sometimes
    weight: dict[str, Text] = {} if normalize == "none" else {"normalize": normalize}
    if source == "static":
        return weight or "static"
    if source == "fixed":
        return {"fixed": scope.word(flows, ["average", "identity"])}
    weight = {"dynamic": source, **weight}
    if source == "pair":
        kinds = ["none", "absolute"] + ["relative"] * ("rank" not in space)
        weight |= {"position": scope.word(flows, kinds)} if sometimes(0.5) else {}
        weight |= {"qkv_bias": scope.word(flows, TRUTHS)} if sometimes(0.3) else {}
        scores = ["dot", "cosine"]
        if normalize in ("none", "l1") and weight.get("position", "none") == "none":
            scores += ["relu", "elu"]  # features are weights already, and know no places
        weight |= {"score": scope.word(flows, scores)} if sometimes(0.4) else {}
        return weight
    if sometimes(0.3):
        weight["experts"] = scope.word(flows, [1, 2, 5])
    elif sometimes(0.6):
        weight["reduction"] = scope.value(flows, lambda flow: divisors(flow.channels))
        weight["predictor"] = {
            "bias": scope.word(flows, TRUTHS),
            "norm": scope.word(flows, ["none", "batch_norm"]),
            "act": scope.word(flows, ["relu", "gelu", "silu", "sigmoid", "tanh"]),
        }
    if source == "center" and sometimes(0.4):
        weight["extent"] = scope.word(flows, [1, 2, 3, 9])
    return weight

"""Operator files of properties: points of the algebra that contradict nothing, as a person would
write them. What goes with what is said here anew, from the page of the language; the rules of
relgraph are not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.specs_fuzz.attention import heads_of, overlapping, planes, runs
from benchmarks.specs_fuzz.operators import bands
from benchmarks.specs_fuzz.scope import NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flows, all_maps, divisors, factors, windows
from benchmarks.specs_fuzz.writing import TRUTHS

CONNECTS = ["point", "window", "stripe", "grid", "full", "local", "outlook", "axial"]
BLOCKS = ("window", "stripe", "grid", "full")
HEADS = ("heads", "head_channels", "group_channels")
PARTITIONS = ("window", "stripe", "grid")
SOURCES = ["static", "static", "fixed", "pooled", "center", "channels", "pair"]
PLAIN = ["none", "relative", "absolute"]  # positions that no other property has to know of


@dataclass(frozen=True)
class Point:
    """The properties that others depend on. `position` is what pairs know of places: one of PLAIN,
    continuous, rotary, or nothing that is written."""

    connect: str
    source: str
    position: str
    normalize: str = "none"

    @property
    def turned(self) -> bool:
        """Whether queries and keys are turned by where they stand."""
        return self.position == "rotary"


def properties(scope: Scope, flows: Flows) -> dict[str, Text]:
    """The sections of an operator that keeps the shape of its flows. Raises NoChoiceError."""
    if not all_maps(flows):
        raise NoChoiceError
    sometimes = scope.files.sometimes
    point = _point(scope)
    channel = _channel(scope, flows, point)
    separate = channel.get("connect") == "separate"
    normalize = _normalize(scope, point, separate)
    point = Point(point.connect, point.source, point.position, normalize)
    space = _space(scope, flows, point)
    _rank(scope, flows, space, channel, point)
    sections: dict[str, Text] = {"space": space, "channel": channel}
    weight = _weight(scope, flows, point, space, channel)
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


def _point(scope: Scope) -> Point:
    one_of = scope.files.one_of
    connect, source = one_of(CONNECTS), one_of(SOURCES)
    if source == "channels":
        return Point("point", source, "")
    if source == "pair" and connect == "point":
        raise NoChoiceError
    if source in ("fixed", "pair") and connect == "outlook":
        raise NoChoiceError
    known = source == "pair" and scope.files.sometimes(0.6)
    return Point(connect, source, one_of([*PLAIN, "continuous", "rotary"]) if known else "")


def _channel(scope: Scope, flows: Flows, point: Point) -> dict[str, Text]:
    mixing = ["full", "groups", "local", "separate"]
    options = {"fixed": ["separate"], "pair": ["separate"], "channels": ["full", "groups"]}
    connect = scope.files.one_of(options.get(point.source, mixing))
    if connect == "local":
        size, share = scope.value(flows, bands), scope.files.one_of(["none", "all"])
        return {"connect": "local", "size": size, "share": share}
    if connect == "full":
        return {"connect": "full"}
    if connect == "groups":
        counted = scope.value(flows, lambda flow: divisors(flow.channels))
        share = scope.files.one_of(["none", "all"])
        if counted == 1 or isinstance(counted, str) or point.source == "channels":
            share = "none"  # one group is `full`, which shares nothing; heads compare their own
        return {"connect": "groups", "groups": counted, "share": share}
    return _separate(scope, flows, point)


def _separate(scope: Scope, flows: Flows, point: Point) -> dict[str, Text]:
    """Channels by themselves; where pairs are turned, in heads that have planes to turn in."""
    share = scope.files.one_of(["none", "heads", "all"])
    if point.turned and (share == "none" or any(flow.channels % 4 for flow in flows)):
        raise NoChoiceError
    if share != "heads":
        return {"connect": "separate", "share": share}
    name = scope.files.one_of(["heads", "head_channels", "group_channels"])
    if point.turned:
        return {"connect": "separate", **planes(scope, flows, name)}
    counted = scope.value(flows, lambda flow: divisors(flow.channels))
    return {"connect": "separate", name: counted}


def _normalize(scope: Scope, point: Point, separate: bool) -> str:
    if point.source == "fixed":
        return "none"
    if point.source == "channels":
        return scope.files.one_of(["none", "softmax"])
    legal = ["none", "sigmoid"]
    if point.connect != "point" and separate:
        legal += ["l1", "softmax"]
    return scope.files.one_of(legal)


def _space(scope: Scope, flows: Flows, point: Point) -> dict[str, Text]:
    one_of, sometimes, connect = scope.files.one_of, scope.files.sometimes, point.connect
    space: dict[str, Text] = {"connect": connect}
    if connect == "outlook":
        border = {"border": scope.word(flows, ["zero", "mask"])} if sometimes(0.4) else {}
        return space | {"share": "windows"} | overlapping(scope, flows) | border
    shares = ["none", "positions"] + ["windows"] * (connect in BLOCKS)
    shares += ["all"] * (point.normalize != "l1")  # one number over the sum of its copies is a sign
    if point.source == "channels":
        space["share"] = "positions"
    elif point.source != "pair" and sometimes(0.7):
        space["share"] = one_of(shares)
    borders = ["zero", "mask"] + ["wrap"] * (not point.turned)  # a turn need not close on a ring
    borders += ["clamp"] * (connect in ("point", "local"))
    if sometimes(0.4):
        space["border"] = scope.word(flows, borders)
    if connect == "local":
        space |= _taps(scope, flows)
    if connect in PARTITIONS:
        space |= _blocks(scope, flows, point)
    return space


def _taps(scope: Scope, flows: Flows) -> dict[str, Text]:
    sometimes = scope.files.sometimes
    space: dict[str, Text] = {"size": scope.word(flows, [1, 2, 3, [3, 1], 9])}
    space |= {"dilation": scope.word(flows, [1, 2, [2, 1]])} if sometimes(0.3) else {}
    space |= {"padding": scope.word(flows, ["half", "same_tf"])} if sometimes(0.3) else {}
    return space | ({"anchor": "center"} if "padding" not in space and sometimes(0.2) else {})


def _blocks(scope: Scope, flows: Flows, point: Point) -> dict[str, Text]:
    sometimes, connect = scope.files.sometimes, point.connect
    space: dict[str, Text]
    if sometimes(0.3):
        space = {"size": scope.word(flows, [1, 2, 3, 5, [2, 3]]), "pad": True}
    else:
        space = {"size": scope.value(flows, windows)}
    if connect == "window" and sometimes(0.4):
        space["shift"] = scope.word(flows, [0, 1, "half", [1, 0]])
    elif connect == "window" and point.position in ("", *PLAIN) and sometimes(0.4):
        space["halo"] = scope.word(flows, [0, 1, 3, [2, 0]])
    if connect == "stripe":
        along = scope.files.one_of(["rows", "columns"])
        space |= {"along": along} if along == "columns" or sometimes(0.5) else {}
        if sometimes(0.4):
            space["shift"] = scope.word(flows, [[1, 0]] if along == "rows" else [[0, 1]])
    return space


def _rank(
    scope: Scope, flows: Flows, space: dict[str, Text], channel: dict[str, Text], point: Point
) -> None:
    """A low rank on one axis, where the rest leaves room for it."""
    connect, source = point.connect, point.source
    whole = channel["connect"] == "local" or connect == "outlook" or source == "channels"
    if whole or not scope.files.sometimes(0.4):
        return
    share = space.get("share", "none")
    words: list[tuple[str, str, Text]] = []
    if connect == "full" and share in ("none", "all") and source in ("static", "pair"):
        words += [("space", "reduce", None)] * (point.position in ("", "none", "absolute"))
    plain = source == "static" and point.normalize not in ("softmax", "l1")
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
    scope: Scope, flows: Flows, point: Point, space: dict[str, Text], channel: dict[str, Text]
) -> Text:
    sometimes, source = scope.files.sometimes, point.source
    weight: dict[str, Text] = {} if point.normalize == "none" else {"normalize": point.normalize}
    if source == "static":
        return weight or "static"
    if source == "fixed":
        return _given(scope, flows, space)
    weight = {"dynamic": source, **weight}
    if source == "pair":
        weight |= _pair(scope, flows, point)
        return weight | _among_heads(scope, flows, weight, channel)
    if source == "channels":
        bias = {"qkv_bias": scope.word(flows, TRUTHS)} if sometimes(0.4) else {}
        return weight | {"score": "cosine"} | bias
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


def _given(scope: Scope, flows: Flows, space: dict[str, Text]) -> dict[str, Text]:
    if space["connect"] == "local" and scope.files.sometimes(0.4):
        space.pop("dilation", None)
        space["size"] = scope.word(flows, [3, 5, [3, 7]])
        return {"fixed": "shift", "offset": scope.word(flows, [0, [0, 1], [-1, 0], [1, -1]])}
    return {"fixed": scope.word(flows, ["average", "identity"])}


def _pair(scope: Scope, flows: Flows, point: Point) -> dict[str, Text]:
    """What queries and keys know of places, and how they are compared."""
    sometimes, position = scope.files.sometimes, point.position
    weight: dict[str, Text] = {}
    if position:
        weight["position"] = scope.word(flows, [position])
    if position == "continuous" and sometimes(0.5):
        weight["hidden"] = scope.word(flows, [1, 8, 32])
    if position == "rotary" and sometimes(0.5):
        weight["temperature"] = scope.word(flows, [1, 100, 10000.0])
    for name in ("qkv_bias", "key_bias"):
        weight |= {name: scope.word(flows, TRUTHS)} if sometimes(0.3) else {}
    scores = ["dot", "cosine"]
    if point.normalize in ("none", "l1") and position in ("", "none"):
        scores += ["relu", "elu"]  # features are weights already, and know no places
    return weight | ({"score": scope.word(flows, scores)} if sometimes(0.4) else {})


def _among_heads(
    scope: Scope, flows: Flows, pair: dict[str, Text], channel: dict[str, Text]
) -> dict[str, Text]:
    """Keys that heads share, and heads that talk: both need heads."""
    if channel.get("share") == "all":
        return {}
    counted = {name: channel[name] for name in HEADS if name in channel} or {"group_channels": 1}
    weight: dict[str, Text] = {}
    if scope.files.sometimes(0.3):
        weight["kv_heads"] = scope.value(flows, lambda flow: runs(flow, counted))
    several = all((heads_of(flow, counted) or 1) > 1 for flow in flows)
    compared = pair.get("score", "dot") in ("dot", "cosine")
    if several and compared and scope.files.sometimes(0.25):
        both = ["logits", "both"] * ("normalize" in pair)
        weight["talking_heads"] = scope.word(flows, ["none", "weights", *both])
    return weight

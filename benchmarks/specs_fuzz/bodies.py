"""Bodies: structure around items, definitions with parameters, operators of one's own.

`keep` gives a body after which everything has the shape that it had; `reach` one that brings every
use to the width and map of its stage, as a block must.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from benchmarks.specs_fuzz.items import KEEPING
from benchmarks.specs_fuzz.properties import properties
from benchmarks.specs_fuzz.scope import Kind, Known, Labelled, NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flows, all_maps, strided, with_channels
from benchmarks.specs_fuzz.writing import written

DEEPEST = 4
Shaped = Callable[[Scope, Flows], list[Text]]


def keep(scope: Scope, flows: Flows, longest: int = 3) -> list[Text]:
    """Items after which the shapes are what they were; sometimes none."""
    body: list[Text] = []
    for _ in range(scope.files.one_of(range(longest + 1))):
        if scope.files.left <= 0:
            break
        scope.files.left -= 1
        body += _one(scope, flows)
    return body


def _one(scope: Scope, flows: Flows) -> list[Text]:
    """An item that is possible here, or structure around more of them."""
    for _ in range(8):
        with suppress(NoChoiceError), scope.attempt():
            if scope.depth < DEEPEST and scope.files.sometimes(0.4):
                return scope.files.one_of(STRUCTURES)(deeper(scope), flows)
            return [_labelled(scope.files.one_of(KEEPING)(scope, flows), scope, flows)]
    return ["affine"]


def deeper(scope: Scope) -> Scope:
    """The same surroundings one level further in: what becomes a parameter is shared."""
    return replace(scope, depth=scope.depth + 1)


def _labelled(item: Text, scope: Scope, flows: Flows, inside: frozenset[str] = frozenset()) -> Text:
    """The item, sometimes with a label by which a child can address it."""
    if scope.kind != "stage" or not scope.files.sometimes(0.5):
        return item
    label = scope.files.name("part")
    word = item if isinstance(item, str) else next(iter(item))
    if word.startswith("$"):
        return item
    scope.files.labels[label] = Labelled(flows, word, inside)
    return {word: {} if isinstance(item, str) else item[word], "label": label}


def _residual(scope: Scope, flows: Flows) -> list[Text]:
    before = set(scope.files.labels)
    body = keep(scope, flows)
    inside = frozenset(set(scope.files.labels) - before)
    fields: dict[str, Text] = {"body": body}
    if scope.files.sometimes(0.2):
        fields["scale"] = scope.word(flows, [1e-6, 0.1, 1, "none"])
    if scope.files.sometimes(0.2):
        fields["drop_path"] = scope.word(flows, [0, 0.5, "none"])
    if scope.files.sometimes(0.15):
        fields["shortcut"] = [keep(scope, flows, 1)]
    if len(fields) == 1 and scope.files.sometimes(0.8):
        return [_labelled({"residual": body}, scope, flows, inside)]
    return [{"residual": fields}]


def _sum(scope: Scope, flows: Flows) -> list[Text]:
    return [{"sum": [keep(scope, flows, 2) for _ in range(scope.files.one_of([1, 2, 3]))]}]


def _gate(scope: Scope, flows: Flows) -> list[Text]:
    if any(flow.grid is None for flow in flows):
        raise NoChoiceError
    pooled = tuple(replace(flow, grid=None, tokens=()) for flow in flows)
    gate = [{"global_pool": scope.word(flows, ["average", "max"])}, *keep(scope, pooled, 2)]
    branches = [keep(scope, flows, 1), [*gate, "sigmoid"]]
    scope.files.chance.shuffle(branches)
    return [{"product": branches}]


def _concat(scope: Scope, flows: Flows) -> list[Text]:
    branches = [keep(scope, flows, 2) for _ in range(scope.files.one_of([1, 2, 3]))]
    return [{"concat": branches}, {"pointwise": _back(scope, flows)}]


def _back(scope: Scope, flows: Flows) -> Text:
    """The width of the flows, written where it is another."""
    if scope.entry == tuple(flow.channels for flow in flows) and scope.files.sometimes(0.6):
        return "$in"
    return scope.value(flows, lambda flow: [flow.channels])


def _split(scope: Scope, flows: Flows) -> list[Text]:
    if any(flow.channels % 4 for flow in flows):
        raise NoChoiceError
    half = with_channels(flows, lambda flow: flow.channels // 2)
    quarter = with_channels(flows, lambda flow: flow.channels // 4)
    fields: dict[str, Text] = {"sizes": ["rest", 0.5], "bodies": [[], []]}
    parts: tuple[Flows, ...] = (half, half)
    if scope.files.sometimes(0.5):
        fields["sizes"], parts = [0.25, "rest", 0.25], (quarter, half, quarter)
    inner = replace(scope, entry=())
    fields["bodies"] = [keep(inner, part, 1) for part in parts]
    fields |= {"combine": "concat"} if scope.files.sometimes(0.3) else {}
    return [{"split": fields}]


def _tapped(scope: Scope, flows: Flows) -> list[Text]:
    name = scope.files.name("x")
    word = scope.files.one_of(["sum", "product"])
    return [
        {"tap": name},
        *keep(scope, flows, 2),
        {word: [[], [{"from": name}, *keep(scope, flows, 1)]]},
    ]


def _wider(scope: Scope, flows: Flows) -> list[Text]:
    """More channels and back, with items between that see the wider value."""
    ratio = scope.files.one_of([1, 2, 3])
    wide = with_channels(flows, lambda flow: flow.channels * ratio)
    inside = keep(scope, wide, 2)
    return [{"pointwise": {"ratio": ratio}}, *inside, {"pointwise": _back(scope, flows)}]


def _coarser(scope: Scope, flows: Flows) -> list[Text]:
    """A smaller map and back."""
    if not all_maps(flows) or any(flow.map[0] % 2 or flow.map[1] % 2 for flow in flows):
        raise NoChoiceError
    smaller = strided(flows, lambda flow: 2)
    if scope.files.sometimes(0.3):
        wide = with_channels(smaller, lambda flow: flow.channels * 4)
        down: list[Text] = [{"space_to_depth": 2}, *keep(scope, wide, 1)]
        down.append({"pointwise": _back(scope, flows)})
    else:
        down = [scope.files.one_of([{"avg_pool": 2}, {"max_pool": {"size": 2}}])]
        down += keep(scope, smaller, 2)
    mode = scope.files.one_of(["nearest", "bilinear"])
    up = scope.files.one_of(["upsample", {"upsample": {"factor": 2, "mode": mode}}])
    return [*down, up]


def _group(scope: Scope, flows: Flows) -> list[Text]:
    return [keep(scope, flows, 3)]


def _fit(scope: Scope, flows: Flows) -> list[Text]:
    return [{"fit": _back(scope, flows)}]


def _definition(scope: Scope, flows: Flows) -> list[Text]:
    """A use of a definition: one that is known to suit, or a new one."""
    files = scope.files
    if scope.kind == "operator":
        raise NoChoiceError
    for known in files.known:
        if known.before == flows and files.sometimes(0.5):
            return [known.name]
    inner = _within(scope, "definition", flows)
    body = keep(inner, flows)
    name = files.name("macro")
    files.define[name] = {"params": inner.params, "body": body} if inner.params else body
    if not inner.given:
        files.known.append(Known(name, flows, flows))
    return [_used(name, inner, scope)]


def _operator(scope: Scope, flows: Flows) -> list[Text]:
    """A use of an operator file of one's own, of properties or with a body."""
    files = scope.files
    inner = _within(scope, "operator", flows)
    name = files.name("mine")
    if files.sometimes(0.7):
        content = properties(inner, flows)
    else:
        content = {"body": keep(inner, flows)}
    head: dict[str, Text] = {"operator": name}
    head |= {"cite": "A. Person, Of operators: a study, 2020"} if files.sometimes(0.2) else {}
    files.operators[name] = head | ({"params": inner.params} if inner.params else {}) | content
    return [_used(name, inner, scope)]


def _within(scope: Scope, kind: Kind, flows: Flows) -> Scope:
    entry = tuple(flow.channels for flow in flows)
    return Scope(scope.files, kind, entry, scope, {}, {}, scope.depth + 1)


def _used(name: str, inner: Scope, scope: Scope) -> Text:
    main = next(iter(inner.params), "")
    return written(name, inner.given, main, scope)


STRUCTURES: tuple[Shaped, ...] = (
    _residual,
    _sum,
    _gate,
    _concat,
    _split,
    _tapped,
    _wider,
    _coarser,
    _group,
    _fit,
    _definition,
    _operator,
    _operator,
)


def reach(scope: Scope, flows: Flows) -> list[Text]:
    """A block: what comes in, of any width and map, leaves as its stage wants it."""
    wanted = with_channels(strided(flows, lambda flow: flow.stride), lambda flow: flow.target)
    there = flows == wanted
    moves = any(flow.stride > 1 for flow in flows)
    if there and scope.files.sometimes(0.8):
        return keep(scope, flows, 4) or ["affine"]
    before = keep(scope, flows, 1)
    return [*before, *_move(scope, wanted, moves), *keep(replace(scope, entry=()), wanted, 2)]


def _move(scope: Scope, wanted: Flows, moves: bool) -> list[Text]:
    """To the stage's width and over its stride, one way or another."""
    fields: dict[str, Text] = {"channels": "$channels"}
    fields |= {"stride": "$stride"} if moves or scope.files.sometimes(0.3) else {}
    way = scope.files.one_of(["conv", "pointwise", "residual", "pool"])
    if way == "residual":
        inside = [{"conv": {"size": 3, **fields}}, *keep(replace(scope, entry=()), wanted, 1)]
        return [{"residual": {"body": inside, "shortcut": [{"pointwise": fields}, "batch_norm"]}}]
    if way == "pool" and moves:
        pool = {"max_pool": {"size": 3, "stride": "$stride", "padding": 1}}
        return [pool, {"fit": "$channels"}]
    if way == "conv":
        return [{"conv": {"size": scope.files.one_of([1, 2, 3, 7]), **fields}}]
    return [{"pointwise": fields}]

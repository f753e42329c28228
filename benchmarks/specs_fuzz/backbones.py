"""Whole backbones: a stem, stages that share blocks or have their own, a head, and the keys around.

Sizes are small, so that thousands are made; which corner of the grammar a file reaches is chance.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.specs_fuzz.bodies import keep, reach
from benchmarks.specs_fuzz.scope import Files, Labelled, Scope, Text
from benchmarks.specs_fuzz.shapes import ORIGIN, Flow, Flows, all_maps, strided, with_channels

WIDTHS = [4, 8, 12, 16, 24]
SIDES: list[Any] = [8, 16, 32, 30, [16, 24], [8, 40]]


@dataclass(frozen=True)
class Size:
    """How much a backbone holds: choices of how many items, stages, and blocks of a stage."""

    items: tuple[int, ...] = (4, 12, 40, 8)
    stages: tuple[int, ...] = (1, 2, 3)
    depths: tuple[int, ...] = (1, 2, 3)


WHOLE = Size()
# Of what is damaged at one place: all that is around takes time and is asked elsewhere.
SMALLER = Size((4, 8, 12, 40, 8, 4), (1, 2, 3, 2, 1), (1, 2, 3, 2, 1))


@dataclass(frozen=True)
class Case:
    """Files by name without their ending; `top` is the one that is asked for. `labels` tell a child
    what flows where, `before` what flows into each stage's blocks."""

    files: dict[str, dict[str, Text]]
    top: str
    labels: dict[str, Labelled]
    classes: int = 10


def backbone(chance: random.Random, name: str = "grown", among: Size = WHOLE) -> Case:
    """A valid backbone, with the operator files that it uses."""
    files = Files(chance)
    files.left = files.one_of(among.items)
    size, channels = files.one_of(SIDES), files.one_of([1, 3, 4])
    keys: dict[str, Text] = {"input": {"size": size, "channels": channels}}
    if channels == 3 and files.sometimes(0.5):
        keys["input"] = {"size": size}
    stages = range(files.one_of(among.stages))
    files.rows = [{"depth": files.one_of(among.depths)} for _ in stages]
    for row in files.rows:
        row["channels"] = files.one_of(WIDTHS)
    grid = (size, size) if isinstance(size, int) else (size[0], size[1])
    image = Flow(channels, grid, target=files.rows[0]["channels"])
    keys["stem"], flow = _stem(files, image)
    last = _stages(files, keys, flow)
    classes = files.one_of([1, 2, 10])
    keys |= {"classes": classes, "head": _head(files, last)}
    keys |= _around(files)
    keys["stages"] = files.rows
    keys |= {"define": files.define} if files.define else {}
    order = list(keys)
    chance.shuffle(order)
    top = {"backbone": name, **{key: keys[key] for key in order}}
    return Case({**files.operators, name: top}, name, files.labels, classes)


def _section(files: Files, flows: Flows) -> Scope:
    return Scope(files, "section", tuple(flow.channels for flow in flows))


def _stem(files: Files, image: Flow) -> tuple[Text, Flow]:
    """From the image to the first map of the first stage's width, sometimes with tokens."""
    scope = _section(files, (image,))
    body: list[Text] = [] if files.sometimes(0.7) else keep(scope, (image,), 1)
    step = files.one_of([1, 2, 4])
    if step > 1 and image.map[0] % step == 0 and image.map[1] % step == 0 and files.sometimes(0.5):
        body.append({"patchify": step})
    else:
        body.append({"conv": {"size": 3, "channels": "$channels", "stride": step}})
    (flow,) = with_channels(strided((image,), lambda _: step), lambda one: one.target)
    if files.sometimes(0.2):
        token = files.one_of(["class", "distill", "register"])
        body.append({"add_token": token})
        flow = replace(flow, tokens=(token,))
        body += ["layer_norm"] if files.sometimes(0.5) else []
        return body, flow
    return body + keep(scope, (flow,), 1), flow


def _stages(files: Files, keys: dict[str, Text], flow: Flow) -> Flow:
    """Fills in the rows and the bodies that they share; the value behind the last stage."""
    plain = not flow.tokens
    entering = _downsampling(files, keys, flow, plain)
    own = [number for number in range(len(files.rows)) if files.sometimes(0.15)]
    _blocks(files, keys, [one for one in entering if one[0].stage not in own])
    for number in own:
        _blocks(files, files.rows[number], [entering[number]])
        if "first" in keys:
            files.rows[number].setdefault("first", "none")
    last = entering[-1][-1]
    if plain and files.sometimes(0.3):
        ends = tuple(_behind(flows) for flows in entering)
        scope = Scope(files, "stage", tuple(one.channels for one in ends))
        keys["after"] = keep(scope, tuple(replace(one, stride=1) for one in ends), 2)
    return _behind((last,))


def _behind(flows: Flows) -> Flow:
    """What leaves a stage's blocks."""
    (flow,) = strided((flows[-1],), lambda one: one.stride) if flows[-1].grid else flows[-1:]
    return replace(flow, channels=flow.target)


def _downsampling(files: Files, keys: dict[str, Text], flow: Flow, plain: bool) -> list[Flows]:
    """For each stage what enters its blocks: the first one's flow, and that of the others."""
    down = plain and len(files.rows) > 1 and files.sometimes(0.5)
    if down:
        keys["downsample"] = files.one_of(
            [
                [{"conv": {"size": 2, "channels": "$channels", "stride": 2}}],
                ["layer_norm", {"conv": {"size": 3, "stride": 2}}, {"fit": "$channels"}],
                [{"max_pool": {"size": 3, "stride": 2, "padding": 1}}, {"pointwise": "$channels"}],
            ]
        )
    entering: list[Flows] = []
    for number, row in enumerate(files.rows):
        if plain and not down and files.sometimes(0.4):
            row["stride"] = files.one_of([1, 2, 3])
        flow = replace(flow, stage=number, stride=row.get("stride", 1), target=row["channels"])
        if down and number > 0:
            (flow,) = strided((flow,), lambda _: 2)
            flow = replace(flow, channels=flow.target)
        first = flow
        flow = replace(_behind((flow,)) if plain else replace(flow, channels=flow.target), stride=1)
        entering.append((first, flow) if row["depth"] > 1 else (first,))
    return entering


def _blocks(files: Files, keys: dict[str, Text], entering: list[Flows]) -> None:
    """`block` or `cycle`, sometimes with `first`, for these stages."""
    if not entering:
        return
    every = tuple(flow for flows in entering for flow in flows)
    firsts = tuple(flows[0] for flows in entering)
    others = tuple(flow for flows in entering for flow in flows[1:])
    if files.sometimes(0.2):
        keys["first"] = _block(files, firsts)
        every = others or tuple(replace(_behind((one,)), stride=1) for one in firsts)
    labels = dict(files.labels)
    if files.sometimes(0.25):
        keys["cycle"] = [_block(files, every) for _ in range(files.one_of([1, 2, 3]))]
    else:
        keys["block"] = _block(files, every)
    if "cycle" in keys or "first" in keys:
        # Some of these bodies may have no turn in any stage: an edit of them would hit nothing.
        files.labels.clear()
        files.labels.update(labels)


def _block(files: Files, flows: Flows) -> Text:
    scope = Scope(files, "stage", tuple(flow.channels for flow in flows))
    if all_maps(flows):
        return reach(scope, flows)
    if any(flow.channels != flow.target for flow in flows):
        return [{"pointwise": "$channels"}, *keep(replace(scope, entry=()), flows_at(flows), 2)]
    return keep(scope, flows, 3) or ["layer_norm"]


def flows_at(flows: Flows) -> Flows:
    """The flows at their stages' widths."""
    return with_channels(flows, lambda flow: flow.target)


def _head(files: Files, flow: Flow) -> Text:
    flow = replace(flow, stage=ORIGIN, stride=1)
    body = keep(_section(files, (flow,)), (flow,), 1)
    pooled = replace(flow, grid=None, tokens=())
    chosen = [token for token in flow.tokens if token != "register"]
    if chosen and files.sometimes(0.6):
        body.append({"select": chosen[0]})
    else:
        body.append(files.one_of(["global_pool", {"global_pool": "max"}]))
    body += keep(_section(files, (pooled,)), (pooled,), 1)
    plain: Text = files.one_of(["classifier", {"classifier": {"bias": False}}])
    if files.sometimes(0.15):
        return [
            *body,
            {"sum": [[plain], ["classifier"]]},
            {"scale": {"init": 0.5, "learned": False}},
        ]
    return [*body, plain]


def _around(files: Files) -> dict[str, Text]:
    """Keys that change no shape."""
    keys: dict[str, Text] = {}
    if files.sometimes(0.3):
        word, fields = files.one_of(list(DEFAULTS.items()))
        keys["defaults"] = {word: fields}
    if files.sometimes(0.3):
        rate = files.one_of([0, 0.1, 0.99])
        keys["drop_path"] = files.one_of([rate, {"rate": rate, "schedule": "constant"}])
    if files.sometimes(0.2):
        keys["init"] = files.one_of(["default", "xavier", {"kaiming": "fan_in"}, {"normal": 1}])
    if files.sometimes(0.2):
        keys["cite"] = files.one_of(["Who: what, where", "x", "a # b", "'quoted' \"twice\""])
    if files.sometimes(0.1):
        keys["doc"] = "A model that nobody asked for."
    return keys


DEFAULTS: dict[str, dict[str, Text]] = {
    "layer_norm": {"eps": 1e-6},
    "batch_norm": {"momentum": 0.01, "eps": 0.001},
    "conv": {"bias": False},
    "pointwise": {"bias": False, "init": {"normal": 0.01}},
    "feed_forward": {"act": "silu"},
    "global_attention": {"qkv_bias": False},
}

"""A backbone that extends a grown one: patched columns, edited items, keys of its own.

The parent knows what flows at each of its labels, so what is put there keeps those shapes.
"""

from __future__ import annotations

import random
from dataclasses import replace

from benchmarks.specs_fuzz.backbones import DEFAULTS, WHOLE, Case, Size, backbone
from benchmarks.specs_fuzz.bodies import keep
from benchmarks.specs_fuzz.elements import act
from benchmarks.specs_fuzz.scope import Files, Labelled, Scope, Text

SETTABLE: dict[str, dict[str, list[Text]]] = {
    "conv": {"bias": [True, False], "init": ["xavier", {"normal": 0.1}]},
    "depthwise_conv": {"bias": [True, False]},
    "pointwise": {"bias": [True, False]},
    "feed_forward": {"ratio": [1, 2, 3], "act": ["silu", "relu"]},
    "layer_norm": {"eps": [1e-6, 0.1], "bias": [False]},
    "batch_norm": {"init": [0, 1], "momentum": [0.5]},
    "local_attention": {
        "qkv_bias": [True, False],
        "key_bias": [False],
        "position": ["none", "relative", "continuous"],
    },
    "global_attention": {"out_bias": [False]},
    "dropout": {"rate": [0, 0.25]},
    "scale": {"learned": [True]},
}
DEPTHS = [2, 3, 5]


def grown(chance: random.Random, among: Size = WHOLE) -> Case:
    """A backbone, now and then one that extends another."""
    if chance.random() < 0.7:
        return backbone(chance, among=among)
    return child(backbone(chance, "parent", among), chance)


def child(parent: Case, chance: random.Random) -> Case:
    """A child of `parent` that edits some of its labelled items."""
    files = Files(chance, rows=[{} for _ in parent.files[parent.top]["stages"]])
    files.numbers = {"mine": 100, "macro": 100, "p": 100, "part": 100, "v": 100, "x": 100}
    keys: dict[str, Text] = {"extends": parent.top}
    labels = _apart(parent.labels, chance)
    cut = files.one_of(range(len(labels) + 1))
    replaced = {label: _replacement(files, parent.labels[label]) for label in labels[:cut]}
    changed = {label: _changes(files, parent.labels[label]) for label in labels[cut:]}
    keys |= {"replace": replaced} if replaced else {}
    keys |= {"set": {label: fields for label, fields in changed.items() if fields}}
    if not keys["set"]:
        del keys["set"]
    keys |= _own(files, parent)
    keys |= {"define": files.define} if files.define else {}
    order = list(keys)
    chance.shuffle(order)
    top = {"backbone": "child", **{key: keys[key] for key in order}}
    return Case({**parent.files, **files.operators, "child": top}, "child", {}, parent.classes)


def _apart(labels: dict[str, Labelled], chance: random.Random) -> list[str]:
    """Some of the labels, none inside another: what is replaced takes what it holds with it."""
    known = list(labels)
    chance.shuffle(known)
    chosen: list[str] = []
    for label in known[:4]:
        around = [
            one for one in chosen if label in labels[one].inside or one in labels[label].inside
        ]
        chosen += [] if around else [label]
    return chosen


def _replacement(files: Files, old: Labelled) -> Text:
    """An item or a body that keeps the shape; of a child's own text, so with no variables."""
    scope = Scope(files, "section", ())
    flows = tuple(replace(flow) for flow in old.flows)
    if files.sometimes(0.3):
        return act(scope, flows)
    return keep(scope, flows, 2)


def _changes(files: Files, old: Labelled) -> dict[str, Text]:
    legal = SETTABLE.get(old.word, {})
    return {name: files.one_of(values) for name, values in legal.items() if files.sometimes(0.5)}


def _own(files: Files, parent: Case) -> dict[str, Text]:
    keys: dict[str, Text] = {}
    if files.sometimes(0.4):
        keys |= _deeper(files, parent)
    if files.sometimes(0.3):
        keys["classes"] = files.one_of([1, 3])
    if files.sometimes(0.3):
        word, fields = files.one_of(list(DEFAULTS.items()))
        keys["defaults"] = {word: fields}
    if files.sometimes(0.2):
        keys["drop_path"] = 0.2
    return keys


def _deeper(files: Files, parent: Case) -> dict[str, Text]:
    """Other depths, where they bring no body into use that had no turn before."""
    keys = parent.files[parent.top]
    if any(word in place for place in (keys, *keys["stages"]) for word in ("cycle", "first")):
        return {}
    depths = [files.one_of(DEPTHS) if row["depth"] > 1 else 1 for row in keys["stages"]]
    same = len(set(depths)) == 1 and files.sometimes(0.5)
    return {"stages": {"depth": depths[0] if same else depths}}

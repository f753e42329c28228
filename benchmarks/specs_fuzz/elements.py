"""Elements: items that shapes do not depend on, or hardly; `ELEMENTS` leave the shape as it is.

Each function takes the scope and the flows, and gives the item as text; it raises NoChoiceError
where there is no such item.
"""

from __future__ import annotations

from benchmarks.specs_fuzz.scope import NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flow, Flows, divisors
from benchmarks.specs_fuzz.writing import TRUTHS, Item, need_maps, some, word_of, written

_ACTS = """
relu relu6 gelu gelu_tanh silu sigmoid tanh hardswish hardsigmoid leaky_relu elu softplus mish
"""
ACTS = _ACTS.split()
SMALL = [1e-8, 1e-6, 1e-5, 0.001, 1]


def act(scope: Scope, flows: Flows) -> Text:
    if scope.files.sometimes(0.15):
        return {"leaky_relu": scope.word(flows, [0, 0.01, 0.2, -1.5])}
    return scope.word(flows, ACTS)


def norm(scope: Scope, flows: Flows) -> Text:
    word = scope.files.one_of(["layer_norm", "batch_norm", "group_norm", "rms_norm", "affine"])
    pick = {name: word_of(*values)(scope, flows) for name, values in NORM_FIELDS[word].items()}
    fields = some(scope, pick)
    if word == "group_norm":
        fields["groups"] = scope.value(flows, _groups)
    return written(word, fields, "groups", scope)


def _groups(flow: Flow) -> list[int]:
    """Numbers of groups that hold more than one value each."""
    alone = flow.grid in (None, (1, 1)) and not flow.tokens
    return [n for n in divisors(flow.channels) if not alone or n < flow.channels]


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
    need_maps(flows)
    word = scope.files.one_of(["avg_pool", "max_pool"])
    fields: dict[str, Text] = {"size": 3, "stride": 1, "padding": 1}
    if word == "avg_pool":
        fields |= some(scope, {"count_padding": word_of(*TRUTHS)(scope, flows)})
    return {word: fields}


ELEMENTS: tuple[Item, ...] = (act, norm, scale, dropping, shuffle, position, pool)

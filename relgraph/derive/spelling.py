"""An operator as the text of a spec: the inverse of reading one.

In: an `Operator`. Out: its property sections in the shortest form (what is not written has the
language's default), and whole operator files. `resolve_operator` of the text is the operator again.
A rank word that carries a body has no text here: an `Operator` does not hold the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relgraph.algebra.operator import (
    BiasShare,
    Channel,
    Operator,
    Predictor,
    Rank,
    Size,
    Space,
    Weight,
)
from relgraph.derive.flow import Value, flow, sentence

Path = tuple[str, ...]
"""Where a property stands: `("space", "size")`, `("channel", "rank", "inner")`, `("bias",)`."""
Spelled = dict[Path, Value]

ORDER = ("space", "channel", "weight", "bias", "frame")
PREDICTED = ("pooled", "center")


def spelled(operator: Operator) -> Spelled:
    """Every property that has to be written, by its path."""
    return {path: value for path, value in written(operator).items() if not _is_usual(path, value)}


def written(operator: Operator) -> Spelled:
    """Every property that could be written, with the value that says what the operator is."""
    space, weight, frame = operator.space, operator.weight, operator.frame
    found: Spelled = {
        **_space(space, weight),
        **_channel(operator.channel),
        **_weight(weight),
        ("bias",): "usual" if operator.bias == usual_bias(operator) else _bias(operator.bias),
        ("frame", "value"): frame.value,
        ("frame", "output"): frame.output,
        ("frame", "value_bias"): frame.value_bias,
        ("frame", "output_bias"): frame.output_bias,
    }
    return found


def _bias(bias: BiasShare) -> Value:
    return False if bias == "none" else bias


def usual_bias(operator: Operator) -> BiasShare:
    """The bias of an operator that writes none, as `relgraph.resolve` reads it."""
    if operator.frame.output:
        return "none"
    full = operator.space.connect == "full" and operator.channel.connect != "groups"
    if operator.weight.source != "static" or not full:
        return "channels"
    return "positions" if operator.channel.connect == "separate" else "both"


def _space(space: Space, weight: Weight) -> Spelled:
    border = "zero" if weight.normalize == "none" else "mask"
    sized = space.connect in ("local", "window", "grid", "stripe", "outlook")
    found: Spelled = {
        ("space", "connect"): space.connect,
        ("space", "size"): _sides(space.size) if sized else 0,
        ("space", "stride"): _sides(space.stride),
        ("space", "step"): _sides(space.step),
        ("space", "dilation"): _sides(space.dilation),
        ("space", "shift"): _sides(space.shift),
        ("space", "halo"): _sides(space.halo),
        ("space", "along"): space.along,
        ("space", "share"): space.share,
        ("space", "border"): "usual" if space.border == border else space.border,
        ("space", "padding"): (
            space.padding if isinstance(space.padding, str) else _sides(space.padding)
        ),
        ("space", "pad"): space.pad,
    }
    return {**found, **_rank("space", space.rank)}


def _sides(size: Size) -> Value:
    return size[0] if size[0] == size[1] else size


def _rank(axis: str, rank: Rank | None) -> Spelled:
    if rank is None:
        return {}
    values: dict[str, Value] = {"separable": True, "scales": rank.numbers}
    first = rank.numbers[0] if rank.numbers else ()  # a map that a body reduces has no number
    return {(axis, "rank", rank.word): values.get(rank.word, first)}


def _channel(channel: Channel) -> Spelled:
    found: Spelled = {
        ("channel", "connect"): channel.connect,
        ("channel", "size"): channel.size if channel.connect == "local" else 0,
        ("channel", "groups"): channel.groups if channel.connect == "groups" else 0,
        ("channel", "share"): "none" if channel.share == "heads" else channel.share,
        ("channel", "heads"): channel.heads if channel.share == "heads" else 0,
    }
    return {**found, **_rank("channel", channel.rank)}


def _weight(weight: Weight) -> Spelled:
    predictor = weight.predictor or Predictor()
    if predictor.experts is not None:  # says the whole predictor
        predictor = Predictor(experts=predictor.experts)
    return {
        ("weight", "dynamic"): "" if weight.source in ("static", "fixed") else weight.source,
        ("weight", "fixed"): weight.fixed or "",
        ("weight", "offset"): _sides(weight.offset),
        ("weight", "normalize"): weight.normalize,
        ("weight", "position"): weight.position,
        ("weight", "reduction"): predictor.reduction or 0,
        ("weight", "experts"): predictor.experts or 0,
        ("weight", "extent"): weight.extent,
        ("weight", "qkv_bias"): weight.qkv_bias,
        ("weight", "score"): weight.score,
        ("weight", "kv_heads"): weight.kv_heads or 0,
        ("weight", "key_bias"): weight.key_bias,
        ("weight", "talking_heads"): weight.talking_heads,
        ("weight", "hidden"): weight.hidden,
        ("weight", "temperature"): weight.temperature,
        ("weight", "predictor", "bias"): predictor.bias,
        ("weight", "predictor", "norm"): predictor.norm,
        ("weight", "predictor", "act"): predictor.act,
    }


_USUAL: Mapping[Path, Value] = {
    **written(Operator()),
    ("weight", "predictor", "act"): "relu",
}


def _is_usual(path: Path, value: Value) -> bool:
    return path in _USUAL and _USUAL[path] == value and type(_USUAL[path]) is type(value)


def usual(path: Path) -> Value | None:
    """The value of a property that is not written, where the language has one."""
    return _USUAL.get(path)


def sections(properties: Mapping[Path, Value]) -> dict[str, Value]:
    """Properties by path as the nested sections of a file."""
    made: dict[str, dict[str, Value]] = {}
    plain: dict[str, Value] = {}
    for (section, *inner), value in properties.items():
        if not inner:
            plain[section] = value
            continue
        table = made.setdefault(section, {})
        if len(inner) == 1:
            table[inner[0]] = value
        else:
            deeper = dict(table.get(inner[0], {}))  # type: ignore[arg-type]
            table[inner[0]] = {**deeper, inner[1]: value}
    found: dict[str, Value] = {**made, **plain}
    # A file says its space or its channels; a point that reads all channels says that.
    if not {"space", "channel"} & found.keys():
        found["space"] = {"connect": "point"}
    return {section: found[section] for section in ORDER if section in found}


def spell(
    operator: Operator,
    name: str,
    cite: str = "",
    params: Mapping[Path, tuple[str, Value]] | None = None,
) -> str:
    """The text of the operator's file. `params` are properties that a use may set: by path, the
    parameter's name and its default, which are written instead of the operator's own value."""
    params = params or {}
    properties = spelled(operator)
    assert () not in properties.values(), "the body of a rank word has no text here"
    for path, (parameter, _) in params.items():
        properties[path] = f"${parameter}"
    lines = [f"operator: {name}"]
    if cite:
        lines.append(sentence("cite", cite))
    if params:
        lines.append(f"params: {flow(dict(params.values()))}")
    lines += [f"{section + ':':<9}{flow(value)}" for section, value in sections(properties).items()]
    return "\n".join(lines) + "\n"


def with_predictor(operator: Operator, predictor: Predictor | None = None) -> Operator:
    """A node's operator, which forgets how weights are predicted, as one that a file can say."""
    if operator.weight.source not in PREDICTED:
        return operator
    return replace(operator, weight=replace(operator.weight, predictor=predictor or Predictor()))

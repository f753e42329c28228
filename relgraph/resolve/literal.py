"""A resolved backbone as plain data, and back: lossless, canonical, the source of its hash.

In: a `resolved.Backbone`. Out: dicts, lists and scalars that JSON and a Python literal can hold.
A dict's `node` names a node's type; a field that has the type's own default is left out. Blocks
that repeat are written once: the last `period` of the listed ones go on until `depth` is reached.
`parse(dump(x)) == x`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any, TypeAlias

from relgraph import resolved
from relgraph.algebra.operator import Channel, Frame, Operator, Predictor, Rank, Space, Weight
from relgraph.files import sha256
from relgraph.resolved import Argument, Backbone, Body, Stage

Data: TypeAlias = "int | float | bool | str | list[Data] | dict[str, Data] | None"

NODES: Mapping[str, type[Any]] = {
    "element": resolved.Element,
    "operator": resolved.OperatorUse,
    "scope": resolved.Scope,
    "residual": resolved.Residual,
    "branches": resolved.Branches,
    "split": resolved.Split,
    "tap": resolved.Tap,
}
KINDS: Mapping[type[Any], str] = {node: kind for kind, node in NODES.items()}
# Fields that hold one value of a known type.
VALUES: Mapping[str, type[Any]] = {
    "operator": Operator,
    "space": Space,
    "channel": Channel,
    "weight": Weight,
    "frame": Frame,
    "rank": Rank,
    "predictor": Predictor,
}
BODIES = frozenset(("body", "shortcut", "reduce", "between"))
UNSEEN = frozenset(("place", "init_place"))  # where it was written is not part of a value
# Fields of elements that came when files had been emitted: where the default holds, they are left
# out, so that a spec without them keeps its hash.
LATER: Mapping[str, Mapping[str, Argument]] = {"layer_norm": {"init": 1.0}}


def dump(backbone: Backbone) -> dict[str, Data]:
    """The backbone as plain data."""
    data = {name: _value(name, value) for name, value in _fields(backbone) if name != "stages"}
    data["stages"] = [_stage(stage) for stage in backbone.stages]
    return data


def parse(data: Mapping[str, Any]) -> Backbone:
    """The backbone that `dump` made `data` of.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    known = {name: _parse(name, value) for name, value in data.items() if name != "stages"}
    return Backbone(**known, stages=tuple(_parse_stage(stage) for stage in data["stages"]))


def digest(backbone: Backbone) -> str:
    """The hexadecimal SHA-256 of the backbone's canonical JSON."""
    return sha256(json.dumps(dump(backbone), sort_keys=True, separators=(",", ":")))


def dump_node(node: resolved.Node) -> dict[str, Data]:
    """One node as plain data."""
    plain = _without_later(node) if isinstance(node, resolved.Element) else node
    return {"node": KINDS[type(node)], **{n: _value(n, v) for n, v in _fields(plain)}}


def parse_node(data: Mapping[str, Any]) -> resolved.Node:
    """The node that `dump_node` made `data` of."""
    made = NODES[data["node"]]
    node: resolved.Node = made(**{n: _parse(n, v) for n, v in data.items() if n != "node"})
    return _with_later(node) if isinstance(node, resolved.Element) else node


def _without_later(element: resolved.Element) -> resolved.Element:
    later = LATER.get(element.word, {}).items()
    kept = tuple(one for one in element.arguments if one not in later)
    return replace(element, arguments=kept) if later else element


def _with_later(element: resolved.Element) -> resolved.Element:
    later = LATER.get(element.word, {})
    arguments = tuple(sorted({**later, **dict(element.arguments)}.items()))
    return replace(element, arguments=arguments) if later else element


def _stage(stage: Stage) -> dict[str, Data]:
    listed, period = repeating(stage.blocks)
    data: dict[str, Data] = {"channels": stage.channels, "depth": len(stage.blocks)}
    data["period"] = period
    data["blocks"] = [_body(block) for block in stage.blocks[:listed]]
    if stage.downsample:
        data["downsample"] = _body(stage.downsample)
    if stage.after:
        data["after"] = _body(stage.after)
    return data


def _parse_stage(data: Mapping[str, Any]) -> Stage:
    blocks = [_parse_body(block) for block in data["blocks"]]
    while len(blocks) < data["depth"]:
        blocks.append(blocks[-data["period"]])
    return Stage(
        channels=data["channels"],
        blocks=tuple(blocks),
        downsample=_parse_body(data.get("downsample", ())),
        after=_parse_body(data.get("after", ())),
    )


def repeating(blocks: Sequence[Body]) -> tuple[int, int]:
    """How many blocks to list, and of how many of them the rest is a repetition: the fewest, then
    the shortest period."""
    return min(
        (max(period, _first_repeated(blocks, period)), period)
        for period in range(1, max(len(blocks), 1) + 1)
    )


def _first_repeated(blocks: Sequence[Body], period: int) -> int:
    """The least n such that blocks[i] == blocks[i - period] for all i ≥ n."""
    n = len(blocks)
    while n > period and blocks[n - 1] == blocks[n - 1 - period]:
        n -= 1
    return n


def _fields(value: Any) -> list[tuple[str, Any]]:
    """The fields that say something: those of the value itself, defaults left out."""
    assert is_dataclass(value) and not isinstance(value, type)
    return [
        (field.name, getattr(value, field.name))
        for field in fields(value)
        if field.name not in UNSEEN and not _is_default(field, getattr(value, field.name))
    ]


def _is_default(field: Any, value: Any) -> bool:
    if field.default is not MISSING:
        return type(value) is type(field.default) and value == field.default
    return field.default_factory is not MISSING and value == field.default_factory()


def _value(name: str, value: Any) -> Data:
    if name in BODIES and isinstance(value, tuple):
        return _body(value)
    if name == "branches":
        return [_body(branch) for branch in value]
    if name == "arguments":
        return {key: _plain(argument) for key, argument in value}
    if name in ("stem", "head"):
        return _body(value)
    if is_dataclass(value):
        return {inner: _value(inner, v) for inner, v in _fields(value)}
    return _plain(value)


def _plain(value: Any) -> Data:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    assert value is None or isinstance(value, int | float | bool | str)
    return value


def _body(body: Body) -> list[Data]:
    return [dump_node(node) for node in body]


def _parse_body(data: Sequence[Mapping[str, Any]]) -> Body:
    return tuple(parse_node(node) for node in data)


def _parse(name: str, data: Any) -> Any:
    if name in BODIES or name in ("stem", "head"):
        return _parse_body(data) if isinstance(data, list) else data
    if name == "branches":
        return tuple(_parse_body(branch) for branch in data)
    if name == "arguments":
        return tuple((key, _tupled(value)) for key, value in data.items())
    if name in VALUES and isinstance(data, Mapping):
        return VALUES[name](**{inner: _parse(inner, value) for inner, value in data.items()})
    return _tupled(data)


def _tupled(data: Any) -> Any:
    return tuple(_tupled(item) for item in data) if isinstance(data, list) else data

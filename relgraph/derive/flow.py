"""YAML text of plain values and of nodes that were read: in flow style, on one line.

In: numbers, truths, words, lists, maps, or nodes of `relgraph.spec`. Out: text that the loader
reads as the same value. It must not know what the values mean.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import TypeAlias

from relgraph.spec.nodes import ListNode, MapNode, ScalarNode

Value: TypeAlias = "int | float | bool | str | tuple[Value, ...] | Mapping[str, Value] | Written"
Written: TypeAlias = ScalarNode | ListNode | MapNode
"""A node of a file, to be written as it was read."""

_WORD = re.compile(r"[$A-Za-z_][A-Za-z0-9_.]*")
_TRUTHS = ("true", "false", "null")
_COLUMNS = 98


def flow(value: Value) -> str:
    """The value on one line.

    >>> flow({"size": (7, 5), "shift": "$shift", "pad": True})
    '{size: [7, 5], shift: $shift, pad: true}'
    """
    if isinstance(value, ScalarNode):
        return _quoted(str(value.value)) if value.quoted else _scalar(value.value)
    if isinstance(value, MapNode):
        return _map([(flow(key), flow(entry)) for key, entry in value.entries])
    if isinstance(value, Mapping):
        return _map([(key, flow(entry)) for key, entry in value.items()])
    if isinstance(value, ListNode):
        value = value.items
    if isinstance(value, tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def _map(entries: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in entries) + "}"


def _scalar(value: int | float | bool | str | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = _WORD.fullmatch(value) and value.lower() not in _TRUTHS
        return value if plain else _quoted(value)
    assert value is not None, "a value that is not there is not written"
    return repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def sentence(key: str, text: str) -> str:
    """`key: "text"`, broken at blanks where it is longer than a line.

    >>> sentence("cite", "Liu et al., Swin, ICCV 2021")
    'cite: "Liu et al., Swin, ICCV 2021"'
    """
    lines = textwrap.wrap(f"{key}: {_quoted(text)}", _COLUMNS, break_on_hyphens=False)
    return "\n  ".join(line for line in lines)

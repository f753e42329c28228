"""Plain data as a Python literal, wrapped for reading; the same data gives the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from relgraph.emit.text import WIDTH, literal


def data_text(value: object, indent: int = 0, used: int = 8) -> str:
    """`value` (mappings, lists, scalars) as source text; `used` columns stand before it."""
    flat = _flat(value)
    if indent + used + len(flat) <= WIDTH:
        return flat
    inner = " " * (indent + 4)
    if isinstance(value, Mapping):
        rows = [
            f"{inner}{literal(key)}: {data_text(item, indent + 4, len(literal(key)) + 3)},\n"
            for key, item in value.items()
        ]
        return "{\n" + "".join(rows) + " " * indent + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        rows = [f"{inner}{data_text(item, indent + 4, 1)},\n" for item in value]
        return "[\n" + "".join(rows) + " " * indent + "]"
    return _long_string(value, indent) if isinstance(value, str) else flat


def _long_string(text: str, indent: int) -> str:
    """A string over several lines, cut at spaces: adjacent literals are one string."""
    pieces = [""]
    for word in re.findall(r"\S*\s*", text):
        if len(literal(pieces[-1] + word)) + indent + 4 > WIDTH and pieces[-1]:
            pieces.append("")
        pieces[-1] += word
    inner = " " * (indent + 4)
    return "(\n" + "".join(f"{inner}{literal(piece)}\n" for piece in pieces) + " " * indent + ")"


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {_flat(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    return literal(value)

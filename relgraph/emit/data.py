"""Plain data as a Python literal, wrapped for reading; the same data gives the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from relgraph.emit.text import WIDTH, literal


def data_text(value: object, indent: int = 0, used: int = 8) -> str:
    """`value` (mappings, lists, scalars) as source text; `used` columns stand before it."""
    flat = _flat(value, max(WIDTH - indent - used, len("{}")))
    if flat is not None:
        return flat
    inner = " " * (indent + 4)
    if isinstance(value, Mapping):
        rows = [
            f"{inner}{literal(key)}: {data_text(item, indent + 4, len(literal(key)) + 3)},\n"
            for key, item in value.items()
        ]
        return "{\n" + "".join(rows) + " " * indent + "}"
    if isinstance(value, str) and " " in value:
        return _long_string(value, indent)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return literal(value)  # Nothing to wrap: deep inside a spec it stands beyond the margin.
    rows = [f"{inner}{data_text(item, indent + 4, 1)},\n" for item in value]
    return "[\n" + "".join(rows) + " " * indent + "]"


def _flat(value: object, room: int) -> str | None:
    """`value` on one line, or None as soon as it does not fit into `room` columns."""
    if isinstance(value, Mapping):
        return _joined([(f"{literal(key)}: ", item) for key, item in value.items()], "{}", room)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _joined([("", item) for item in value], "[]", room)
    text = literal(value)
    return text if len(text) <= room else None


def _joined(items: list[tuple[str, object]], brackets: str, room: int) -> str | None:
    parts: list[str] = []
    left = room - len(brackets)
    for prefix, item in items:
        left -= len(prefix) + (len(", ") if parts else 0)
        text = _flat(item, left)
        if text is None:
            return None
        left -= len(text)
        parts.append(prefix + text)
    return f"{brackets[0]}{', '.join(parts)}{brackets[1]}"


def _long_string(text: str, indent: int) -> str:
    """A string over several lines, cut at spaces: adjacent literals are one string."""
    pieces = [""]
    for word in re.findall(r"\S*\s*", text):
        if len(literal(pieces[-1] + word)) + indent + 4 > WIDTH and pieces[-1]:
            pieces.append("")
        pieces[-1] += word
    inner = " " * (indent + 4)
    return "(\n" + "".join(f"{inner}{literal(piece)}\n" for piece in pieces) + " " * indent + ")"

"""Plain data as a Python literal, wrapped for reading; the same data gives the same text."""

from __future__ import annotations

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
    return flat  # A long string: one line, since splitting it would hide what it is.


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {_flat(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    return literal(value)

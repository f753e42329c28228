"""Plain data as a Python literal, wrapped for reading; the same data gives the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relgraph.emit.text import WIDTH, literal

DEEPEST = 60  # Columns of indent from which on a value stands by itself, above.


def data_constant(name: str, value: object) -> str:
    """The statement `NAME = value`; before it, as NAME_1, NAME_2, ..., what lies too deep in it
    for a line to hold."""
    parts: list[str] = []
    text = _Text(name, parts).of(value, 0, len(name) + 3)
    return "\n".join([*parts, f"{name} = {text}"])


@dataclass(frozen=True)
class _Text:
    """Writes one constant; `parts` are the statements that must stand before it."""

    name: str
    parts: list[str]

    def of(self, value: object, indent: int, used: int) -> str:
        """`value` (mappings, lists, scalars) as source text; `used` columns stand before it."""
        flat = _flat(value, max(WIDTH - indent - used, len("{}")))
        if flat is not None:
            return flat
        if isinstance(value, str) and " " in value:
            return _long_string(value, indent)
        if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
            return literal(value)  # Nothing to wrap: a long word stands beyond the margin.
        if indent > DEEPEST:
            return self._apart(value)
        return self._rows(value, indent)

    def _rows(self, value: Mapping[str, object] | Sequence[object], indent: int) -> str:
        inner, end = " " * (indent + 4), " " * indent
        if isinstance(value, Mapping):
            keys = [f"{literal(key)}: " for key in value]
            items = list(value.values())
        else:
            keys, items = [""] * len(value), list(value)
        rows = "".join(
            f"{inner}{key}{self.of(item, indent + 4, len(key) + 1)},\n"
            for key, item in zip(keys, items, strict=True)
        )
        return f"{{\n{rows}{end}}}" if isinstance(value, Mapping) else f"[\n{rows}{end}]"

    def _apart(self, value: Mapping[str, object] | Sequence[object]) -> str:
        """The name of a constant of its own; equal values share one."""
        text = self.of(value, 0, len(self.name) + len("_99 = "))
        known = [part.partition(" = ") for part in self.parts]
        same = [name for name, _, own in known if own == text]
        if same:
            return same[0]
        name = f"{self.name}_{len(self.parts) + 1}"
        self.parts.append(f"{name} = {text}")
        return name


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
    if left < 0:
        return None
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

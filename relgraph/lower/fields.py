"""The fields of an element, read with the types that the language promised."""

from __future__ import annotations

from relgraph.lower.module import Argument
from relgraph.resolved import Argument as Value

Arguments = tuple[tuple[str, Argument], ...]


def number(value: Value) -> float:
    """A real number; whole ones too, but not a truth."""
    assert isinstance(value, int | float) and not isinstance(value, bool), value
    return float(value)


def whole(value: Value) -> int:
    """A whole number."""
    assert isinstance(value, int) and not isinstance(value, bool), value
    return value


def flag(value: Value) -> bool:
    """True or false."""
    assert isinstance(value, bool), value
    return value


def pair(value: Value) -> tuple[int, int]:
    """Rows and columns, written as one number where they are equal."""
    if isinstance(value, tuple):
        rows, columns = value
        return whole(rows), whole(columns)
    return whole(value), whole(value)

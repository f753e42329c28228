"""`--numbers kernel=3,5,7`: which sizes and counts edits may write.

In: words of the command line. Out: `Numbers`. Kinds that are not named keep their generic value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from relgraph.errors import Problem, RelgraphError, nearest
from relgraph.relations.numbers import GENERIC, KINDS, Numbers

_SIZES = ("kernel", "dilation", "window", "shift", "grid")
_ZERO = ("shift",)
"""Kinds of which 0 is a value."""


def numbers(words: Iterable[str]) -> Numbers:
    """The numbers that `KIND=VALUE,VALUE,…` words say. Raises RelgraphError with all mistakes.

    A size is `7` or `7x5`, coarse factors of `scales` are `2+4`.
    """
    said: dict[str, Any] = {}
    problems: list[Problem] = []
    for word in words:
        kind, equals, values = word.partition("=")
        if kind not in KINDS or not equals:
            expected = "KIND=VALUE,VALUE,…"
            problems.append(Problem("bad-numbers", repr(word), expected, nearest(kind, KINDS)))
            continue
        try:
            said[kind] = tuple(sorted({_value(kind, text) for text in values.split(",")}))
        except ValueError:
            problems.append(Problem("bad-numbers", repr(word), f"{kind}={_example(kind)}"))
    if problems:
        raise RelgraphError(problems)
    return replace(GENERIC, **said)


def _value(kind: str, text: str) -> Any:
    """One value of a kind. Raises ValueError."""
    if kind == "along":
        if text not in ("rows", "columns"):
            raise ValueError
        return text
    if kind == "scales":
        return tuple(_count(kind, part) for part in text.split("+"))
    if kind in _SIZES:
        sides = [_count(kind, part) for part in text.split("x")]
        if len(sides) > 2:
            raise ValueError
        return (sides[0], sides[-1])
    return _count(kind, text)


def _count(kind: str, text: str) -> int:
    count = int(text)
    if count < (0 if kind in _ZERO else 1):
        raise ValueError
    return count


def _example(kind: str) -> str:
    examples = {"along": "rows,columns", "scales": "2,2+4"}
    return examples.get(kind, "3,5,7x5" if kind in _SIZES else "2,4")

"""What every answer can do, and how its parts are said.

In: numbers and words. Out: tables and short forms. It must not know what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from relgraph.assemble.cost import Cost
from relgraph.graph.cost import Setting


@dataclass(frozen=True)
class Table:
    """Rows under headers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    title: str = ""


class Answer(Protocol):
    """What a question gives."""

    def lines(self) -> Iterable[str]:
        """Sentences, in reading order."""

    def tables(self) -> Iterable[Table]:
        """What is best read in columns."""

    def to_json(self) -> Mapping[str, Any]:
        """The same facts as plain data."""


def amount(number: int) -> str:
    """A count as it stands, thousands separated."""
    return f"{number:,}"


def short(number: int) -> str:
    """A count in three digits: 4.49G, 28.3M, 960."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("K", 10**3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def listed(words: Sequence[str], shown: int = 4) -> str:
    """The first words, and how many more there are."""
    more = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more


def plural(number: int, noun: str) -> str:
    """`1 edit`, `1,149 paths`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def cost_json(cost: Cost | None) -> dict[str, int] | None:
    """Parameters and multiply-adds as plain data."""
    return None if cost is None else {"parameters": cost.parameters, "macs": cost.macs}


def setting_json(setting: Setting | None) -> dict[str, object] | None:
    """Where costs were counted, as plain data."""
    return None if setting is None else {"channels": setting.channels, "map": list(setting.grid)}

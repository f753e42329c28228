"""Mutants that are the same function, and mutants that nobody notices: each with its reason.

In: nothing. Out: reasons by mistake, or by `family:mistake` where it is one family's. A reason says
why no input tells the two files apart (`EQUAL`), or what it would take to notice (`SURVIVORS`).
"""

from __future__ import annotations

EQUAL: dict[str, str] = {}

SURVIVORS: dict[str, str] = {}


def reason(table: dict[str, str], family: str, mistake: str) -> str | None:
    """The reason for a mistake in a family, if there is one."""
    return table.get(f"{family}:{mistake}", table.get(mistake))

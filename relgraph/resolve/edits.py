"""`replace` and `set`: addresses, what they match, and which of several wins.

In: the edits of every file of an `extends` chain. Asked for an item with its names and the places
around it, out comes the edit that applies, at one level of the chain. An edit of level n sees what
was written below n: what the same file writes is final.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from relgraph.errors import Place, nearest
from relgraph.resolve.findings import Findings
from relgraph.resolve.scope import Home
from relgraph.spec.nodes import MapNode, Node

Trail = tuple[frozenset[str], ...]  # the names of the places around an item, outermost first


@dataclass(frozen=True)
class Edit:
    """One entry of `replace` or `set`."""

    kind: Literal["replace", "set"]
    address: tuple[str, ...]
    node: Node
    home: Home
    place: Place
    number: int  # counts hits in `Findings.hits`

    @property
    def text(self) -> str:
        """The address as it is written."""
        return ".".join(self.address)

    def matches(self, names: frozenset[str], trail: Trail) -> bool:
        """Whether the item of these names, inside these places, is addressed: its own name last,
        the places before it in order, others between them allowed."""
        *places, name = self.address
        if name not in names:
            return False
        around = iter(trail)
        return all(any(place in here for here in around) for place in places)


@dataclass(frozen=True)
class Hit:
    """An edit and how many items of the model it changed."""

    kind: Literal["replace", "set"]
    address: str
    count: int
    place: Place


def edits_of(
    kind: Literal["replace", "set"], table: MapNode | None, home: Home, start: int
) -> tuple[Edit, ...]:
    """The edits that one file writes, numbered from `start`."""
    if table is None:
        return ()
    return tuple(
        Edit(kind, tuple(str(key.value).split(".")), value, home, key.place, start + number)
        for number, (key, value) in enumerate(table.entries)
    )


def strongest(matching: Iterable[Edit], what: str, findings: Findings) -> Edit | None:
    """The most specific edit, the one that names most places. Reports a tie."""
    ranked = sorted(matching, key=lambda edit: -len(edit.address))
    if not ranked:
        return None
    best = ranked[0]
    rival = next((e for e in ranked[1:] if len(e.address) == len(best.address)), None)
    if rival is not None:
        findings.refuse(
            "address-tie",
            rival.place,
            f"{best.text} and {rival.text} both address {what}",
            "expected one that is more specific",
            "put a place before one of them: stage2.…, or a label",
            related=(best.place,),
        )
    return best


def check_hits(edits: Iterable[Edit], top: int, findings: Findings) -> tuple[Hit, ...]:
    """What each edit of the top file hit; one that hit nothing is reported with near addresses."""
    own = [edit for edit in edits if edit.home.level == top]
    for edit in own:
        if not findings.hits[edit.number]:
            findings.refuse(
                "no-such-address",
                edit.place,
                f"{edit.kind}: {edit.text} addresses nothing that was inherited",
                hint=nearest(edit.text, _near(edit, findings.addresses)),
            )
    return tuple(Hit(e.kind, e.text, findings.hits[e.number], e.place) for e in own)


def _near(edit: Edit, known: set[str]) -> set[str]:
    """Addresses to suggest: whole ones where the edit names places, else bare names."""
    if len(edit.address) == 1:
        return {address for address in known if "." not in address}
    return {address for address in known if "." in address}

"""What the walk over bodies carries along: the shared context, and the spot it stands at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from relgraph.algebra.starts import Start
from relgraph.errors import Place
from relgraph.resolve.edits import Edit, Trail, strongest
from relgraph.resolve.findings import Findings
from relgraph.resolve.library import Library
from relgraph.resolve.operator_file import OperatorFile
from relgraph.resolve.scope import Env, Width
from relgraph.resolved import Body

MAX_NESTING = 40  # bodies inside bodies, definitions expanded: far beyond any model


@dataclass(frozen=True)
class Built:
    """Resolved nodes, and the width that leaves them (None: unknown, a problem was reported)."""

    nodes: Body
    width: Width


@dataclass(frozen=True)
class Context:
    """What one resolution shares. `top` is the level of the file that was asked for."""

    findings: Findings
    library: Library
    edits: tuple[Edit, ...] = ()
    top: int = 0
    classes: int = 1000
    operators: dict[Path, OperatorFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Spot:
    """Where in the model an item stands: the named places around it, the values tapped so far in
    this block or definition, the definitions and operators being expanded, how weights start."""

    trail: Trail = ()
    taps: dict[str, Width] = field(default_factory=dict)
    expanding: tuple[str, ...] = ()
    nesting: int = 0
    init: Start | None = None

    def inside(self, *names: str | None) -> Spot:
        """One level deeper, inside a place of these names (a label, a definition), if any."""
        known = frozenset(name for name in names if name is not None)
        trail = (*self.trail, known) if known else self.trail
        # Not `replace`, which takes three times as long: this is done for every item of a model.
        return Spot(trail, self.taps, self.expanding, self.nesting + 1, self.init)

    def expand(self, name: str) -> Spot:
        """Inside the expansion of a definition or operator: taps don't reach in."""
        return Spot(self.trail, {}, (*self.expanding, name), self.nesting, self.init)


def check_nesting(spot: Spot, place: Place, context: Context) -> None:
    """Refuse bodies nested beyond reason. Raises RefusedError."""
    if spot.nesting > MAX_NESTING:
        found = f"bodies nested deeper than {MAX_NESTING} levels, definitions expanded"
        raise context.findings.refuse("too-deep", place, found)


def replacement(names: frozenset[str], env: Env, spot: Spot, context: Context) -> Edit | None:
    """The `replace` edit that applies to an item of these names, of the lowest level above the
    item's own; its hit is counted."""
    for level in range(env.home.level + 1, context.top + 1):
        edit = strongest(
            _matching("replace", level, names, spot, context), _what(names), context.findings
        )
        if edit is not None:
            context.findings.hits[edit.number] += 1
            return edit
    return None


def settings(names: frozenset[str], env: Env, spot: Spot, context: Context) -> tuple[Edit, ...]:
    """The `set` edits that apply to an item of these names, the strongest last."""
    found: list[Edit] = []
    for level in range(env.home.level + 1, context.top + 1):
        matching = _matching("set", level, names, spot, context)
        found += sorted(matching, key=lambda edit: len(edit.address))
    return tuple(found)


def _matching(
    kind: str, level: int, names: frozenset[str], spot: Spot, context: Context
) -> list[Edit]:
    return [
        edit
        for edit in context.edits
        if edit.kind == kind and edit.home.level == level and edit.matches(names, spot.trail)
    ]


def _what(names: frozenset[str]) -> str:
    return " / ".join(sorted(names))


def note_addresses(names: frozenset[str], env: Env, spot: Spot, context: Context) -> None:
    """Remember what could have been addressed here, for the hint after an address that hit
    nothing."""
    if env.home.level == context.top:
        return
    context.findings.addresses.update(names)
    for place in set().union(*spot.trail):
        context.findings.addresses.update(f"{place}.{name}" for name in names)

"""One use of a word at one spot, as the builders of `structure`, `elements` and `operators` get it.

It also gathers the use's arguments: what the item writes, then what `set` edits change, then the
file's defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from relgraph.algebra.starts import Start
from relgraph.errors import Place
from relgraph.resolve.arguments import (
    Arguments,
    read_fields,
    with_defaults,
    written_arguments,
)
from relgraph.resolve.context import Built, Context, Spot, settings
from relgraph.resolve.edits import Edit
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.inits import ending_at_zero, started
from relgraph.resolve.items import Item
from relgraph.resolve.scope import Closure, Env, Width
from relgraph.resolve.values import Value, read
from relgraph.resolved import OperatorUse
from relgraph.spec.field import Field
from relgraph.spec.inits import INIT

Walk: TypeAlias = Callable[[Closure, Width, Spot, Context], Built]


@dataclass(frozen=True)
class OwnStart:
    """The rule of `init` that an item writes itself, and where."""

    rule: Start
    place: Place

    def around(self, spot: Spot) -> Spot:
        """The spot of an expansion whose items start so; `zeros` is its end's alone."""
        return spot if self.rule == "zeros" else replace(spot, init=self.rule)

    def ended(self, built: Built, what: str, findings: Findings) -> Built:
        """The expansion `built` of the item `what`, which ends at zero where the rule says so."""
        if self.rule != "zeros":
            return built
        return replace(built, nodes=ending_at_zero(built.nodes, what, self.place, findings))

    def told(self, built: Built) -> Built:
        """`built` with its operator's weights starting so."""
        nodes = (
            started(node, self.rule, self.place) if isinstance(node, OperatorUse) else node
            for node in built.nodes
        )
        return replace(built, nodes=tuple(nodes))


@dataclass(frozen=True)
class Use:
    """An item, what its names mean, the width that comes in, and where it stands. `walk` builds a
    body: the builders call it for the bodies among their arguments."""

    item: Item
    env: Env
    width: Width
    spot: Spot
    context: Context
    walk: Walk

    @property
    def findings(self) -> Findings:
        """Where problems are reported."""
        return self.context.findings

    @property
    def place(self) -> Place:
        """The word's own place."""
        return self.item.place

    @property
    def names(self) -> frozenset[str]:
        """What an address may call this item."""
        return names_of(self.item.word, self.item.label)

    def build(self, body: Closure, width: Width, *places: str | None) -> Built:
        """Build a body among the arguments; `places` name what it stands in, besides the label."""
        return self.walk(body, width, self.spot.inside(self.item.label, *places), self.context)

    def arguments(self, legal: Iterable[str], main: str | None) -> Arguments:
        """The arguments by field. Raises RefusedError."""
        names = tuple(legal)
        given = written_arguments(self.item, self.env, names, main, self.findings)
        for edit in settings(self.names, self.env, self.spot, self.context):
            given |= self._set(edit, names, main)
        return with_defaults(given, self.item.word, self.env)

    def values(self, fields: tuple[Field, ...], main: str | None) -> dict[str, Value]:
        """Every declared field's value. Raises RefusedError."""
        given = self.arguments((field.name for field in fields), main)
        return read_fields(self.item, fields, given, self.findings)

    def own_start(self, given: Arguments, params: Container[str] = ()) -> OwnStart | None:
        """The `init` among the arguments, taken out of them; None where there is none, or where it
        is a parameter's name. A refused one is told and left out: it changes no size."""
        written = None if INIT.name in params else given.pop(INIT.name, None)
        if written is None:
            return None
        try:
            rule = read(INIT, written, self.findings)
        except RefusedError:
            return None
        return OwnStart(cast("Start", rule), written.place)

    def _set(self, edit: Edit, names: tuple[str, ...], main: str | None) -> Arguments:
        self.findings.hits[edit.number] += 1
        changed = replace(self.item, value=edit.node, place=self.item.place)
        return written_arguments(changed, self.env.at_level(edit.home), names, main, self.findings)


def names_of(word: str, label: str | None) -> frozenset[str]:
    """The names under which an address finds an item."""
    return frozenset((word,) if label is None else (word, label))

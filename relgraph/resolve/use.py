"""One use of a word at one spot, as the builders of `structure`, `elements` and `operators` get it.

It also gathers the use's arguments: what the item writes, then what `set` edits change, then the
file's defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
from relgraph.resolve.findings import Findings
from relgraph.resolve.inits import ending_at_zero
from relgraph.resolve.items import Item
from relgraph.resolve.scope import Closure, Env, Width
from relgraph.resolve.values import Value, read
from relgraph.spec.field import Field
from relgraph.spec.inits import INIT

Walk: TypeAlias = Callable[[Closure, Width, Spot, Context], Built]


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

    def expand(self, body: Closure, spot: Spot, own: Closure | None) -> Built:
        """The expansion of a definition or operator that stands for `body`; `own` is the `init`
        of the use, which holds for everything inside that says nothing itself."""
        if own is None:
            return self.walk(body, self.width, spot, self.context)
        rule = self.start(own)
        if rule != "zeros":
            return self.walk(body, self.width, replace(spot, init=rule), self.context)
        built = self.walk(body, self.width, spot, self.context)
        nodes = ending_at_zero(built.nodes, self.item.word, own.place, self.findings)
        return replace(built, nodes=nodes)

    def start(self, written: Closure) -> Start:
        """The rule of an `init`. Raises RefusedError."""
        rule = read(INIT, written, self.findings)
        assert isinstance(rule, str | tuple)
        return cast("Start", rule)

    def _set(self, edit: Edit, names: tuple[str, ...], main: str | None) -> Arguments:
        self.findings.hits[edit.number] += 1
        changed = replace(self.item, value=edit.node, place=self.item.place)
        return written_arguments(changed, self.env.at_level(edit.home), names, main, self.findings)


def names_of(word: str, label: str | None) -> frozenset[str]:
    """The names under which an address finds an item."""
    return frozenset((word,) if label is None else (word, label))

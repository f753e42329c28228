"""The text of the backbone that variants are derived from: definitions, rows, items as written.

In: a backbone's name or path. Out: what its `extends` chain writes, merged, and ways to write parts
of it again with other items. Nothing here knows relations.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from relgraph.derive.flow import Value, flow
from relgraph.resolve.chain import Merged, chain_of, merge
from relgraph.resolve.findings import Findings
from relgraph.resolve.library import Library, find_spec
from relgraph.resolve.operator_file import read_operator, references
from relgraph.shipped import shipped
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode, plain
from relgraph.understanding import Understood, understand

Exchange = Callable[[Node | None], dict[str, Value]]
"""From what an item had behind its word to the item that stands there instead."""


@dataclass(frozen=True)
class Source:
    """A backbone as it was asked for (`word`), as it is written, and what it means."""

    word: str
    path: Path
    merged: Merged
    understood: Understood

    @property
    def name(self) -> str:
        """The backbone's own name."""
        return self.understood.resolution.backbone.name

    def extends(self, folder: Path) -> str:
        """How a file in `folder` names this backbone: a shipped one by its name, any other by the
        way to its file."""
        if shipped("backbones").get(self.name) == self.path:
            return self.name
        return Path(os.path.relpath(self.path.resolve(), folder.resolve())).as_posix()

    def operator(self, word: str) -> Path:
        """The file of an operator, as this backbone finds it."""
        return find_spec("operators", word, Library(), self.path.parent)

    def main(self, word: str) -> str | None:
        """The parameter that `word: value` fills."""
        return read_operator(self.operator(word), Library(), Findings()).main

    def default(self, word: str, parameter: str) -> Node | None:
        """What an operator's file says of a parameter that a use does not write."""
        file = read_operator(self.operator(word), Library(), Findings())
        return dict(file.params).get(parameter)

    @cached_property
    def bodies(self) -> tuple[Node, ...]:
        """Everything that blocks are made of: definitions, and what stages run."""
        written = [definition.body for definition in self.merged.definitions.values()]
        keys = ("block", "cycle", "first")
        written += [self.merged.keys[key][0] for key in keys if key in self.merged.keys]
        for row in self.merged.rows:
            written += [row.keys[key][0] for key in keys if key in row.keys]
        return tuple(written)

    def arguments(self, word: str) -> dict[str, Node]:
        """What the item writes behind the word, by parameter: nothing where the items of that word
        differ, since then nobody can say which one is meant."""
        found = [value for body in self.bodies for value in item_values(body, word)]
        if not found or any(_text(one) != _text(found[0]) for one in found):
            return {}
        value = found[0]
        if isinstance(value, MapNode):
            return {str(key.value): node for key, node in value.entries}
        main = self.main(word)
        return {} if value is None or main is None else {main: value}

    def variable(self, name: str, stage: int) -> Value | None:
        """The number of a stage's variable."""
        node = self.merged.rows[stage].variables.get(name)
        value = plain(node[0]) if node is not None else None
        return value if isinstance(value, int) else None

    def visible(self, node: Node) -> bool:
        """Whether `replace` may write the node: it names nothing but variables of stages."""
        rows = self.merged.rows
        known = {"in", "channels", "stride", *self.merged.params}
        names = {name for name, _ in references(node)} - known
        return all(name in row.variables for name in names for row in rows)


def source(word: str) -> Source:
    """The backbone of a shipped name or of a file. Raises RelgraphError with all its problems."""
    understood = understand(word)
    library = Library()
    path = find_spec("backbones", word, library, Path())
    merged = merge(chain_of(path, library), library, Findings())
    return Source(word, path, merged, understood)


def _text(node: Node | None) -> str:
    return "" if node is None else flow(node)


def item_values(node: Node, word: str) -> Iterator[Node | None]:
    """What stands behind every item of this word below `node`."""
    if isinstance(node, ScalarNode):
        if node.value == word and not node.quoted:
            yield None
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from item_values(item, word)
    else:
        for key, value in node.entries:
            if key.value == word:
                yield value
            elif key.value != "label":
                yield from item_values(value, word)


def exchanged(node: Node, word: str, exchange: Exchange) -> Value:
    """The node with other items in place of those of this word; labels stay."""
    if isinstance(node, ScalarNode):
        return exchange(None) if node.value == word and not node.quoted else node
    if isinstance(node, ListNode):
        return tuple(exchanged(item, word, exchange) for item in node.items)
    made: dict[str, Value] = {}
    for key, value in node.entries:
        if key.value != word:
            same = key.value == "label"
            made[str(key.value)] = value if same else exchanged(value, word, exchange)
            continue
        made.update(exchange(value))
    return made

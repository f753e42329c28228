"""Builds nodes from YAML events on an own stack, and refuses what a spec must not hold.

In: one event after the other. Out: `root`, and `problems` with a place each. It goes on after a
mistake wherever the next events still mean something, so that all mistakes are told at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from relgraph.errors import Place, Problem
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode
from relgraph.spec.scalars import NumberTooLargeError, scalar

MAX_DEPTH = 32
MAX_EVENTS = 20_000
SHOWN_LINE = 240  # a longer line is not printed below a problem: its caret would be off screen


class LimitReachedError(Exception):
    """Reading stops here: the problem is already listed, and going on could cost anything."""


class Lines:
    """Makes places: the line's text beside every line and column."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines = [line.replace("\t", " ") for line in re.split(r"\r\n|\r|\n", text)]

    def at(self, line: int, column: int, end: int | None = None) -> Place:
        """The place of a 0-based line and column; `end` is 0-based and exclusive."""
        text = self._lines[line] if line < len(self._lines) else ""
        shown = text if len(text) <= SHOWN_LINE else ""
        return Place(self.file, line + 1, column + 1, None if end is None else end + 1, shown)

    def span(self, start: Any, stop: Any) -> Place:
        """From one YAML mark to another; an end on another line is cut at the first line's end."""
        if stop.line == start.line:
            return self.at(start.line, start.column, max(stop.column, start.column + 1))
        return self.at(start.line, start.column, max(len(self._lines[start.line]), 1))


@dataclass
class _Open:
    """A map or list whose end has not come yet. `key` is a key that waits for its value."""

    start: Any
    is_map: bool
    entries: list[tuple[ScalarNode, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    seen: dict[str, ScalarNode] = field(default_factory=dict)
    key: ScalarNode | None = None


class Builder:
    """Feed it every event of a stream; read `root` and `problems` afterwards."""

    def __init__(self, lines: Lines) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._lines = lines
        self._stack: list[_Open] = []
        self._events = 0
        self._documents = 0

    def feed(self, event: yaml.Event) -> None:
        """Take one event. Raises LimitReachedError where reading on makes no sense."""
        self._events += 1
        if self._events > MAX_EVENTS:
            self._stop(event, "too-large", f"more than {MAX_EVENTS:,} values and brackets")
        if isinstance(event, yaml.DocumentStartEvent):
            self._document(event)
        elif isinstance(event, yaml.AliasEvent):
            self._report(event, "alias", f"the alias *{event.anchor}", "write the value again")
            self._add(self._nothing(event))
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_decoration(event)
            self._add(self._scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._closed(self._stack.pop(), event))

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(
                event, "several-documents", "a second document", "expected one spec in one file"
            )
        if event.version or event.tags:
            self._report(event, "directive", "a YAML directive", "none is understood here")

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        self._refuse_decoration(event)
        if len(self._stack) >= MAX_DEPTH:
            self._stop(event, "too-deep", f"nested deeper than {MAX_DEPTH} levels")
        self._stack.append(_Open(event.start_mark, isinstance(event, yaml.MappingStartEvent)))

    def _closed(self, done: _Open, event: yaml.Event) -> Node:
        place = self._lines.span(done.start, event.end_mark)
        if done.is_map:
            return MapNode(tuple(done.entries), place)
        return ListNode(tuple(done.items), place)

    def _add(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        top = self._stack[-1]
        if not top.is_map:
            top.items.append(node)
        elif top.key is None:
            top.key = self._key(node, top)
        else:
            top.entries.append((top.key, node))
            top.key = None

    def _key(self, node: Node, owner: _Open) -> ScalarNode:
        if not isinstance(node, ScalarNode):
            self.problems.append(
                Problem("bad-key", "a list or map as a key", "keys are names", place=node.place)
            )
            return ScalarNode(None, node.place)
        if node.value == "<<" and not node.quoted:
            self.problems.append(
                Problem("merge-key", "a merge key", "write its fields out", place=node.place)
            )
            return node
        name = str(node.value)
        first = owner.seen.setdefault(name, node)
        if first is not node:
            found = f"the key {name} stands here a second time"
            self.problems.append(
                Problem("duplicate-key", found, place=node.place, related=(first.place,))
            )
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        place = self._lines.span(event.start_mark, event.end_mark)
        if event.style:  # None or empty (libyaml) where it is plain
            return ScalarNode(event.value, place, quoted=True)
        try:
            return ScalarNode(scalar(event.value), place)
        except NumberTooLargeError:
            self._report(event, "too-large", "a number beyond 64 bits")
            return ScalarNode(0, place)

    def _nothing(self, event: yaml.Event) -> ScalarNode:
        return ScalarNode(None, self._lines.span(event.start_mark, event.end_mark))

    def _refuse_decoration(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._report(event, "anchor", f"the anchor &{event.anchor}", "use `define` or params")
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._report(event, "tag", f"the tag {shown}", "values have no tags here")

    def _report(self, event: yaml.Event, code: str, found: str, expected: str = "") -> None:
        place = self._lines.span(event.start_mark, event.end_mark)
        self.problems.append(Problem(code, found, expected, place=place))

    def _stop(self, event: yaml.Event, code: str, found: str, expected: str = "") -> None:
        self._report(event, code, found, expected)
        raise LimitReachedError

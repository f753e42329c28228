"""What a YAML file is to us: maps, lists and scalars that each know where they stand.

Values only. Anchors, tags and merge keys don't exist here: the loader refuses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from relgraph.errors import Place

Plain: TypeAlias = "int | float | bool | str | list[Plain] | dict[str, Plain] | None"


@dataclass(frozen=True)
class ScalarNode:
    """One value; `quoted` tells a written string ('4') from a number (4)."""

    value: int | float | bool | str | None
    place: Place
    quoted: bool = False


@dataclass(frozen=True)
class ListNode:
    """A sequence, in the file's order."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True)
class MapNode:
    """A mapping with scalar keys, in the file's order; no key stands twice."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    place: Place

    def get(self, name: str) -> Node | None:
        """The value of key `name`, or None where the file has no such key."""
        return next((value for key, value in self.entries if key.value == name), None)

    def key(self, name: str) -> ScalarNode | None:
        """The node of key `name` itself, for places."""
        return next((key for key, _ in self.entries if key.value == name), None)

    def __iter__(self) -> Iterator[tuple[ScalarNode, Node]]:
        return iter(self.entries)


Node: TypeAlias = ScalarNode | ListNode | MapNode


def plain(node: Node) -> Plain:
    """The node as dicts, lists and scalars. The loader bounds the depth."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {str(key.value): plain(value) for key, value in node.entries}

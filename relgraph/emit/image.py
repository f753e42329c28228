"""How far the image's channels reach: what reads them, and how many times their number.

Goes in: the body of a class that reads the image. Comes out: for every module of it the width that
it reads, as a multiple of `in_chans`, as long as that is what the spec means: a layer that mixes
channels has a width of its own, also where the two numbers happen to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from relgraph.assemble.naming import is_module
from relgraph.lower import lower
from relgraph.lower.module import Module
from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split

OUTWARD = frozenset(("out_dim", "out_features", "out_channels"))
"""Arguments that a layer's own width is, where it has one."""


@dataclass(frozen=True)
class Reach:
    """A module reads `reads` times the image's channels, and makes `makes` times as many; 0 where
    the number is one of the spec's."""

    reads: int = 0
    makes: int = 0


def image_reach(body: Body) -> Mapping[int, Reach]:
    """Of every module of `body` that reads the image's channels, by its identity."""
    walk = _Walk()
    walk.body(body, 1)
    return walk.found


@dataclass
class _Walk:
    """One pass; `times` is the width of the value at hand, in images."""

    found: dict[int, Reach] = field(default_factory=dict)
    taps: dict[str, int] = field(default_factory=dict)

    def body(self, body: Body, times: int) -> int:
        for node in body:
            makes = self._node(node, times)
            if times and isinstance(node, Connect | Element | Scope) and is_module(node):
                self.found[id(node)] = Reach(times, makes)
            times = makes
        return times

    def _node(self, node: Node, times: int) -> int:
        if isinstance(node, Element):
            return _after_element(node, times)
        if isinstance(node, Connect):
            return 0 if _has_own_width(node) else times
        if isinstance(node, Scope):
            return _Walk().body(node.body, times)
        if isinstance(node, Residual):
            return self._residual(node, times)
        if isinstance(node, Branches):
            return _combined(node.combine, [self.body(one, times) for one in node.branches])
        if isinstance(node, Split):
            return 0
        if node.word == "from":
            return self.taps.get(node.name, 0)
        self.taps[node.name] = times
        return times

    def _residual(self, node: Residual, times: int) -> int:
        ends = tuple(item for item in (node.scale, node.drop_path) if item is not None)
        inside = self.body((*node.body, *ends), times)
        if node.shortcut is None:
            return inside
        return _combined("sum", [inside, self.body(node.shortcut, times)])


def _after_element(node: Element, times: int) -> int:
    if node.word == "classifier":
        return 0
    return times * (node.output.channels // node.input.channels)  # space_to_depth has more


def _has_own_width(node: Connect) -> bool:
    if node.connection.operator.channel.connect == "separate":
        return False
    lowered = lower(node)
    return isinstance(lowered, Module) and any(name in OUTWARD for name, _ in lowered.arguments)


def _combined(combine: Literal["sum", "product", "concat"], widths: list[int]) -> int:
    if not all(widths):
        return 0
    if combine == "concat":
        return sum(widths)
    return widths[0] if len(set(widths)) == 1 else 0

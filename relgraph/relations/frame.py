"""Relations of what stands around a core: projections, gates, branches, and their removal.

In: a node. Out: edits with their neutral elements: a projection that is the identity, a gate that
is 1 (by its bias), a branch that is 0. They are no relations of W, and only made where asked for. A
gate or a branch is put around an operator, not around a term that has one, so that closures end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Channel, Operator, Space, Weight
from relgraph.relations.composite import composed
from relgraph.relations.node import IDENTITY, Composite, Node
from relgraph.relations.relation import Edit

_POINT = Space("point", share="positions")
GATE = Operator(_POINT, bias="none")
"""x ⊙ (A x + b): a gate from the own position."""
POOLED_GATE = canonical(
    Operator(_POINT, Channel("separate"), Weight("pooled", "sigmoid"), "none")
).operator
"""A gate from the mean does not depend on the position: a link, as in squeeze-and-excitation."""
BRANCH = GATE


@dataclass(frozen=True)
class FrameRelation:
    """A row, as `relation.Relation`, on nodes of every kind: `steps` yields before, after, node."""

    name: str
    steps: Callable[[Node], Iterator[tuple[str, str, Node]]]
    law: str
    cite: str


def wrap_projection(node: Node) -> Iterator[tuple[str, str, Node]]:
    """core → core with value projection."""
    yield from _projections(node, True)


def unwrap_projection(node: Node) -> Iterator[tuple[str, str, Node]]:
    """core with output projection → core."""
    yield from _projections(node, False)


def _projections(node: Node, there: bool) -> Iterator[tuple[str, str, Node]]:
    if not isinstance(node, Operator):
        return
    for name in ("value", "output"):
        if getattr(node.frame, name) != there:
            frame = replace(node.frame, **{name: there})
            words = ("core", f"core with {name} projection")
            before, after = words if there else words[::-1]
            yield before, after, replace(node, frame=frame)


def gate(node: Node) -> Iterator[tuple[str, str, Node]]:
    """core → core times a gate."""
    if isinstance(node, Operator) and node != IDENTITY:
        yield "core", "core times a gate of its own position", composed("product", (node, GATE))
        yield "core", "core, then a gate from the mean", composed("chain", (node, POOLED_GATE))


def branch(node: Node) -> Iterator[tuple[str, str, Node]]:
    """core → core plus a point."""
    if isinstance(node, Operator) and node not in (IDENTITY, BRANCH):
        yield "core", "core plus a point", composed("sum", (node, BRANCH))


def ungate(node: Node) -> Iterator[tuple[str, str, Node]]:
    """core times a gate → core."""
    yield from _without(node, "product", GATE, "core times a gate of its own position")
    yield from _without(node, "chain", POOLED_GATE, "core, then a gate from the mean")


def unbranch(node: Node) -> Iterator[tuple[str, str, Node]]:
    """core plus a point → core."""
    yield from _without(node, "sum", BRANCH, "core plus a point")


def _without(node: Node, kind: str, part: Node, words: str) -> Iterator[tuple[str, str, Node]]:
    if isinstance(node, Composite) and node.kind == kind and part in node.parts:
        at = len(node.parts) - 1 - node.parts[::-1].index(part)
        yield words, "core", composed(node.kind, (*node.parts[:at], *node.parts[at + 1 :]))


_UP = "up: the projection may be the identity"
FRAMES: tuple[FrameRelation, ...] = (
    FrameRelation("wrap", wrap_projection, _UP, "Vaswani et al., NeurIPS 2017"),
    FrameRelation(
        "unwrap", unwrap_projection, "down: it was the identity", "Vaswani et al., NeurIPS 2017"
    ),
    FrameRelation("gate", gate, "up: the gate may be 1", "Hu et al., CVPR 2018"),
    FrameRelation("ungate", ungate, "down", "Hu et al., CVPR 2018"),
    FrameRelation("branch", branch, "up: the branch may be 0", "Szegedy et al., CVPR 2015"),
    FrameRelation("unbranch", unbranch, "down", "Szegedy et al., CVPR 2015"),
)


def frame_edits(node: Node) -> Iterator[Edit]:
    """The edits of what stands around a node."""
    for row in FRAMES:
        for before, after, target in row.steps(node):
            yield Edit(row.name, "frame", before, after, target)

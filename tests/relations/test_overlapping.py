"""Windows that overlap: graphs of roots that have them, the order computed, weights carried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.operator import Border, Channel, Operator, Space, Weight
from relgraph.graph.closure import closure
from relgraph.graph.numbering import only_numbers, own_numbers
from relgraph.graph.universe import count
from relgraph.relations.derivation import derivation
from relgraph.relations.families import family
from relgraph.relations.keys import node_of_key
from relgraph.relations.node import core
from relgraph.relations.numbers import GENERIC, OVERLAP
from relgraph.relations.order import compare
from relgraph.relations.table import edits
from relgraph.relations.weights import carries
from relgraph.relations.words import describe_node, key
from relgraph.transfer.every_edge.run import Edge, run
from relgraph.transfer.every_edge.table import problems
from tests.relations.listed import MLP

OWN = Channel("separate")
VOLO = Weight("center", "softmax")


def outlook(size: int = 3, step: int = 1, border: Border = "zero") -> Space:
    return Space("outlook", (size, size), share="windows", border=border, step=(step, step))


def local(size: int) -> Space:
    return Space("local", (size, size), share="positions")


def atom(space: Space, weight: Weight | None = None) -> Operator:
    return core(Operator(space, OWN, weight or Weight()))


def test_a_graph_has_them_where_a_root_has_them() -> None:
    root = family(atom(outlook(border="mask"), VOLO))
    numbers = own_numbers(GENERIC, (root,))
    assert numbers == replace(GENERIC, outlook=(OVERLAP,))
    assert numbers.families
    nodes = closure((root,)).nodes
    assert len(closure((MLP,)).nodes) < len(nodes) <= count((root,), numbers)
    assert MLP in nodes
    assert all(node_of_key(key(node)) == node for node in nodes)


def test_names_and_words() -> None:
    volo = atom(outlook(3, 2, "zero"), VOLO)
    assert key(volo) == "outlook3x3.windows.zero.e2x2-separate-center.softmax"
    assert node_of_key(key(volo)) == volo
    assert describe_node(family(volo)).startswith("overlapping windows over space, zeros outside")


def test_it_is_derived_from_mlp() -> None:
    goal = family(atom(outlook(border="mask"), VOLO))
    steps = derivation(goal)
    assert steps is not None
    assert steps[-1].target == goal
    assert ("move", "window", "outlook") in {(e.relation, e.before, e.after) for e in steps}


def test_kernels_and_windows_that_overlap_are_one_edit_apart() -> None:
    """What is shared over the map is called `positions` here and `windows` there."""
    one, other = atom(local(3)), atom(outlook())
    numbers = only_numbers((one, other))
    assert other in {edit.target for edit in edits(one, numbers)}
    assert one in {edit.target for edit in edits(other, numbers)}
    assert other not in {edit.target for edit in edits(one)}


def test_sizes_and_steps_are_numbers() -> None:
    nodes = [atom(outlook(3)), atom(outlook(3, 2)), atom(outlook(5))]
    numbers = only_numbers(nodes)
    assert numbers.outlook == ((3, 3, 1, 1), (3, 3, 2, 2), (5, 5, 1, 1))
    sizes = [e.target for e in edits(nodes[0], numbers) if e.relation == "resize"]
    assert sizes == [nodes[2]]


CENTER, POOLED, SOFT = Weight("center"), Weight("pooled"), Weight(normalize="softmax")


@pytest.mark.parametrize(
    ("one", "other", "direction", "carried"),
    [
        (atom(local(3)), atom(outlook()), "up", "embedding"),
        (atom(local(5)), atom(outlook()), "up", "embedding"),
        (atom(local(7)), atom(outlook()), "sideways", "projection"),
        (atom(local(3)), atom(outlook(3, 2)), "up", "embedding"),
        (atom(local(5)), atom(outlook(3, 2)), "sideways", "projection"),
        (atom(outlook()), atom(Space("local", (5, 5))), "up", "embedding"),
        (atom(outlook(3, 2)), atom(Space("local", (5, 5))), "up", "embedding"),
        (atom(outlook()), atom(outlook(5)), "up", "embedding"),
        (atom(Space("window", (3, 3), share="windows")), atom(outlook()), "sideways", "projection"),
        (atom(local(5), POOLED), atom(outlook(), POOLED), "up", "embedding"),
        (atom(local(5)), atom(outlook(), CENTER), "up", "embedding"),
        (atom(local(3), CENTER), atom(outlook(), CENTER), "up", "embedding"),
        (atom(local(5), CENTER), atom(outlook(), CENTER), "sideways", "projection"),
        (atom(local(3), CENTER), atom(outlook(3, 2), CENTER), "sideways", "projection"),
        (atom(outlook(3, 2), CENTER), atom(outlook(5, 2), CENTER), "up", "embedding"),
        (atom(outlook(), CENTER), atom(Space("local", (5, 5)), CENTER), "sideways", "projection"),
        (atom(outlook(), SOFT), atom(outlook(border="mask"), SOFT), "sideways", "none"),
        (atom(outlook(), SOFT), atom(outlook(), VOLO), "up", "embedding"),
        (atom(outlook(), VOLO), atom(outlook()), "sideways", "projection"),
        (atom(local(3), SOFT), atom(outlook(), SOFT), "sideways", "none"),
    ],
)
def test_what_lies_in_what(one: Operator, other: Operator, direction: str, carried: str) -> None:
    assert compare(one, other, instances=True).direction == direction
    assert carries(one, other, instances=True).kind == carried


def test_edges_do_what_they_say() -> None:
    """One edge of every kind to and from outlooks whose windows are read at their centres."""
    numbers = replace(GENERIC, outlook=(OVERLAP,))
    kinds: dict[tuple[str, ...], Edge] = {}
    for weight in (CENTER, VOLO):
        node = family(atom(outlook(border="mask"), weight))
        for there in edits(node, numbers):
            kinds.setdefault(
                (there.relation, there.before, there.after, weight.source),
                Edge(node, there.target, there.relation, there.axis, there.before, there.after),
            )
            for back in edits(there.target, numbers):
                if back.target == node and there.axis == "space":
                    kinds.setdefault(
                        (back.relation, back.before, back.after, weight.source),
                        Edge(there.target, node, back.relation, back.axis, back.before, back.after),
                    )
    rows = run(tuple(kinds.values()))
    assert list(problems(rows)) == []
    assert {row.verdict.found for row in rows} == {"embedding", "projection", "none"}

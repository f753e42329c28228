"""Closures: everything that edits reach, nothing else, named, and counted before it is made."""

from __future__ import annotations

import gc
import time

import pytest

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Channel, Operator, Size, Space, Weight
from relgraph.algebra.rules import check
from relgraph.errors import RelgraphError
from relgraph.graph.closure import TOLD, closure, families
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Names
from relgraph.graph.numbering import only_numbers, own_numbers
from relgraph.graph.style import usual
from relgraph.graph.universe import count
from relgraph.relations.derivation import MLP
from relgraph.relations.families import family
from relgraph.relations.frame import GATE, POOLED_GATE
from relgraph.relations.node import Composite, core
from relgraph.relations.numbers import GENERIC, KINDS, Numbers
from relgraph.relations.table import edits
from relgraph.relations.words import key


def squares(*sides: int) -> tuple[Size, ...]:
    return tuple((side, side) for side in sides)


SOME = Numbers(
    kernel=squares(3, 5),
    dilation=squares(1, 2),
    window=squares(4, 7),
    shift=squares(0, 2, 3),
    stripe=(1, 2, 4),
    grid=squares(2, 4),
    groups=(2, 4),
    heads=(2,),
    inner=(16,),
    reduce=(2,),
    tokens=(8, 16),
    scales=((2,), (2, 4)),
    extent=(1, 3),
    along=("rows", "columns"),
)


def test_edges_are_the_edits_and_lead_to_nodes(graph: RelationGraph) -> None:
    for at, node in enumerate(graph.nodes):
        found = {edit.words: graph.nodes[target] for target, edit in graph.edits(at)}
        assert found == {edit.words: edit.target for edit in edits(node)}


def test_every_node_is_consistent_canonical_and_a_family(graph: RelationGraph) -> None:
    for node in graph.nodes:
        assert isinstance(node, Operator)
        assert not check(node)
        assert canonical(node).operator == node
        assert family(node) == node
    assert len(set(graph.nodes)) == len(set(graph.keys)) == len(graph)


def test_every_core_of_the_shipped_specs_has_its_name(graph: RelationGraph, names: Names) -> None:
    for one in names.operators:
        form = family(one.core)
        varied = own_numbers(GENERIC, (form,)) != GENERIC
        if isinstance(one.core, Composite) or usual(form) != form or varied:
            # What is reached from mlp has the usual border, and no variant that only roots bring.
            assert one.name not in graph.named
            continue
        node = graph.nodes[graph.named[one.name]]
        assert node == family(one.core)
    cites = {title.name: title.cite for titles in graph.titles.values() for title in titles}
    assert cites["depthwise_conv"].startswith("Howard et al.")


def test_it_is_the_same_every_time(graph: RelationGraph, names: Names) -> None:
    assert families(names.operators) == graph


def test_the_families_take_less_than_two_seconds() -> None:
    began = time.process_time()
    closure((MLP,))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "numbers", [GENERIC, SOME, Numbers(kernel=((1, 1), (1, 3), (3, 1)), heads=(1, 2))]
)
def test_the_count_is_exact(numbers: Numbers) -> None:
    assert len(closure((MLP,), numbers)) == count((MLP,), numbers)


ROOTS = (
    Operator(Space("window", size=(7, 7), shift=(3, 3), border="wrap"), Channel("separate")),
    Operator(Space("local", size=(4, 4), stride=(4, 4), padding=(0, 0), share="positions")),
    Operator(Space("local", size=(3, 3), border="reflect", share="positions")),
    Operator(Space("window", size=(4, 4), pad=True), Channel("separate")),
    Operator(Space("local", size=(3, 3), border="mask"), Channel("separate"), Weight("fixed")),
)


@pytest.mark.parametrize("root", ROOTS)
def test_the_count_is_a_bound_for_every_style(root: Operator) -> None:
    weight = Weight("fixed", fixed="average") if root.weight.source == "fixed" else root.weight
    start = core(Operator(root.space, root.channel, weight))
    graph = closure((start,), SOME)
    assert len(graph) <= count((start,), SOME) <= 1.2 * len(graph)


def test_a_graph_over_the_limit_is_refused_with_its_size() -> None:
    huge = Numbers(kernel=squares(*range(3, 400)), dilation=squares(*range(1, 40)))
    began = time.process_time()
    with pytest.raises(RelgraphError) as refused:
        closure((MLP,), huge)
    assert time.process_time() - began < 5, "it was counted, not made"
    (problem,) = refused.value.problems
    possible = count((MLP,), huge)
    assert problem.code == "too-many-nodes"
    assert f"{possible:,} nodes" in problem.found
    assert f"--limit {possible}" in problem.hint


def test_frames_count_what_a_gate_becomes() -> None:
    """A core beside a gate may become the identity, and then the gate is the core."""
    few = Numbers(
        **{name: () for name in KINDS if name != "normal"},  # type: ignore[arg-type]
        normal=("none",),
    )
    alone = len(closure((MLP,), few))
    gated = len(closure((MLP, GATE, POOLED_GATE), few))
    assert gated > alone
    assert count((MLP,), few, frames=True) >= 4 * gated + 3 * 4 * gated * gated


def test_frames_multiply() -> None:
    cores = count((MLP,))
    assert count((MLP,), frames=True) == 4 * cores + 3 * 4 * cores * cores
    with pytest.raises(RelgraphError, match="too-many-nodes"):
        closure((MLP,), frames=True)


def test_roots_add_their_own_numbers() -> None:
    root = core(Operator(Space("local", size=(9, 9), share="positions"), Channel("separate")))
    graph = closure((root,), Numbers(kernel=squares(5)))
    assert graph.numbers.kernel == squares(5, 9)
    assert graph.roots == (key(root),)
    assert own_numbers(GENERIC, (MLP,)) == GENERIC


def test_a_path_writes_the_numbers_of_its_ends_only() -> None:
    root = core(Operator(Space("local", size=(9, 9), share="positions"), Channel("separate")))
    assert only_numbers((root,)).kernel == squares(9)
    assert only_numbers((root,)).window == GENERIC.window
    assert only_numbers((root,)).dilation == squares(1)


def test_progress_tells_how_far_it_went() -> None:
    told: list[tuple[int, int]] = []
    found = closure([MLP], progress=lambda done, most: told.append((done, most)))
    assert [done for done, _ in told] == list(range(0, len(found), TOLD))
    assert {most for _, most in told} == {count([MLP])}


def test_an_interrupted_closure_leaves_the_collector_on() -> None:
    def stop(done: int, most: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        closure([MLP], progress=stop)
    assert gc.isenabled()

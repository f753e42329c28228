"""What edges say of weights is what happens: a slice of all edges, one of every kind at least.

`benchmarks/every_edge.py` judges all of them; its table is `docs/every_edge.md`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.relations.frame import FRAMES
from relgraph.relations.node import Node, as_given
from relgraph.relations.numbers import ASIDE, BAND, GENERIC, VARIANTS, Numbers
from relgraph.relations.order import compare
from relgraph.relations.table import RELATIONS, edits
from relgraph.relations.weights import ROWS
from relgraph.transfer.every_edge import judge as judging
from relgraph.transfer.every_edge.run import Edge, family_edges, frame_edges, judge_edge, run
from relgraph.transfer.every_edge.table import page, problems, table

EDITED = ("tie keys", "untie keys", "mix heads", "part heads")
VARIED = ("change score", "change position", *EDITED, "widen", "narrow")
EDGES = family_edges()
FRAMED = frame_edges([EDGES[0].source, EDGES[len(EDGES) // 2].source])


def kind(edge: Edge) -> tuple[str, str, str, str]:
    return edge.relation, edge.axis, edge.before, edge.after


def a_slice() -> tuple[Edge, ...]:
    """For every kind of edit the edge in the middle of its own: always the same ones."""
    kinds: dict[tuple[str, ...], list[Edge]] = {}
    for edge in (*EDGES, *FRAMED):
        kinds.setdefault(kind(edge), []).append(edge)
    return tuple(edges[len(edges) // 2] for edges in kinds.values())


def test_the_slice_has_every_relation() -> None:
    met = {(edge.relation, edge.axis) for edge in a_slice()}
    families = {
        (row.name, row.axis)
        for row in RELATIONS
        if row.property != "number" and row.name not in VARIED
    }  # families have no numbers, one way to compare queries with keys, and biases for positions
    assert met == families | {(row.name, "frame") for row in FRAMES}


def varied() -> tuple[Edge, ...]:
    """Edges to and from values that families do not have: sums of magnitudes, cosines, bands,
    windows that read around themselves, shifts, keys that heads share. Of every kind one that each
    row of the table stands for, from nodes of the slice."""
    variants: dict[str, Any] = {name: VARIANTS[name] for name in VARIANTS}
    words = replace(GENERIC, band=(BAND,), **variants)
    numbers = replace(words, halo=((0, 0), ASIDE), offset=(ASIDE,), keys=(None, 1))
    found: dict[tuple[str, ...], Edge] = {}
    sources = [edge.source for edge in a_slice() if isinstance(edge.source, Operator)]
    there = [edge for node in sources for edge in _edits(node, numbers) if _is_new(edge.target)]
    back = [edge for one in there for edge in _edits(one.target, numbers)]
    for edge in (*there, *back[::5]):
        found.setdefault((edge.relation, row_of(edge), _source(edge.target)), edge)
    return tuple(found.values())


def _edits(node: Node, numbers: Numbers) -> list[Edge]:
    found = [
        Edge(node, e.target, e.relation, e.axis, e.before, e.after) for e in edits(node, numbers)
    ]
    return [edge for edge in found if isinstance(edge.target, Operator)]


def _is_new(node: Node) -> bool:
    assert isinstance(node, Operator)
    of_channels = node.channel.connect == "local" or node.weight.source == "channels"
    elsewhere = node.space.halo != (0, 0) or node.weight.fixed == "shift"
    named = node.weight.normalize == "l1" or node.weight.score == "cosine"
    named = named or node.weight.talking_heads != "none" or node.weight.kv_heads is not None
    return named or of_channels or elsewhere


def _source(node: Node) -> str:
    assert isinstance(node, Operator)
    return node.weight.source


def row_of(edge: Edge) -> str:
    """The words of the row that stands for an edge; none where it is exact or one of terms."""
    a, b = edge.source, edge.target
    if not (isinstance(a, Operator) and isinstance(b, Operator)):
        return ""
    if compare(a, b, instances=True).direction in ("up", "equal"):
        return ""
    return next(row.reason for row in ROWS if row.fits(as_given(a), b))


def test_values_that_families_do_not_have() -> None:
    edges = varied()
    words = {word for edge in edges for word in (edge.before, edge.after)}
    assert {"l1", "cosine", "dot", "pair by cosine", "local", "channels"} <= words
    assert {"halo", "given shift", "continuous", "rotary", "one for each head"} <= words
    assert list(problems(run(edges))) == []


def of_talking_heads() -> tuple[Edge, ...]:
    """Edges of heads that talk: all from a window's logits and weights, one for each word of those
    that end there."""
    heads, found = Channel("separate", share="heads", heads=2), {}
    words = {name: VARIANTS[name] for name in ("normal", "positions", "talking")}
    numbers = replace(GENERIC, **words)
    space = Space("window", (2, 2), border="mask")
    for how in ("none", "logits", "weights", "both"):
        weight = Weight("pair", "softmax", "relative", talking_heads=how)
        for edge in _edits(Operator(space, heads, weight, "none"), numbers):
            known = found.setdefault((edge.relation, row_of(edge), how), edge)
            if "both" in (how, edge.target.weight.talking_heads) and known is not edge:
                found[edge.relation, edge.after, how] = edge
    return tuple(found.values())


def test_what_becomes_of_talking_heads() -> None:
    assert list(problems(run(of_talking_heads()))) == []


def small_frames() -> tuple[Edge, ...]:
    """What the rows say that no edge of the families meets."""
    attention = Operator(
        Space("window", (2, 2), border="mask"),
        Channel("separate", share="heads", heads=2),
        Weight("pair", "softmax"),
        "none",
    )
    framed = replace(attention, frame=Frame(value=True, output=True))
    kernel = Operator(Space("local", (3, 3), share="positions"), Channel("separate"), bias="none")
    strided = replace(kernel, space=replace(kernel.space, stride=(2, 2)))
    windows = Operator(Space("outlook", (3, 3), share="windows"), Channel("separate"), bias="none")
    apart = replace(windows, space=replace(windows.space, step=(2, 2)))
    pairs = [(framed, attention), (strided, kernel)]
    shared, tied = (
        replace(one, weight=Weight("pair", "softmax", kv_heads=1)) for one in (attention, framed)
    )
    pairs += [(framed, tied), (shared, tied), (tied, framed), (tied, shared), (kernel, tied)]
    for weight in (Weight("center"), Weight(normalize="softmax")):
        pairs.append((replace(windows, weight=weight), replace(apart, weight=weight)))
    return tuple(Edge(one, other, "", "", "", "") for one, other in pairs)


def over_windows() -> tuple[Edge, ...]:
    """What a row says of windows that overlap, and of such that stand elsewhere, which families do
    not have."""
    outlook = Operator(
        Space("outlook", (3, 3), share="windows", border="mask"), Channel("separate"), bias="none"
    )
    soft = replace(outlook, weight=Weight(normalize="softmax"))
    zeros = replace(outlook, space=replace(outlook.space, border="zero"), weight=Weight("center"))
    apart = replace(zeros, space=replace(zeros.space, step=(2, 2)))
    bare = replace(outlook, space=replace(outlook.space, border="zero"))
    return Edge(bare, soft, "", "", "", ""), Edge(zeros, apart, "", "", "", "")


def test_every_row_of_the_table_is_walked() -> None:
    """What a row says happens, at one edge of it at least; and no row stands for none."""
    edges = (*varied(), *EDGES[::31], *small_frames(), *over_windows())
    chosen = {row_of(edge): edge for edge in edges}
    del chosen[""]
    assert set(chosen) == {row.reason for row in ROWS}
    assert list(problems(run(tuple(chosen.values())))) == []


def test_edges_do_what_they_say() -> None:
    rows = run(a_slice())
    assert list(problems(rows)) == []
    found = {row.verdict.found for row in rows}
    assert found == {"embedding", "projection", "none"}


def an_edge(found: str) -> Edge:
    """The first edge of the slice of which this is true."""
    return next(edge for edge in a_slice() if judge_edge(edge).verdict.found == found)


@pytest.mark.parametrize("claim", ["projection", "none"])
def test_a_false_claim_is_noticed(claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge that is exact is said not to be, and weights that were made for it are spoilt."""
    edge = an_edge("embedding")
    carry = judging.carry

    def spoilt(*arguments):
        made = carry(*arguments)
        return replace(made, tensors={name: 1.1 * t for name, t in made.tensors.items()})

    with monkeypatch.context() as patch:
        patch.setattr(judging, "carry", spoilt)
        assert "outputs differ" in judge_edge(edge).verdict.problem
    with monkeypatch.context() as patch:
        patch.setattr(judging, "carry", lambda *a: replace(carry(*a), method=claim, reason="x"))
        assert "claimed not to be exact" in judge_edge(edge).verdict.problem


def test_weights_that_are_not_the_nearest_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = next(edge for edge in a_slice() if (judge_edge(edge).verdict.slope or 1) < judging.FLAT)
    carry = judging.carry

    def spoilt(*arguments):
        made = carry(*arguments)
        return replace(made, tensors={name: 1.1 * t for name, t in made.tensors.items()})

    monkeypatch.setattr(judging, "carry", spoilt)
    assert "not the nearest" in judge_edge(edge).verdict.problem


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, edges = tmp_path / "rows.jsonl", EDGES[:3]
    first = run(edges[:2], file)
    with file.open("a") as out:
        out.write('{"edge": "cut off')
    told: list[tuple[int, int]] = []
    rows = run(edges, file, told=lambda done, total: told.append((done, total)))
    assert rows[:2] == first and told == [(3, 3)]
    monkeypatch.setattr("relgraph.transfer.every_edge.run.judge", None)  # nothing is judged again
    assert run(edges, file) == rows
    lines = file.read_text().splitlines()
    assert [json.loads(line)["edge"] for line in lines[1:]] == [edge.name for edge in edges]
    file.write_text("\n".join(['{"relgraph": "another"}', *lines[1:]]) + "\n")
    with pytest.raises(TypeError):
        run(edges, file)


def test_the_table_counts_all() -> None:
    rows = run(EDGES[:6])
    last = table(rows).splitlines()[-1]
    assert last.startswith("| all | ") and "| 6 |" in last
    assert "do: none." in page(rows)
    false = replace(rows[0], verdict=replace(rows[0].verdict, problem="said: none"))
    assert list(problems([false])) == [f"{false.edge} (sparsify space): said: none"]
    assert "do: 1." in page([false])

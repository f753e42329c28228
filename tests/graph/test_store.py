"""Graphs on disk: what is loaded is what was saved, and what is damaged is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from relgraph.algebra.operator import Channel, Operator, Space, Weight
from relgraph.errors import RelgraphError
from relgraph.graph.closure import closure
from relgraph.graph.model import RelationGraph
from relgraph.graph.store import PARTS, load, save
from relgraph.relations.node import IDENTITY, Composite, core
from relgraph.relations.numbers import Numbers


def test_rows_have_every_part_of_an_operator() -> None:
    assert tuple(PARTS) == tuple(field.name for field in fields(Operator))


def test_families_survive(graph: RelationGraph, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    save(graph, path)
    again = load(path)
    assert again == graph
    assert again.titles == graph.titles
    save(again, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_instances_and_terms_survive(tmp_path: Path) -> None:
    dense = core(Operator(Space("point", share="positions")))
    window = core(
        Operator(
            Space("window", size=(7, 7), shift=(3, 3)),
            Channel("separate", share="heads", heads=3),
            Weight("pair", "softmax", "relative"),
        )
    )
    graph = closure((window,), Numbers(kernel=((3, 3), (5, 5)), extent=(1, 3)))
    roots = (*graph.nodes[:3], Composite("sum", (IDENTITY, Composite("chain", (window, dense)))))
    small = RelationGraph(
        nodes=roots,
        keys=("a", "b", "c", "d"),
        labels=graph.labels[:1],
        offsets=graph.offsets[:1] * 4 + graph.offsets[:1],
        targets=graph.targets[:0],
        marks=graph.marks[:0],
        titles={},
        numbers=graph.numbers,
        roots=("a",),
        frames=True,
    )
    for at, one in enumerate((graph, small)):
        save(one, tmp_path / f"{at}.json")
        assert load(tmp_path / f"{at}.json") == one


def _set(*where: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        *outer, last = where
        inner: Any = data
        for step in outer:
            inner = inner[step]
        inner[last] = to

    return change


DAMAGE = [
    _set("format", to="something else"),
    _set("version", to=99),
    _set("targets", 0, to=10**6),
    _set("targets", 0, to=-1),
    _set("marks", 0, to=10**6),
    _set("nodes", 0, to=[0, 0]),
    _set("nodes", 0, 0, to=10**6),
    _set("keys", 0, to="full.none-separate-static"),
    _set("roots", to=["no such node"]),
    _set("parts", "space", 0, "connect", to="everywhere"),
    _set("parts", "space", 0, "size", to=[3]),
    _set("parts", "weight", 0, to={"temperature": 1}),
    _set("numbers", "kernel", to=3),
    _set("degrees", 0, to=0),
    _set("names", "0", to=[["only a name", "a cite", "too much"]]),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told(
    graph: RelationGraph, tmp_path: Path, damage: Callable[[dict[str, Any]], None]
) -> None:
    path = tmp_path / "graph.json"
    save(graph, path)
    data = json.loads(path.read_text())
    damage(data)
    path.write_text(json.dumps(data))
    with pytest.raises(RelgraphError) as refused:
        load(path)
    assert refused.value.problems[0].code == "bad-graph-file"


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"format": "relgraph graph"}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "graph.json"
    path.write_text(text)
    with pytest.raises(RelgraphError, match="bad-graph-file"):
        load(path)
    with pytest.raises(RelgraphError, match="bad-graph-file"):
        load(tmp_path / "none.json")

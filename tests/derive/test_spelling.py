"""An operator's text means the operator: for every family, and for every shipped operator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relgraph.algebra.operator import Operator, Predictor, Rank, Space
from relgraph.derive.arguments import shipped_use
from relgraph.derive.flow import flow, sentence
from relgraph.derive.spelling import spell, with_predictor
from relgraph.graph.closure import families
from relgraph.resolve import resolve_operator
from relgraph.resolved import OperatorUse
from relgraph.shipped import shipped
from relgraph.spec.document import load
from relgraph.spec.nodes import MapNode, plain

USES = [
    made
    for name in shipped("operators")
    if isinstance(made := resolve_operator(name, 64), OperatorUse) and not made.reduce
]


def read_back(operator: Operator, folder: Path) -> Operator:
    path = folder / "own.yaml"
    path.write_text(spell(operator, "own", "A. Author, A Paper: its title, 2026"))
    made = resolve_operator(path, 64)
    assert isinstance(made, OperatorUse)
    return made.operator


@pytest.mark.slow
def test_every_family_is_read_back(tmp_path: Path) -> None:
    nodes = families().nodes
    assert len(nodes) > 1000
    for node in nodes:
        assert isinstance(node, Operator)
        for predictor in (None, Predictor(4, bias=True, norm="batch_norm", act="gelu")):
            operator = with_predictor(node, predictor)
            if predictor is None or operator != with_predictor(node):
                assert read_back(operator, tmp_path) == operator


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_shipped_operators_are_read_back(use: OperatorUse, tmp_path: Path) -> None:
    assert read_back(use.operator, tmp_path) == use.operator


@pytest.mark.parametrize("bias", ["none", "channels", "positions", "both"])
@pytest.mark.parametrize("connect", ["full", "point"])
def test_biases_are_read_back(bias: str, connect: str, tmp_path: Path) -> None:
    operator = Operator(Space(connect), bias=bias)  # type: ignore[arg-type]
    assert read_back(operator, tmp_path) == operator


@pytest.mark.parametrize(
    "space",
    [
        Space("local", (7, 5), stride=(2, 1), dilation=(2, 2), share="positions", border="reflect"),
        Space("local", (3, 3), padding="same_tf", share="positions"),
        Space("local", (4, 4), padding=(0, 0), stride=(4, 4), share="positions"),
        Space("window", (7, 7), shift=(3, 2), border="wrap", share="windows", pad=True),
        Space("stripe", (1, 2), along="columns"),
        Space("full", rank=Rank("tokens", (16,))),
        Space("local", (3, 3), share="positions", rank=Rank("scales", (2, 4))),
    ],
    ids=str,
)
def test_geometry_is_read_back(space: Space, tmp_path: Path) -> None:
    assert read_back(Operator(space), tmp_path) == Operator(space)


def test_what_is_not_written_has_its_default() -> None:
    operator = Operator(Space("local", (7, 7), share="positions"))
    assert spell(operator, "own") == (
        "operator: own\nspace:   {connect: local, size: 7, share: positions}\n"
    )


def test_a_body_of_a_rank_word_has_no_text() -> None:
    with pytest.raises(AssertionError):
        spell(Operator(Space("full", rank=Rank("reduce"))), "own")


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_shipped_operators_are_found_again(use: OperatorUse) -> None:
    found = shipped_use(use)
    assert found is not None
    again = resolve_operator(found.word, 64, use.out_channels, dict(found.arguments))  # type: ignore[arg-type]
    assert isinstance(again, OperatorUse)
    assert again.operator == use.operator


def test_an_operator_that_nobody_shipped_is_not_found() -> None:
    (use,) = (use for use in USES if use.name == "depthwise_conv")
    space = replace(use.operator.space, connect="axial", size=(1, 1))
    assert shipped_use(replace(use, operator=replace(use.operator, space=space))) is None


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": (1, 2), "c": {"d": True, "e": "word"}},
        {"a": "true", "b": "two words", "c": 'a "quote" \\', "d": "1e-3", "e": "", "f": "yes"},
        {"a": 1e-06, "b": 0.25, "c": -1, "d": (), "e": "$heads"},
    ],
    ids=str,
)
def test_flow_is_read_back(value: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "value.yaml"
    path.write_text(flow(value) + "\n")  # type: ignore[arg-type]
    root = load(path).root
    assert isinstance(root, MapNode)
    assert plain(root) == {
        key: list(entry) if isinstance(entry, tuple) else entry for key, entry in value.items()
    }
    again = tmp_path / "again.yaml"
    again.write_text(flow(root) + "\n")
    assert again.read_text() == path.read_text()


def test_long_sentences_are_read_back(tmp_path: Path) -> None:
    text = 'A "long" citation of many authors: their title, and more of it. ' * 4
    path = tmp_path / "value.yaml"
    path.write_text(sentence("cite", text.strip()) + "\n")
    assert max(map(len, path.read_text().splitlines())) <= 100
    root = load(path).root
    assert isinstance(root, MapNode)
    assert plain(root) == {"cite": text.strip()}

"""`path`, `neighbours`, `common`, `holes`, `where`: what a person and a pipe get, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relgraph.graph.closure import closure
from relgraph.graph.named import named_operators
from relgraph.graph.numbering import only_numbers
from relgraph.graph.store import save
from tests.cli.conftest import Command

MINE = "operator: mine\nspace: {connect: axial, share: positions}\nchannel: {connect: separate}\n"
QUESTIONS = (
    ("path", "mlp", "conv"),
    ("path", "mlp", "conv", "--families", "--ways", "2"),
    ("path", "local_attention", "depthwise_conv", "--size", "28", "--channels", "96", "--why"),
    ("path", "swin_fashion", "mixer_fashion"),
    ("neighbours", "squeeze_excite"),
    ("neighbours", "conv", "--instance", "--why"),
    ("common", "conv", "token_mlp"),
    ("holes", "--source", "center", "--near", "depthwise_conv", "--limit", "3"),
    ("where", "feed_forward"),
    ("where", "swin_fashion"),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_every_question_has_an_answer(relgraph: Command, question: tuple[str, ...]) -> None:
    ran = relgraph(*question)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.strip()
    assert "\x1b" not in ran.out
    as_json = relgraph(*question, "--json")
    assert (as_json.code, as_json.err) == (0, "")
    assert json.loads(as_json.out)["question"] == question[0]


@pytest.mark.parametrize(
    "question",
    [
        ("path", "swin_fashion", "dwnet_fashion", "--families"),
        ("path", "swin_fashion", "dwnet_fashion", "--channels", "64"),
        ("path", "swin_fashion", "dwnet_fashion", "--size", "8"),
        ("path", "swin_fashion", "dwnet_fashion", "--ways", "2"),
        ("path", "swin_fashion", "dwnet_fashion", "--graph", "saved"),
        ("path", "mlp", "conv", "--families", "--size", "8"),
        ("neighbours", "conv", "--channels", "64"),
        ("common", "conv", "mlp", "--limit", "9"),
        ("holes", "--within", "1"),
    ],
    ids=" ".join,
)
def test_options_that_would_say_nothing_are_refused(
    relgraph: Command, question: tuple[str, ...]
) -> None:
    ran = relgraph(*question)
    assert (ran.code, ran.out) == (2, "")
    option = next(word for word in question if word.startswith("--"))
    assert ran.err.startswith("option-says-nothing: --"), option


def test_backbones_tell_their_reasons(relgraph: Command) -> None:
    words = ("path", "swin_fashion", "dwnet_fashion")
    ran = relgraph(*words, "--why")
    assert ran.out.startswith(relgraph(*words).out)
    assert "order, because" in ran.out
    steps = json.loads(relgraph(*words, "--json").out)["steps"]
    assert all(step["why"] in ran.out and step["weights_why"] in ran.out for step in steps)


def test_one_s_own_operator_is_asked_about_like_any_other(relgraph: Command, folder: Path) -> None:
    (folder / "mine.yaml").write_text(MINE)
    for word in ("mine", "./mine.yaml"):
        found = json.loads(relgraph("path", word, "depthwise_conv", "--json").out)
        assert [step["edit"] for step in found["ways"][0]["steps"]] == [
            "move space: axial → local 7×7"
        ]
    found = json.loads(relgraph("where", "mine.yaml", "--json").out)
    (spot,) = found["operators"]
    assert spot["family"] == "axial.positions-separate-static"
    assert (spot["same"], spot["other_numbers"]) == ([], [])
    holes = json.loads(relgraph("holes", "--connect", "axial", "--limit", "999", "--json").out)
    assert spot["family"] not in [hole["key"] for hole in holes["holes"]], "it has a name now"


def test_one_s_own_backbone_is_put_into_the_graph(relgraph: Command, folder: Path) -> None:
    (folder / "ours.yaml").write_text(
        "backbone: ours\nextends: swin_fashion\nreplace: {local_attention: {mine: {}}}\n"
    )
    (folder / "mine.yaml").write_text(MINE)
    ran = relgraph("where", "ours.yaml", "--json")
    assert (ran.code, ran.err) == (0, ""), ran.out
    found = json.loads(ran.out)
    assert "axial.positions-separate-static" in [one["family"] for one in found["operators"]]
    ran = relgraph("path", "swin_fashion", "ours.yaml", "--json")
    assert (ran.code, ran.err) == (0, ""), ran.out
    path = json.loads(ran.out)
    assert ["local_attention", "mine"] in [[one["from"], one["to"]] for one in path["blocks"]]


def test_a_saved_graph_is_asked_by_keys(relgraph: Command, folder: Path) -> None:
    names = named_operators()
    roots = [one.core for one in names.operators if one.name in ("conv", "depthwise_conv")]
    graph = closure(roots, only_numbers(roots))
    save(graph, folder / "graph.json")
    first, second = graph.roots
    ran = relgraph("path", first, second, "--graph", "graph.json", "--json")
    assert json.loads(ran.out)["length"] == 2
    missing = relgraph("path", first, "mlpp", "--graph", "graph.json")
    assert missing.code == 2
    assert "did you mean mlp?" in missing.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("path", "swin_tinny", "conv"), "did you mean swin_tiny?"),
        (("path", "conv", "swin_tiny"), "two operators, or two backbones"),
        (("path", "conv", "none.yaml"), "none.yaml"),
        (("neighbours", "con"), "did you mean conv?"),
        (("holes", "--near", "depthwise_con"), "did you mean depthwise_conv?"),
        (("where", "conv_feed_foward"), "did you mean conv_feed_forward?"),
        (("path", "mlp", "conv", "--graph", "none.json"), "bad-graph-file"),
        (("path", "conv_feed_forward", "conv"), "made of several operators"),
        (("common", "conv_feed_forward", "conv"), "made of several operators"),
        (("neighbours", "swin_tiny"), "swin_tiny is a backbone"),
        (("common", "local_attention", "conv", "--instance", "--limit", "5"), "--limit"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_are_told(relgraph: Command, arguments: tuple[str, ...], said: str) -> None:
    ran = relgraph(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    as_json = relgraph(*arguments, "--json")
    assert as_json.code == 2
    assert json.loads(as_json.out)["problems"]


def test_a_wrong_value_of_a_property_lists_the_right_ones(relgraph: Command) -> None:
    ran = relgraph("holes", "--source", "banana")
    assert ran.code == 2
    assert "pooled" in ran.err


def test_a_broken_spec_beside_is_said_and_hides_nothing(relgraph: Command, folder: Path) -> None:
    (folder / "broken.yaml").write_text("operator: broken\nspace: {connect: sideways}\n")
    ran = relgraph("path", "mlp", "conv")
    assert ran.code == 0
    assert "broken.yaml" in ran.err
    assert relgraph("path", "broken", "conv").code == 2

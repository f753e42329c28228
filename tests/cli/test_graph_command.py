"""`graph`: the published figure, graphs as files and pictures, and every way to get it wrong."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import networkx
import pytest

from relgraph.cli.numbers import numbers
from relgraph.errors import RelgraphError
from relgraph.graph.picture import published_scene, svg
from relgraph.graph.published import published
from relgraph.graph.store import load
from relgraph.relations.numbers import GENERIC
from tests.cli.conftest import Command


def test_the_figure_in_words_and_as_data(relgraph: Command) -> None:
    ran = relgraph("graph", "--published")
    assert (ran.code, ran.err) == (0, "")
    assert "Conv. → Pyramid MS Conv.: Spatial LR" in ran.out
    assert "ResMLP (resmlp_12, one edit from here: share channel: none → all)" in ran.out
    data = json.loads(relgraph("graph", "--published", "--json").out)
    assert (len(data["nodes"]), len(data["arrows"])) == (12, 13)


def test_the_figure_as_a_picture(relgraph: Command, folder: Path) -> None:
    assert relgraph("graph", "--published", "-o", "figure.svg").code == 0
    assert (folder / "figure.svg").read_text("utf-8") == svg(published_scene(published()))


@pytest.mark.parametrize("name", ["g.json", "g.graphml"])
def test_a_neighbourhood_is_read_by_networkx(relgraph: Command, folder: Path, name: str) -> None:
    ran = relgraph("graph", "--around", "local_attention", "-o", name, "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    path = folder / name
    if name.endswith(".json"):
        read = networkx.node_link_graph(json.loads(path.read_text("utf-8")), edges="edges")
    else:
        read = networkx.read_graphml(path)
    assert (len(read), read.number_of_edges()) == (told["nodes"], told["edges"])
    assert told["files"] == [name]


@pytest.mark.parametrize(("name", "first"), [("g.dot", "digraph"), ("g.gv", "digraph")])
def test_the_ending_says_the_format(relgraph: Command, folder: Path, name: str, first: str) -> None:
    assert relgraph("graph", "--named-only", "-o", name).code == 0
    assert (folder / name).read_text("utf-8").startswith(first)


def test_the_format_may_be_said(relgraph: Command, folder: Path) -> None:
    assert relgraph("graph", "--named-only", "-o", "notes.md", "--format", "mmd").code == 0
    assert (folder / "notes.md").read_text("utf-8").startswith("flowchart")


@pytest.mark.parametrize(
    "options", [("--named-only",), ("--around", "conv"), ("--around", "conv", "--named-only")]
)
def test_pictures_of_graphs(relgraph: Command, folder: Path, options: tuple[str, ...]) -> None:
    assert relgraph("graph", *options, "-o", "g.svg").code == 0
    titles = {e.text for e in ET.parse(folder / "g.svg").iter("{http://www.w3.org/2000/svg}title")}
    assert "local.positions-full-static" in titles


def test_committed_families_are_a_fresh_drawing(relgraph: Command, folder: Path) -> None:
    committed = Path(__file__).resolve().parents[2] / "docs" / "figures" / "families.svg"
    assert relgraph("graph", "--named-only", "-o", "families.svg").code == 0
    fresh = "relgraph graph --named-only -o docs/figures/families.svg"
    assert (folder / "families.svg").read_bytes() == committed.read_bytes(), fresh


def test_own_operators_have_names_too(relgraph: Command, folder: Path) -> None:
    (folder / "stripes.yaml").write_text(
        "operator: stripes\nspace: {connect: stripe, size: 2, share: windows}\n"
        "channel: {connect: separate}\nweight: static\n"
    )
    ran = relgraph("graph", "--around", "stripes.yaml", "--json")
    assert ran.code == 0
    assert ["stripes"] in json.loads(ran.out)["named"].values()


def test_instances_by_numbers(relgraph: Command) -> None:
    options = ("--numbers", "kernel=3,5", "--numbers", "heads=2,4", "--json")
    families = json.loads(relgraph("graph", "--json").out)
    instances = json.loads(relgraph("graph", *options).out)
    assert instances["nodes"] > families["nodes"] > 1000


def test_near_an_instance_with_its_frame(relgraph: Command) -> None:
    """No closure is made for it: that of instances with frames has millions of nodes."""
    ran = relgraph("graph", "--around", "local_attention", "--frames", "--numbers", "heads=2,8")
    assert (ran.code, ran.err) == (0, "")
    assert "local_attention" in ran.out


def test_what_is_near_the_roots(relgraph: Command) -> None:
    """With edits of frames a whole closure is too large, and says what can be had of it."""
    ran = relgraph("graph", "conv", "mlp", "--frames", "--steps", "1", "--json")
    found = json.loads(ran.out)
    assert found["roots"] == ["local.positions-full-static", "full.none-full-static"]
    alone = json.loads(relgraph("graph", "conv", "--frames", "--steps", "1", "--json").out)
    assert 1 < alone["nodes"] < found["nodes"] < 100
    refused = relgraph("graph", "conv", "--frames")
    assert (refused.code, refused.out) == (2, "")
    assert "--steps 2" in refused.err


def test_near_a_term_and_near_a_key(relgraph: Command) -> None:
    assert relgraph("graph", "--around", "conv_feed_forward").code == 0
    unnamed = relgraph("graph", "--around", "axial.none-separate-static", "--json")
    assert json.loads(unnamed.out)["roots"] == ["axial.none-separate-static"]


def test_a_saved_graph_is_loaded_again(relgraph: Command, folder: Path) -> None:
    ran = relgraph("graph", "--save", "families.relgraph", "--json")
    told = json.loads(ran.out)
    graph = load(folder / "families.relgraph")
    assert (len(graph), graph.edges) == (told["nodes"], told["edges"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("graph", "-o", "g.pdf"), "unknown-format"),
        (("graph", "-o", "g.svg"), "unreadable-picture"),
        (("graph", "--published", "-o", "g.dot"), "no-such-form"),
        (("graph", "--published", "conv"), "two-graphs"),
        (("graph", "--around", "conv", "mlp"), "two-graphs"),
        (("graph", "--around", "conv", "--steps", "3", "--limit", "20"), "fewer --steps"),
        (("graph", "--around", "local_atention"), "did you mean local_attention?"),
        (("graph", "no_such_operator"), "no-such-spec"),
        (("graph", "--limit", "10"), "--limit"),
        (("graph", "--numbers", "kernell=3"), "did you mean kernel?"),
        (("graph", "--numbers", "kernel=0"), "kernel=3,5,7x5"),
    ],
)
def test_mistakes_are_told_and_write_nothing(
    relgraph: Command, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = relgraph(*arguments)
    assert ran.code == 2
    assert said in ran.err
    assert list(folder.iterdir()) == []


def test_numbers_in_words() -> None:
    said = numbers(["kernel=7x5,3", "scales=2,2+4", "along=columns,rows", "shift=0,1", "heads=4,4"])
    assert said.kernel == ((3, 3), (7, 5))
    assert said.scales == ((2,), (2, 4))
    assert said.along == ("columns", "rows")
    assert said.shift == ((0, 0), (1, 1))
    assert said.heads == (4,)
    assert said.window == GENERIC.window
    assert numbers([]) == GENERIC


@pytest.mark.parametrize(
    "word", ["kernel", "kernel=", "kernel=a", "kernel=3x3x3", "along=diagonal", "heads=-2", "=3"]
)
def test_numbers_that_are_none(word: str) -> None:
    with pytest.raises(RelgraphError) as caught:
        numbers([word, "bad=1"])
    assert len(caught.value.problems) == 2

"""Names: what operator specs mean as nodes, shipped ones and the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.algebra.operator import Channel, Frame, Operator, Rank, Space, Weight
from relgraph.errors import RelgraphError
from relgraph.graph.named import Names, named, named_operators
from relgraph.graph.uses import named_uses, uses
from relgraph.relations.families import family
from relgraph.relations.node import IDENTITY, Composite, core
from relgraph.relations.words import key
from relgraph.resolve import resolve_backbone
from relgraph.shipped import shipped

POINT = Space("point", share="positions")


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"operator: {name}\n{text}")
    return path


def body(folder: Path, items: str) -> Path:
    return written(folder, "mine", f"body:\n{items}")


def test_every_shipped_operator_has_a_node(names: Names) -> None:
    assert [one.name for one in names.operators] == list(shipped("operators"))
    assert not names.refused


def test_a_feed_forward_is_a_point_of_inner_width(names: Names) -> None:
    found = names.find("feed_forward")
    assert found is not None
    assert found.node == core(Operator(POINT, Channel("full", rank=Rank("inner", (256,)))))


def test_a_squeeze_excite_is_a_point_with_pooled_source(names: Names) -> None:
    found = names.find("squeeze_excite")
    assert found is not None
    assert found.node == core(
        Operator(POINT, Channel("separate"), Weight("pooled", normalize="sigmoid"))
    )


def test_a_bottleneck_written_long_is_the_short_one(names: Names, tmp_path: Path) -> None:
    long = body(
        tmp_path,
        "  - pointwise: {channels: 16}\n  - relu\n  - conv: {channels: 16}\n"
        "  - pointwise: {channels: $in}\n",
    )
    short = names.find("bottleneck")
    assert short is not None
    assert named(long).node == short.node


def test_projections_around_a_mixer_are_its_frame(tmp_path: Path) -> None:
    found = named(body(tmp_path, "  - pointwise\n  - depthwise_conv: 3\n  - relu\n  - pointwise\n"))
    space = Space("local", size=(3, 3), share="positions")
    framed = Operator(space, Channel("separate"), frame=Frame(value=True, output=True))
    assert found.node == core(framed)
    assert found.core == core(Operator(space, Channel("separate")))


def test_what_has_no_shorter_form_is_a_term(tmp_path: Path) -> None:
    found = named(body(tmp_path, "  - depthwise_conv: 3\n  - gelu\n  - conv: 3\n"))
    assert isinstance(found.node, Composite)
    assert found.node.kind == "chain"
    gate = named(body(tmp_path, "  - product: [[conv: 3], [pointwise]]\n"))
    assert isinstance(gate.node, Composite)
    assert gate.node.kind == "product"
    residual = named(body(tmp_path, "  - residual: [conv: 3, gelu]\n"))
    assert isinstance(residual.node, Composite)
    assert IDENTITY in residual.node.parts


def test_elements_alone_connect_nothing(tmp_path: Path) -> None:
    assert named(body(tmp_path, "  - gelu\n  - layer_norm\n")).node == IDENTITY


def test_a_concat_is_no_term(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="no-term"):
        named(
            body(
                tmp_path, "  - concat: [[pointwise], [pointwise]]\n  - pointwise: {channels: $in}\n"
            )
        )


def test_a_reducing_body_is_its_ratio(names: Names) -> None:
    found = names.find("reduced_attention")
    assert found is not None
    assert isinstance(found.node, Operator)
    assert found.node.space.rank == Rank("reduce", (2,))


def test_the_folder_s_specs_have_names_and_broken_ones_hide_none(tmp_path: Path) -> None:
    written(
        tmp_path,
        "mine",
        "space: {connect: axial, share: positions}\nchannel: {connect: separate}\n",
    )
    written(tmp_path, "broken", "space: {connect: sideways}\n")
    names = named_operators(tmp_path)
    own = names.find("mine")
    assert own is not None
    assert key(own.core) == "axial.positions-separate-static"
    assert names.find("conv") is not None
    assert names.find("broken") is None
    (refused,) = names.refused
    assert refused.problems[0].place is not None
    assert refused.problems[0].place.file.endswith("broken.yaml")


def test_uses_of_backbones_are_found_where_they_stand() -> None:
    found = list(uses(resolve_backbone("swin_tiny").backbone))
    assert sum(used.use.name == "local_attention" for used in found) == 12
    assert sum(used.use.name == "feed_forward" for used in found) == 12


def test_published_uses_have_names_too(names: Names) -> None:
    found = {one.name: key(family(one.core)) for one in named_uses(names.operators)}
    assert found["token_mlp in resmlp_12"] == "full.none-separate.all-static"
    assert found["token_mlp in mixer_base"] == "full.none.tokens-separate.all-static"
    assert not set(found.values()) & {key(family(one.core)) for one in names.operators}


@pytest.mark.parametrize(
    ("combine", "kind"), [("concat", "split"), ("sum", "splitsum"), ("product", "splitproduct")]
)
def test_a_split_is_a_term_however_it_ends(tmp_path: Path, combine: str, kind: str) -> None:
    split = f"sizes: [0.5, rest], bodies: [[], [depthwise_conv: 3]], combine: {combine}"
    node = named(body(tmp_path, f"  - split: {{{split}}}")).node
    assert isinstance(node, Composite)
    assert (node.kind, node.parts[0]) == (kind, IDENTITY)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  - sum: [[conv: 3, batch_norm], [pointwise, batch_norm], [batch_norm]]\n", "conv"),
        ("  - sum: [[depthwise_conv: 3], [depthwise_conv: 7]]\n", "depthwise_conv"),
        ("  - residual: {body: [depthwise_conv: 7], scale: 0.1}\n", "depthwise_conv"),
    ],
)
def test_branches_that_add_up_to_one_operator_are_it(tmp_path: Path, text: str, same: str) -> None:
    assert named(body(tmp_path, text)).core == named(same).core


@pytest.mark.parametrize(
    "text",
    [
        "  - sum: [[conv: 3, relu], [pointwise]]\n",
        "  - residual: [layer_norm, {depthwise_conv: 7}]\n",
        "  - sum: [[depthwise_conv: [1, 7]], [depthwise_conv: [7, 1]]]\n",
    ],
)
def test_branches_that_do_not_add_up_stay_a_sum(tmp_path: Path, text: str) -> None:
    node = named(body(tmp_path, text)).node
    assert isinstance(node, Composite)
    assert node.kind == "sum"


def test_a_term_is_one_however_it_is_written(tmp_path: Path) -> None:
    """Branches in any order, points around a width as the operator of that name."""
    for one, other in (
        ("  - sum: [[conv: 3, relu], [pointwise]]\n", "  - sum: [[pointwise], [conv: 3, relu]]\n"),
        (
            "  - depthwise_conv: 7\n  - feed_forward: 4\n",
            "  - depthwise_conv: 7\n  - pointwise: {ratio: 4}\n  - gelu\n  - pointwise: $in\n",
        ),
    ):
        nodes = [named(body(tmp_path, text)).node for text in (one, other)]
        assert nodes[0] == nodes[1]

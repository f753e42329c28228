"""Assembly: shapes, names, rates and contracts, and every size error at its place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from relgraph.assemble import assemble
from relgraph.assemble.parameters import parameters
from relgraph.assemble.walking import nodes
from relgraph.errors import RelgraphError
from relgraph.program import Element, Residual
from relgraph.resolve import resolve_backbone
from relgraph.understanding import understand
from tests.designs import program, small, write_spec


def problems(path: Path) -> list[tuple[str, int]]:
    """Code and line of everything that assembling refuses."""
    with pytest.raises(RelgraphError) as caught:
        program(path)
    return [(p.code, p.place.line if p.place else 0) for p in caught.value.problems]


def test_shapes_and_reductions_of_a_hierarchy() -> None:
    swin = program("swin_tiny")
    assert [stage.output.grid for stage in swin.stages] == [(56, 56), (28, 28), (14, 14), (7, 7)]
    assert [stage.reduction for stage in swin.stages] == [(4, 4), (8, 8), (16, 16), (32, 32)]
    assert [stage.output.channels for stage in swin.stages] == [96, 192, 384, 768]


@pytest.mark.parametrize(
    ("name", "fixed", "multiple"),
    [
        ("swin_tiny", False, (224, 224)),
        ("dwnet_tiny", False, (32, 32)),
        ("resnet50", False, (1, 1)),
        ("vit_base", True, (16, 16)),
        ("mixer_base", True, (16, 16)),
        ("pvt_v2_b2", False, (32, 32)),
    ],
)
def test_contract_follows_from_the_items(name: str, fixed: bool, multiple: tuple[int, int]) -> None:
    contract = program(name).contract
    assert (contract.fixed, contract.multiple) == (fixed, multiple)


def test_a_second_size_within_the_contract_has_the_same_parameters() -> None:
    backbone = resolve_backbone("swin_tiny").backbone
    small_map, large_map = assemble(backbone), assemble(backbone, (448, 224))
    assert parameters(small_map) == parameters(large_map)


def rates(path: Path) -> list[float]:
    found = [node for _, node in nodes(program(path)) if isinstance(node, Residual)]
    return [float(node.drop_path["rate"]) for node in found if node.drop_path]  # type: ignore[arg-type]


def deep(folder: Path, drop_path: str) -> Path:
    return write_spec(
        folder,
        f"""
        backbone: deep
        input: {{size: 8}}
        stem: [patchify: {{size: 2, channels: $channels}}]
        stages: [{{depth: 3, channels: 4}}, {{depth: 2, channels: 4}}]
        block: [residual: [pointwise]]
        head: [global_pool, classifier]
        drop_path: {drop_path}
        """,
        "deep",
    )


def test_stochastic_depth_rises_over_all_blocks(tmp_path: Path) -> None:
    assert rates(deep(tmp_path, "0.4")) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_constant_stochastic_depth(tmp_path: Path) -> None:
    path = deep(tmp_path, "{rate: 0.3, schedule: constant}")
    assert rates(path) == pytest.approx([0.3] * 5)


def test_names_are_numbered_where_they_repeat_and_labels_win(tmp_path: Path) -> None:
    path = small(
        tmp_path,
        """
        - batch_norm
        - pointwise
        - batch_norm
        - {depthwise_conv: 3, label: spatial}
        """,
    )
    names = {name.rsplit(".", 2)[1] for name in parameters(program(path)) if "blocks" in name}
    assert names == {"norm1", "norm2", "pointwise", "spatial"}


def test_all_size_errors_at_once(tmp_path: Path) -> None:
    path = small(
        tmp_path,
        """
        - residual: [max_pool: 2]
        - local_attention: {window: 3, heads: 2}
        - channel_shuffle: 5
        - space_to_depth: 3
        - local_attention: {window: 3, heads: 2}
        """,
    )
    # The last one follows from a map that is not known.
    found = problems(path)
    assert [line for _, line in found] == [10, 11, 12, 13]
    assert found[0][0] == "residual-shapes"


def test_shortcut_none_drops_the_sum(tmp_path: Path) -> None:
    path = small(
        tmp_path,
        """
        - residual: {body: [pointwise: 12], shortcut: none}
        - residual: {body: [pointwise: 8], shortcut: [pointwise: 8]}
        """,
    )
    dropped, kept = (n for _, n in nodes(program(path)) if isinstance(n, Residual))
    assert dropped.shortcut is None
    assert kept.shortcut


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("- add_token: class\n- depthwise_conv: 3", "tokens-refused"),
        ("- add_token: class\n- max_pool: 2", "tokens-refused"),
        ("- [add_token: class, add_token: class]", "token-twice"),
        ("- select: class", "no-such-token"),
        ("- [global_pool, conv: 3]", "needs-a-map"),
        ("- [global_pool, global_pool]", "needs-a-map"),
        ("- sum: [[], [max_pool: 2]]", "sum-shapes"),
        ("- concat: [[], [max_pool: 2]]", "concat-shapes"),
        ("- product: [[], [max_pool: 2]]", "product-shapes"),
        ("- channel_shuffle: 3", "groups-divide"),
        ("- [global_pool, group_norm: 8]", "group-of-one"),
        ("- classifier", "classifier-needs-a-vector"),
        ("- max_pool: {size: 2, padding: 2}", "padding-too-large"),
        ("- position: {kind: fourier, hidden: 7}", "position-hidden"),
    ],
)
def test_refusals_have_a_code_and_a_place(tmp_path: Path, block: str, code: str) -> None:
    found = problems(small(tmp_path, block))
    assert code in [each for each, _ in found]
    assert all(line >= 9 for _, line in found)


def test_a_map_smaller_than_the_stem(tmp_path: Path) -> None:
    path = write_spec(
        tmp_path,
        """
        backbone: tiny
        input: {size: 8}
        stem: [patchify: {size: 16, channels: $channels}]
        stages: [{depth: 1, channels: 8}]
        block: [pointwise]
        head: [global_pool, classifier]
        """,
        "tiny",
    )
    assert problems(path)[0][1] == 4


def test_absurd_sizes_are_refused_at_once(tmp_path: Path) -> None:
    path = small(tmp_path, "- mlp", size=4096)
    start = time.process_time()
    assert "absurd-size" in [code for code, _ in problems(path)]
    assert time.process_time() - start < 60  # No tensor and no table of that size was made.


def test_extra_tokens_survive_a_sum_with_a_map(tmp_path: Path) -> None:
    path = small(tmp_path, "- add_token: class\n- sum: [[], [select: map, depthwise_conv: 3]]")
    output = program(path).stages[0].output
    assert output.tokens == ("class",)


def test_inline_items_have_no_names() -> None:
    inline = [
        node
        for _, node in nodes(program("resnet50"))
        if isinstance(node, Element) and node.word in ("relu", "max_pool", "global_pool")
    ]
    assert inline
    assert all(node.attr == "" for node in inline)


def test_a_size_is_required_where_parameters_depend_on_it(tmp_path: Path) -> None:
    path = small(tmp_path, "- {residual: [layer_norm, token_mlp]}")
    path.write_text(path.read_text().replace("size: 16, ", ""))
    assert [code for code, _ in problems(path)] == ["size-required"]


def test_a_softmax_over_one_slot_is_a_warning(tmp_path: Path) -> None:
    path = small(tmp_path, "- {residual: [layer_norm, global_attention: {heads: 2}]}", size=2)
    told = understand(str(path)).notes
    assert [(one.code, one.severity) for one in told] == [("softmax-of-one", "warning")]


@pytest.mark.parametrize("item", ["position: sincos", "select: map"])
def test_a_sequence_does_not_tell_its_maps_sides(tmp_path: Path, item: str) -> None:
    path = small(tmp_path, f"- [add_token: class, {item}, select: map]")
    assert program(path).contract.fixed

"""What specs mean: bodies, values, definitions, stages. GRAMMAR by example."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.resolved import Branches, Element, Residual, Scope, Split, Tap
from tests.resolve.specs import around, codes, resolved, uses, words


def block(folder: Path, text: str, **keys: str) -> tuple[object, ...]:
    return resolved(folder, spec=around(text, **keys)).backbone.stages[0].blocks[0]


def test_items_nest_and_the_empty_body_is_the_identity(tmp_path: Path) -> None:
    body = block(tmp_path, "[[conv: 3, [batch_norm]], [], relu]")
    assert words(body) == ["conv", "batch_norm", "relu"]


def test_an_element_has_every_field(tmp_path: Path) -> None:
    (norm,) = block(tmp_path, "[batch_norm: {init: 0}]")
    assert isinstance(norm, Element)
    assert dict(norm.arguments) == {"eps": 1e-5, "init": 0.0, "momentum": 0.1}
    (pool,) = block(tmp_path, "[max_pool: {size: [3, 2]}]")
    assert isinstance(pool, Element)
    assert pool["stride"] == (3, 2)
    assert pool["padding"] == (0, 0)


def test_widths(tmp_path: Path) -> None:
    body = block(
        tmp_path,
        "[pointwise: {ratio: 2}, pointwise: {channels: [$in, $in, 3]}, "
        "pointwise: {channels: 10, ratio: 0.25, divisor: 8}, pointwise: $in]",
    )
    assert [use.out_channels for use in uses(body, "pointwise")] == [16, 19, 8, 8]


@pytest.mark.parametrize(
    ("channels", "ratio", "divisor", "wanted"),
    [(96, 0.25, 8, 24), (32, 0.25, 8, 8), (20, 0.5, 8, 16), (10, 1, 8, 16), (17, 1, 8, 16)],
)
def test_divisor(tmp_path: Path, channels: int, ratio: float, divisor: int, wanted: int) -> None:
    text = f"[pointwise: {{channels: {channels}, ratio: {ratio}, divisor: {divisor}}}]"
    body = resolved(tmp_path, spec=around(text)).backbone.stages[0].blocks[0]
    assert uses(body, "pointwise")[0].out_channels == wanted


def test_in_is_the_width_entering_the_definition_not_the_layer(tmp_path: Path) -> None:
    body = block(
        tmp_path,
        "[pointwise: 12, narrow, pointwise: $in]",
        define="{narrow: [pointwise: {ratio: 3}, pointwise: $in]}",
    )
    assert [use.out_channels for use in uses(body, "pointwise")] == [12, 36, 12, 8]


def test_an_argument_means_what_it_means_where_it_is_written(tmp_path: Path) -> None:
    body = block(
        tmp_path,
        "[pointwise: 16, around: {inner: [pointwise: $in]}]",
        define="{around: {params: {inner: []}, body: [pointwise: 32, $inner]}}",
    )
    # `$in` of the argument is the block's width, 8, not the definition's, 16.
    assert [use.out_channels for use in uses(body, "pointwise")] == [16, 32, 8]


def test_a_parameter_may_be_a_word_a_body_or_nothing(tmp_path: Path) -> None:
    define = "{mix: {params: {act: gelu, gate: []}, body: [$act, $gate]}}"
    assert words(block(tmp_path, "[mix]", define=define)) == ["gelu"]
    assert words(block(tmp_path, "[mix: relu]", define=define)) == ["relu"]
    body = block(tmp_path, "[mix: {act: [batch_norm, silu], gate: [sigmoid]}]", define=define)
    assert words(body) == ["batch_norm", "silu", "sigmoid"]


def test_a_default_is_resolved_where_it_is_defined_and_only_if_used(tmp_path: Path) -> None:
    define = "{mix: {params: {size: 3, other: $size, never: $nobody}, body: [conv: $other]}}"
    body = block(tmp_path, "[mix: {size: 5, never: 1}]", define=define)
    assert uses(body, "conv")[0].operator.space.size == (5, 5)
    body = block(tmp_path, "[mix: 7]", define=define)
    assert uses(body, "conv")[0].operator.space.size == (7, 7)


def test_a_definition_does_not_see_its_callers_parameters(tmp_path: Path) -> None:
    define = "{inner: [conv: $size], outer: {params: {size: 3}, body: [inner]}}"
    assert "unknown-variable" in codes(tmp_path, spec=around("[outer]", define=define))


def test_stage_variables_params_and_rows(tmp_path: Path) -> None:
    backbone = resolved(
        tmp_path,
        spec=around(
            "[conv: {size: $size, stride: $stride}, $act]",
            stages="[{depth: 2, channels: 8, size: 5}, "
            "{depth: 2, channels: 16, stride: 2, act: gelu, downsample: [pointwise: $channels]}]",
            params="{size: 3, act: relu}",
        ),
    ).backbone
    one, two = backbone.stages
    assert [uses(b, "conv")[0].operator.space.size[0] for b in one.blocks] == [5, 5]
    assert [uses(b, "conv")[0].operator.space.stride[0] for b in two.blocks] == [2, 1]
    assert words(one.blocks[0]) == ["conv", "relu"]
    assert words(two.blocks[0]) == ["conv", "gelu"]
    assert uses(two.downsample, "pointwise")[0].out_channels == 16


def test_cycle_first_and_after(tmp_path: Path) -> None:
    backbone = resolved(
        tmp_path,
        spec="""\
        backbone: tested
        stem: [conv: {size: 3, channels: $channels}]
        stages: [{depth: 4, channels: 8}, {depth: 3, channels: 8, first: none}]
        first: [silu]
        cycle: [relu, [gelu]]
        downsample: [max_pool: 2]
        after: [layer_norm]
        head: [global_pool, classifier]
        """,
    ).backbone
    one, two = backbone.stages
    assert [words(b) for b in one.blocks] == [["silu"], ["relu"], ["gelu"], ["relu"]]
    assert [words(b) for b in two.blocks] == [["relu"], ["gelu"], ["relu"]]
    assert (words(one.downsample), words(two.downsample)) == ([], ["max_pool"])
    assert words(two.after) == ["layer_norm"]


def test_a_row_may_have_its_own_block_instead_of_the_cycle(tmp_path: Path) -> None:
    text = around("[relu]", stages="[{depth: 2, channels: 8, cycle: [gelu, silu]}]")
    assert [words(b) for b in resolved(tmp_path, spec=text).backbone.stages[0].blocks] == [
        ["gelu"],
        ["silu"],
    ]


def test_residual_forms(tmp_path: Path) -> None:
    body = block(
        tmp_path,
        "[residual: {body: [pointwise: 16], shortcut: [pointwise: 16], scale: 1e-4, drop_path: 0}, "
        "residual: {body: [pointwise: 4], shortcut: none}]",
    )
    first, second = body
    assert isinstance(first, Residual)
    assert isinstance(second, Residual)
    assert (first.scale, first.drop_path) == (1e-4, 0.0)
    assert isinstance(first.shortcut, tuple)
    assert (second.shortcut, second.drop_path) == ("none", None)


def test_branches_and_the_gate(tmp_path: Path) -> None:
    (gate, joined) = block(
        tmp_path,
        "[product: [[], [global_pool, pointwise, sigmoid]], concat: [[], conv: 3, [pointwise: 4]]]",
    )
    assert isinstance(gate, Branches)
    assert isinstance(joined, Branches)
    assert (gate.combine, joined.combine) == ("product", "concat")
    assert [words(branch) for branch in joined.branches] == [[], ["conv"], ["pointwise"]]


def test_split_sizes(tmp_path: Path) -> None:
    (split,) = block(tmp_path, "[split: {sizes: [rest, 0.25, 1], bodies: [[], [relu], [gelu]]}]")
    assert isinstance(split, Split)
    assert split.sizes == (5, 2, 1)


def test_res2net_taps(tmp_path: Path) -> None:
    body = block(
        tmp_path,
        "[split: {sizes: [0.5, rest], bodies: [[conv: 3, tap: one], "
        "[sum: [[], [from: one]], conv: 3]]}]",
    )
    (split,) = body
    assert isinstance(split, Split)
    assert split.branches[0][1] == Tap(word="tap", name="one")


def test_taps_end_with_the_definition(tmp_path: Path) -> None:
    define = "{remember: [tap: x]}"
    assert codes(tmp_path, spec=around("[remember, from: x]", define=define)) == ["unknown-tap"]


def test_fit(tmp_path: Path) -> None:
    body = block(
        tmp_path, "[fit: 8, {fit: 16, label: wider}]", defaults="{pointwise: {bias: false}}"
    )
    (use,) = uses(body, "pointwise")
    assert (use.in_channels, use.out_channels, use.label) == (8, 16, "wider")
    assert use.operator.bias == "none"


def test_defaults_fill_what_is_not_written_in_this_file_only(tmp_path: Path) -> None:
    body = block(
        tmp_path,
        "[layer_norm, layer_norm: {eps: 1e-3}, feed_forward]",
        defaults="{layer_norm: {eps: 1e-6}, pointwise: {bias: false}}",
    )
    norms = [node for node in body if isinstance(node, Element)]
    assert [norm["eps"] for norm in norms] == [1e-6, 1e-3]
    assert [use.operator.bias for use in uses(body, "pointwise")] == ["channels", "channels"]


def test_patchify_fills_the_stage_and_others_keep_the_width(tmp_path: Path) -> None:
    backbone = resolved(tmp_path, spec=around("[conv: 3]", stem="[conv: 3, patchify: 4]")).backbone
    assert uses(backbone.stem, "conv")[0].out_channels == 3
    assert uses(backbone.stem, "patchify")[0].out_channels == 8


def test_mobile_block(tmp_path: Path) -> None:
    """EfficientNet's: squeeze-excite is relative to the *block's* width, the layer to its own."""
    body = block(
        tmp_path,
        "[residual: {body: [pointwise: {ratio: 4}, depthwise_conv: 3, "
        "squeeze_excite: {channels: $in, ratio: 0.25, act: silu}, pointwise: $channels], "
        "shortcut: none}]",
    )
    assert [use.out_channels for use in uses(body, "pointwise")] == [32, 2, 32, 8]
    assert "silu" in words(body)


def test_a_scope_for_each_expansion(tmp_path: Path) -> None:
    (scope,) = block(
        tmp_path, "[{mix: 5, label: spatial}]", define="{mix: {params: {n: 3}, body: [conv: $n]}}"
    )
    assert isinstance(scope, Scope)
    assert (scope.name, scope.kind, scope.label) == ("mix", "definition", "spatial")


def test_head_and_stem_see_params(tmp_path: Path) -> None:
    backbone = resolved(
        tmp_path,
        spec=around(
            "[relu]",
            stem="[conv: {size: 3, channels: $width}]",
            head="[$norm, global_pool, classifier]",
            stages="[{depth: 1, channels: 24}]",
            params="{width: 24, norm: batch_norm}",
        ),
    ).backbone
    assert words(backbone.head)[0] == "batch_norm"


def test_a_stage_that_ends_elsewhere_is_told(tmp_path: Path) -> None:
    resolution = resolved(tmp_path, spec=around("[pointwise: {channels: $channels, ratio: 4}]"))
    assert [problem.code for problem in resolution.problems] == ["stage-width"]
    assert resolution.backbone.stages[0].channels == 32


def test_drop_path_forms(tmp_path: Path) -> None:
    linear = resolved(tmp_path, spec=around("[relu]", drop_path="0.2")).backbone
    constant = resolved(
        tmp_path, spec=around("[relu]", drop_path="{rate: 0.1, schedule: constant}")
    ).backbone
    assert (linear.drop_path, linear.schedule) == (0.2, "linear")
    assert (constant.drop_path, constant.schedule) == (0.1, "constant")

"""extends, replace and set: what an edit sees, what wins, what is told."""

from __future__ import annotations

from pathlib import Path

from relgraph.resolve import Resolution
from relgraph.resolved import Element, Residual, Scope
from tests.resolve.specs import codes, leaves, resolved, uses, words

PARENT = """\
    backbone: parent
    stem: [conv: {size: 3, channels: $channels}, layer_norm]
    stages: [{depth: 2, channels: 8, heads: 2}, {depth: 1, channels: 8, heads: 4}]
    block:
      - {residual: [layer_norm, global_attention: {heads: $heads}], label: token_mixer}
      - {residual: [layer_norm, feed_forward], label: channel_mixer}
    head: [layer_norm, global_pool, classifier]
    """


def child(folder: Path, text: str, **more: str) -> Resolution:
    """Resolve a child of PARENT."""
    body = "backbone: child\nextends: parent\n" + text
    return resolved(folder, parent=PARENT, **more, child=body)


def test_stages_patch_columns_and_params_merge(tmp_path: Path) -> None:
    backbone = child(tmp_path, "stages: {depth: [1, 3], heads: 8}\nclasses: 10\n").backbone
    assert [len(stage.blocks) for stage in backbone.stages] == [1, 3]
    heads = [
        uses(s.blocks[0], "global_attention")[0].operator.channel.heads for s in backbone.stages
    ]
    assert heads == [8, 8]
    assert (backbone.name, backbone.classes) == ("child", 10)


def test_a_list_of_stages_replaces(tmp_path: Path) -> None:
    backbone = child(tmp_path, "stages: [{depth: 1, channels: 16, heads: 1}]\n").backbone
    assert [stage.channels for stage in backbone.stages] == [16]


def test_replace_counts_its_hits_in_every_block(tmp_path: Path) -> None:
    resolution = child(tmp_path, "replace: {channel_mixer.layer_norm: batch_norm}\n")
    assert [(hit.address, hit.count) for hit in resolution.hits] == [
        ("channel_mixer.layer_norm", 3)
    ]
    mixer = resolution.backbone.stages[0].blocks[0]
    assert words(mixer)[:2] == ["layer_norm", "global_attention"]
    assert words(mixer)[2] == "batch_norm"
    assert words(resolution.backbone.stem) == ["conv", "layer_norm"]


def test_the_most_specific_address_wins(tmp_path: Path) -> None:
    resolution = child(
        tmp_path,
        "replace: {layer_norm: batch_norm, stage2.layer_norm: rms_norm, "
        "stage2.channel_mixer.layer_norm: affine, stem.layer_norm: []}\n",
    )
    one, two = resolution.backbone.stages
    assert [w for w in words(one.blocks[0]) if "norm" in w] == ["batch_norm", "batch_norm"]
    assert [w for w in words(two.blocks[0]) if "norm" in w or w == "affine"] == [
        "rms_norm",
        "affine",
    ]
    assert words(resolution.backbone.stem) == ["conv"]
    assert [hit.count for hit in resolution.hits] == [5, 1, 1, 1]


def test_the_label_stays_and_several_items_get_it_together(tmp_path: Path) -> None:
    single = child(tmp_path, "replace: {token_mixer: {residual: [conv: 3]}}\n").backbone
    first = single.stages[0].blocks[0][0]
    assert isinstance(first, Residual)
    assert first.label == "token_mixer"
    several = child(tmp_path, "replace: {token_mixer: [layer_norm, conv: 3]}\n").backbone
    first = several.stages[0].blocks[0][0]
    assert isinstance(first, Scope)
    assert (first.label, words(first.body)) == ("token_mixer", ["layer_norm", "conv"])


def test_edits_see_only_what_was_inherited(tmp_path: Path) -> None:
    """The child's own items, put by an edit or a key, are final for its other edits."""
    backbone = child(
        tmp_path,
        "head: [batch_norm, global_pool, classifier]\n"
        "replace: {token_mixer: {residual: [layer_norm, conv: 3]}, layer_norm: rms_norm}\n",
    ).backbone
    assert words(backbone.stages[0].blocks[0])[:2] == ["layer_norm", "conv"]
    assert words(backbone.stem) == ["conv", "rms_norm"]
    text = "backbone: child\nextends: parent\nhead: [batch_norm, global_pool, classifier]\n"
    assert codes(tmp_path, parent=PARENT, child=text + "replace: {batch_norm: affine}\n") == [
        "no-such-address"
    ]


def test_a_grandchild_edits_what_the_child_put(tmp_path: Path) -> None:
    middle = """\
        backbone: middle
        extends: parent
        define: {dw_mixer: [pointwise, {depthwise_conv: 3, label: spatial}]}
        replace: {token_mixer: {residual: [dw_mixer]}, channel_mixer.layer_norm: [relu, batch_norm]}
        """
    resolution = resolved(
        tmp_path,
        parent=PARENT,
        middle=middle,
        grandchild="""\
        backbone: grandchild
        extends: middle
        replace: {spatial: {conv: 5}, channel_mixer.batch_norm: affine}
        set: {dw_mixer.pointwise: {bias: false}}
        """,
    )
    body = resolution.backbone.stages[0].blocks[0]
    assert words(body)[:4] == ["pointwise", "conv", "relu", "affine"]
    assert uses(body, "conv")[0].label == "spatial"
    assert uses(body, "pointwise")[0].operator.bias == "none"
    assert [hit.count for hit in resolution.hits] == [3, 3, 3]


def test_a_labelled_body_can_be_replaced_again(tmp_path: Path) -> None:
    middle = "backbone: middle\nextends: parent\nreplace: {token_mixer: [layer_norm, conv: 3]}\n"
    last = "backbone: last\nextends: middle\nreplace: {token_mixer: [conv: 7, relu]}\n"
    backbone = resolved(tmp_path, parent=PARENT, middle=middle, last=last).backbone
    assert words(backbone.stages[0].blocks[0])[:2] == ["conv", "relu"]
    assert backbone.stages[0].blocks[0][0].label == "token_mixer"


def test_nothing_of_the_old_use_carries_over(tmp_path: Path) -> None:
    backbone = child(tmp_path, "replace: {global_attention: {depthwise_conv: 5}}\n").backbone
    (use,) = uses(backbone.stages[0].blocks[0], "depthwise_conv")
    assert use.operator.space.size == (5, 5)
    assert use.operator.channel.heads == 1


def test_set_changes_arguments_and_keeps_the_item(tmp_path: Path) -> None:
    resolution = child(
        tmp_path,
        "set: {global_attention: {heads: 1}, stage2.global_attention: {heads: 8, qkv_bias: false}, "
        "feed_forward: 2, stem.layer_norm: {eps: 1e-3}, token_mixer: {drop_path: 0.3}}\n",
    )
    one, two = resolution.backbone.stages
    first, second = (uses(s.blocks[0], "global_attention")[0].operator for s in (one, two))
    assert (first.channel.heads, second.channel.heads) == (1, 8)
    assert (first.weight.qkv_bias, second.weight.qkv_bias) == (True, False)
    assert uses(one.blocks[0], "pointwise")[0].out_channels == 16
    assert [n["eps"] for n in leaves(resolution.backbone.stem) if isinstance(n, Element)] == [1e-3]
    assert one.blocks[0][0].drop_path == 0.3


def test_edits_reach_into_operator_files(tmp_path: Path) -> None:
    backbone = child(tmp_path, "replace: {feed_forward.gelu: relu}\n").backbone
    assert words(backbone.stages[0].blocks[0])[-2] == "relu"


def test_a_replacement_sees_the_stage_it_lands_in(tmp_path: Path) -> None:
    backbone = child(
        tmp_path,
        "stages: {width: [4, 12]}\n"
        "replace: {global_attention: [pointwise: $width, pointwise: $in]}\n",
    ).backbone
    widths = [[u.out_channels for u in uses(s.blocks[0], "pointwise")][:2] for s in backbone.stages]
    assert widths == [[4, 8], [12, 8]]


def test_definitions_merge_and_bind_late(tmp_path: Path) -> None:
    parent = """\
        backbone: parent
        stem: [conv: {size: 3, channels: $channels}]
        stages: [{depth: 1, channels: 8}]
        define: {mix: [relu], norm: [layer_norm]}
        block: [norm, mix]
        head: [global_pool, classifier]
        """
    backbone = resolved(
        tmp_path,
        parent=parent,
        child="backbone: child\nextends: parent\ndefine: {mix: [gelu, silu]}\n",
    ).backbone
    assert words(backbone.stages[0].blocks[0]) == ["layer_norm", "gelu", "silu"]


def test_an_inherited_variable_may_fall_silent(tmp_path: Path) -> None:
    assert child(tmp_path, "replace: {global_attention: {conv: 3}}\n").backbone.name == "child"
    text = "backbone: child\nextends: parent\nstages: {heads: 2}\n"
    text += "replace: {global_attention: {conv: 3}}\n"
    assert codes(tmp_path, parent=PARENT, child=text) == ["unused-variable"]


def test_cycles_of_extends(tmp_path: Path) -> None:
    one = "backbone: one\nextends: two\n"
    two = "backbone: two\nextends: one\n"
    assert codes(tmp_path, one=one, two=two) == ["extends-cycle"]


def test_block_replaces_an_inherited_cycle(tmp_path: Path) -> None:
    parent = PARENT.replace("block:", "cycle: [[relu], [gelu]]\n    after:")
    text = "backbone: child\nextends: parent\nblock: [silu]\nstages: {heads: 2}\n"
    backbone = resolved(tmp_path, parent=parent, child=text).backbone
    assert [words(block) for block in backbone.stages[0].blocks] == [["silu"], ["silu"]]

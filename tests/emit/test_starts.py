"""`init`: how weights start, measured on built models, and which rule holds where."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from relgraph.verify import verify_text

SPEC = """\
backbone: tested
input: {{size: 32}}
classes: {classes}
init: {init}
define: {{{define}}}
stem: [conv: {{size: 3, channels: $channels, stride: 4}}]
stages: [{{depth: 1, channels: 64}}]
block: {block}
head: {head}
"""


def written(folder: Path, block: str, **keys: Any) -> Path:
    path = folder / "tested.yaml"
    wanted = {"init": "default", "define": "", "head": "[global_pool, classifier]", "classes": 10}
    path.write_text(SPEC.format(block=block, **{**wanted, **keys}))
    return path


def text_of(folder: Path, block: str, **keys: Any) -> str:
    return compile_backbone(str(written(folder, block, **keys))).text


def made(text: str, **arguments: Any) -> Any:
    torch.manual_seed(0)
    module = load_text(text, "tested.py")
    return getattr(module, module.BUILDER)(**arguments)


def built(folder: Path, block: str, **keys: Any) -> Any:
    return made(text_of(folder, block, **keys))


def weight(model: Any, name: str) -> Tensor:
    found: Tensor = dict(model.named_parameters())[name].detach()
    return found


def first(name: str) -> str:
    return f"stages.0.blocks.0.{name}"


def assert_normal(tensor: Tensor, std: float) -> None:
    """Deviation within 5 of its standard errors, and tails that a uniform has not."""
    error = std / math.sqrt(2 * tensor.numel())
    assert abs(float(tensor.std()) - std) < 5 * error
    assert abs(float(tensor.mean())) < 5 * std / math.sqrt(tensor.numel())
    assert float(tensor.abs().max()) > 2 * std


def assert_uniform(tensor: Tensor, bound: float) -> None:
    """All within the bound, near it somewhere, with a uniform's deviation."""
    assert 0.97 * bound < float(tensor.abs().max()) <= bound
    assert abs(float(tensor.std()) - bound / math.sqrt(3)) < 5 * bound / math.sqrt(tensor.numel())


RULES = {
    "default": 0.02,
    "kaiming": math.sqrt(2 / 64),
    "{kaiming: fan_in}": math.sqrt(2 / 64),
    "{kaiming: fan_out}": math.sqrt(2 / 128),
    "{trunc_normal: 0.3}": 0.3,
    "{normal: 0.3}": 0.3,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_linear_layer_starts_as_its_item_says(rule: str, tmp_path: Path) -> None:
    block = f"[pointwise: {{channels: 128, init: {rule}}}, pointwise: 64]"
    model = built(tmp_path, block, init="xavier")
    assert_normal(weight(model, first("pointwise1.weight")), RULES[rule])
    assert not weight(model, first("pointwise1.bias")).any()
    # Its neighbour follows the backbone, and so does the classifier.
    assert_uniform(weight(model, first("pointwise2.weight")), math.sqrt(6 / (64 + 128)))
    assert_uniform(weight(model, "classifier.weight"), math.sqrt(6 / (64 + 10)))


def test_xavier_beside_the_default(tmp_path: Path) -> None:
    model = built(tmp_path, "[pointwise: {channels: 128, init: xavier}, pointwise: 64]")
    assert_uniform(weight(model, first("pointwise1.weight")), math.sqrt(6 / (64 + 128)))
    assert_normal(weight(model, first("pointwise2.weight")), 0.02)


@pytest.mark.parametrize("rule", RULES)
def test_the_backbones_rule_is_every_linear_layers(rule: str, tmp_path: Path) -> None:
    block = "[pointwise: 128, pointwise: {groups: 4}, pointwise: 64, conv: 3]"
    model = built(tmp_path, block, init=rule)
    assert_normal(weight(model, first("pointwise1.weight")), RULES[rule])
    own = {"kaiming": 1 / 16, "{kaiming: fan_in}": 1 / 16, "{kaiming: fan_out}": 1 / 16}
    std = math.sqrt(own[rule]) if rule in own else RULES[rule]
    assert_normal(weight(model, first("pointwise2.weight")), std)
    # A kernel keeps the table's start.
    assert_normal(weight(model, first("conv.weight")), math.sqrt(2 / (9 * 64)))


# Item, parameter, fan-in, fan-out.
FANS = [
    ("pointwise: {init: RULE}", "pointwise.weight", 64, 64),
    ("pointwise: {groups: 4, init: RULE}", "pointwise.weight", 16, 16),
    ("pointwise: {channels: 32, stride: 2, init: RULE}", "pointwise.weight", 64, 32),
    ("conv: {size: 3, channels: 32, init: RULE}", "conv.weight", 9 * 64, 9 * 32),
    ("conv: {size: 3, groups: 4, channels: 32, init: RULE}", "conv.weight", 9 * 16, 9 * 8),
    ("depthwise_conv: {size: 7, init: RULE}", "depthwise_conv.weight", 49, 49),
    ("patchify: {size: 2, channels: 32, init: RULE}", "patchify.weight", 4 * 64, 4 * 32),
    ("global_attention: {heads: 4, init: RULE}", "global_attention.qkv.weight", 64, 192),
    ("global_attention: {heads: 4, init: RULE}", "global_attention.proj.weight", 64, 64),
    ("reduced_attention: {heads: 4, init: RULE}", "reduced_attention.kv.weight", 64, 128),
    ("token_mlp: {share: all, init: RULE}", "token_mlp.weight", 64, 64),
    ("token_mlp: {share: none, init: RULE}", "token_mlp.weight", 64, 64),
    ("static_local_attention: {window: 4, init: RULE}", "static_local_attention.weight", 16, 16),
    ("bottleneck: {inner: 32, init: RULE}", "bottleneck.core.weight", 9 * 32, 9 * 32),
    ("feed_forward: {ratio: 2, init: RULE}", "feed_forward.pointwise1.weight", 64, 128),
    (
        "conv_feed_forward: {ratio: 2, size: 5, init: RULE}",
        "conv_feed_forward.depthwise_conv.weight",
        25,
        25,
    ),
    ("fit: {channels: 32, init: RULE}", "pointwise.weight", 64, 32),
    ("position: {kind: fourier, init: RULE}", "position.projection.weight", 64, 64),
]


@pytest.mark.parametrize(("item", "name", "fan_in", "fan_out"), FANS, ids=lambda v: str(v)[:40])
def test_fans(item: str, name: str, fan_in: int, fan_out: int, tmp_path: Path) -> None:
    def start(rule: str) -> Tensor:
        return weight(built(tmp_path, f"[{item.replace('RULE', rule)}]"), first(name))

    assert_uniform(start("xavier"), math.sqrt(6 / (fan_in + fan_out)))
    assert_normal(start("kaiming"), math.sqrt(2 / fan_in))
    assert_normal(start("{kaiming: fan_out}"), math.sqrt(2 / fan_out))
    assert_normal(start("{normal: 0.5}"), 0.5)


def test_truncation_is_at_two(tmp_path: Path) -> None:
    model = built(tmp_path, "[pointwise: {init: {trunc_normal: 1.5}}]")
    found = weight(model, first("pointwise.weight"))
    assert 1.9 < float(found.abs().max()) <= 2


ENDS = {
    "pointwise: {init: zeros}": ["pointwise.weight"],
    "conv: {size: 3, init: zeros}": ["conv.weight"],
    "global_attention: {heads: 4, init: zeros}": ["global_attention.proj.weight"],
    "local_attention: {window: 4, init: zeros}": ["local_attention.proj.weight"],
    "static_local_attention: {window: 4, init: zeros}": ["static_local_attention.proj.weight"],
    "feed_forward: {init: zeros}": ["feed_forward.pointwise2.weight"],
    "bottleneck: {init: zeros}": ["bottleneck.expand.weight"],
    "pyramid_conv: {init: zeros, scales: [2]}": [
        "pyramid_conv.fine.weight",
        "pyramid_conv.coarse_2.weight",
    ],
    "token_mlp: {hidden: 8, share: all, init: zeros}": ["token_mlp.spread.weight"],
    "dynamic_depthwise_conv: {size: 3, init: zeros}": [
        "dynamic_depthwise_conv.expand.weight",
        "dynamic_depthwise_conv.expand.bias",
    ],
    "inhomogeneous_depthwise_conv: {size: 3, init: zeros}": [
        "inhomogeneous_depthwise_conv.expand.weight",
        "inhomogeneous_depthwise_conv.expand.bias",
    ],
    "mlp: {init: zeros}": ["mlp.weight"],
}


@pytest.mark.parametrize("item", ENDS)
def test_zeros_start_a_branch_as_nothing_that_still_learns(item: str, tmp_path: Path) -> None:
    model = built(tmp_path, f"[residual: [{item}]]").train()
    zero = {first(name) for name in ENDS[item]}
    for name, parameter in model.named_parameters():
        assert name not in zero or not parameter.any(), name
        # Nothing else that was random before is zero now.
        is_random = name.endswith("weight") and parameter.ndim > 1 and name not in zero
        assert bool(parameter.any()) or not is_random, name
    block, x = model.stages[0].blocks[0], torch.randn(4, 64, 8, 8)
    y = block(x)
    assert torch.equal(y, x)
    y.square().sum().backward()
    for name in zero:
        gradient = dict(model.named_parameters())[name].grad
        assert gradient is not None and bool(gradient.any()), name


@pytest.mark.parametrize(
    ("item", "name", "std"),
    [
        ("position: {kind: learned, init: {normal: 0.5}}", "position.weight", 0.5),
        ("position: {kind: learned, init: {trunc_normal: 0.1}}", "position.weight", 0.1),
        ("position: {kind: learned}", "position.weight", 0.02),
        (
            "add_token: {kind: register, count: 64, init: {normal: 0.3}}",
            "register_token.weight",
            0.3,
        ),
    ],
)
def test_tables_of_positions_and_tokens(item: str, name: str, std: float, tmp_path: Path) -> None:
    after = ", select: map" if "token" in item else ""
    model = built(tmp_path, f"[{item}{after}]", init="xavier")
    assert_normal(weight(model, first(name)), std)


def test_the_nearest_rule_holds(tmp_path: Path) -> None:
    define = """
      mix: [pointwise: {init: {normal: 0.5}}, pointwise, conv: 3, inner, plain: {init: default}],
      inner: [pointwise: 32, pointwise: 64],
      plain: [pointwise]"""
    block = "[mix: {init: {normal: 0.1}}, pointwise]"
    model = built(tmp_path, block, define=define, init="{normal: 0.9}")
    wanted = {
        "mix.pointwise1.weight": 0.5,  # its own
        "mix.pointwise2.weight": 0.1,  # the definition's use
        "mix.conv.weight": 0.1,  # which speaks of all weights
        "mix.inner.pointwise1.weight": 0.1,  # handed on
        "mix.plain.pointwise.weight": 0.02,  # back to the table
        "pointwise.weight": 0.9,  # the backbone's
    }
    for name, std in wanted.items():
        assert_normal(weight(model, first(name)), std)


def test_a_rule_from_around_is_silent_where_it_means_nothing(tmp_path: Path) -> None:
    define = "mix: [position: learned, average_pooling: 3, mlp, pointwise]"
    model = built(tmp_path, "[mix: {init: xavier}]", define=define)
    assert_normal(weight(model, first("position.weight")), 0.02)
    assert_normal(weight(model, first("mlp.weight")), 1 / 64)
    assert_uniform(weight(model, first("pointwise.weight")), math.sqrt(6 / 128))


def test_a_parameter_of_that_name_is_the_definitions_own(tmp_path: Path) -> None:
    define = "mix: {params: {init: 1e-5}, body: [pointwise, scale: $init]}"
    model = built(tmp_path, "[mix: {init: 0.25}]", define=define)
    assert_normal(weight(model, first("pointwise.weight")), 0.02)
    assert torch.equal(weight(model, first("scale.weight")), torch.full((64,), 0.25))


def test_defaults_variables_set_and_replace(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text(
        "backbone: base\ninput: {size: 32}\nclasses: 10\n"
        "defaults: {conv: {init: {normal: 0.3}}}\n"
        "stem: [conv: {size: 3, channels: $channels, stride: 4}]\n"
        "stages: [{depth: 1, channels: 64, std: 0.4}]\n"
        "block: [pointwise: {init: {normal: $std}}, {pointwise: 64, label: second}, mlp]\n"
        "head: [global_pool, classifier]\n"
    )
    path = tmp_path / "child.yaml"
    path.write_text(
        "backbone: child\nextends: base\nset: {second: {init: xavier}}\n"
        "replace: {mlp: {pointwise: {init: {normal: 0.6}}}}\n"
    )
    model = made(compile_backbone(str(path)).text)
    assert_normal(weight(model, "stem.conv.weight"), 0.3)
    assert_normal(weight(model, first("pointwise1.weight")), 0.4)
    assert_uniform(weight(model, first("second.weight")), math.sqrt(6 / 128))
    assert_normal(weight(model, first("pointwise2.weight")), 0.6)


MANY = """[
  residual: [layer_norm, local_attention: {window: 4, init: {normal: 0.25}}],
  residual: [feed_forward: {init: zeros}], residual: [feed_forward],
  depthwise_conv: {size: 3, init: {kaiming: fan_out}},
  {pointwise: {groups: 4, init: xavier}},
  {token_mlp: {share: none, init: xavier}}]"""
HEAD = "[global_pool, pointwise: {init: {normal: 0.125}}, classifier: {init: {normal: 0.5}}]"


def test_reset_after_meta_starts_the_same_way(tmp_path: Path) -> None:
    text = text_of(tmp_path, MANY, head=HEAD, classes=100)
    fresh = made(text)
    with torch.device("meta"):
        empty = made(text)
    empty.to_empty(device="cpu")
    for tensor in empty.parameters():
        tensor.data.fill_(99)
    empty.reset_parameters()
    for name, parameter in fresh.named_parameters():
        found = weight(empty, name)
        if parameter.numel() < 1000:
            assert bool(parameter.any()) == bool(found.any()), name
            assert float(found.abs().max()) < 10, name
        else:
            std = float(parameter.detach().std())
            assert abs(float(found.std()) - std) <= 0.1 * std, name
    assert_normal(weight(empty, first("local_attention.proj.weight")), 0.25)
    assert not weight(empty, first("feed_forward1.pointwise2.weight")).any()
    assert bool(weight(empty, first("feed_forward2.pointwise2.weight")).any())
    assert_normal(weight(empty, "pointwise.weight"), 0.125)
    assert_normal(weight(empty, "classifier.weight"), 0.5)


def test_a_fresh_classifier_starts_as_the_spec_says(tmp_path: Path) -> None:
    model = built(tmp_path, "[relu]", head=HEAD)
    before = weight(model, "pointwise.weight").clone()
    model.reset_classifier(200)
    assert_normal(weight(model, "classifier.weight"), 0.5)
    assert torch.equal(weight(model, "pointwise.weight"), before)
    model.reset_classifier(0)
    model.reset_parameters()  # There is nothing to start where the classifier was.
    assert isinstance(model.classifier, nn.Identity)


def test_numbers_of_forward_do_not_depend_on_it(tmp_path: Path) -> None:
    plain = built(tmp_path, "[local_attention: {window: 4}, feed_forward]").eval()
    other = built(
        tmp_path, "[local_attention: {window: 4, init: xavier}, feed_forward: {init: zeros}]"
    ).eval()
    other.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(plain(x), other(x))


def test_what_starts_otherwise_is_proved_all_the_same(tmp_path: Path) -> None:
    block = "[residual: [local_attention: {window: 4, init: xavier}, feed_forward: {init: zeros}]]"
    report = verify_text(text_of(tmp_path, block, head=HEAD), "tested.py")
    assert report.checks
    assert not report.failures


def test_a_branch_begins_as_nothing_where_its_norm_begins_at_0(tmp_path: Path) -> None:
    text = text_of(tmp_path, "[residual: [conv: 3, layer_norm: {init: 0}], layer_norm]")
    model = made(text)
    assert not weight(model, first("norm1.weight")).any()
    assert weight(model, first("norm2.weight")).eq(1).all()
    forgets = text.replace("nn.init.constant_(self.weight, self.init)", "pass")
    report = verify_text(forgets, "tested.py")
    assert [check.name for check in report.failures] == ["start"]


def test_classes_that_differ_only_in_their_start_are_two(tmp_path: Path) -> None:
    text = text_of(tmp_path, MANY, head=HEAD)
    assert text.count("class FeedForward(nn.Module)") == 1
    assert text.count("class ZerosStartedFeedForward(nn.Module)") == 1
    # What the class around it starts needs no class of its own.
    assert text.count("class WindowAttention(nn.Module)") == 1
    assert "self.feed_forward1 = ZerosStartedFeedForward(dim)" in text
    assert "self.feed_forward2 = FeedForward(dim)" in text
    assert "nn.init.normal_(self.local_attention.qkv.weight, std=0.25)" in text


def test_lines_stay_short_whatever_the_names(tmp_path: Path) -> None:
    label = "a" * 48
    rule = "init: {kaiming: fan_out}"
    block = f"[{{conv: {{size: 3, groups: 4, {rule}}}, label: {label}}}]"
    head = f"[global_pool, {{pointwise: {{{rule}}}, label: {'b' * 48}}}, classifier]"
    text = text_of(tmp_path, block, head=head).split("\nSPEC = ")[0]
    assert max(map(len, text.splitlines())) <= 100
    assert f"for part in self.{label}.weight.chunk(\n" in text
    model = built(tmp_path, block, head=head)
    assert_normal(weight(model, f"{'b' * 48}.weight"), math.sqrt(2 / 64))


def test_the_default_written_out_changes_no_code(tmp_path: Path) -> None:
    def code(block: str) -> list[str]:
        return text_of(tmp_path, block).split("\nSPEC = ")[0].splitlines()[3:]  # hashes aside

    said = "[conv: {size: 3, init: default}, feed_forward: {init: default}]"
    assert code("[conv: 3, feed_forward]") == code(said)

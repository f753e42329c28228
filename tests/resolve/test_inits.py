"""`init`: the rules as values, what the resolver makes of them, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.assemble import assemble
from relgraph.errors import RelgraphError
from relgraph.resolve import resolve_backbone
from relgraph.resolve.literal import dump, parse
from relgraph.resolved import Backbone, Element
from tests.resolve.specs import around, uses, write


def resolve(folder: Path, block: str, **keys: str) -> Backbone:
    return resolve_backbone(write(folder, tested=spec(block, **keys))).backbone


def spec(block: str, **keys: str) -> str:
    return around(block, **{"input": "{size: 32}", **keys})


RULES = {
    "default": "default",
    "xavier": "xavier",
    "zeros": "zeros",
    "kaiming": ("kaiming", "fan_in"),
    "{kaiming: fan_out}": ("kaiming", "fan_out"),
    "{trunc_normal: 1}": ("trunc_normal", 1.0),
    "{normal: 1e-3}": ("normal", 0.001),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_a_value_that_comes_back_from_its_literal(rule: str, tmp_path: Path) -> None:
    backbone = resolve(tmp_path, f"[pointwise: {{init: {rule}}}]")
    (use,) = uses(backbone.stages[0].blocks[0], "pointwise")
    assert use.init == RULES[rule]
    assert parse(dump(backbone)) == backbone


def test_nothing_said_is_nothing_in_the_literal(tmp_path: Path) -> None:
    backbone = resolve(tmp_path, "[pointwise, conv: 3]")
    assert "init" not in str(dump(backbone))


def test_the_backbones_rule_stays_at_the_top(tmp_path: Path) -> None:
    backbone = resolve(tmp_path, "[pointwise]", init="{trunc_normal: 0.03}")
    assert backbone.init == ("trunc_normal", 0.03)
    assert dump(backbone)["init"] == ["trunc_normal", 0.03]
    assert uses(backbone.stages[0].blocks[0], "pointwise")[0].init is None


def test_zeros_of_a_definition_are_its_last_layers(tmp_path: Path) -> None:
    define = "{mix: [pointwise: {init: xavier}, ff], ff: [pointwise: 16, gelu, pointwise: 8]}"
    backbone = resolve(tmp_path, "[mix: {init: zeros}]", define=define)
    found = [use.init for use in uses(backbone.stages[0].blocks[0], "pointwise")]
    assert found == ["xavier", None, "zeros"]


def test_what_a_variable_holds(tmp_path: Path) -> None:
    stages = "[{depth: 1, channels: 8, rule: zeros}, {depth: 1, channels: 8, rule: {normal: $std}}]"
    backbone = resolve(tmp_path, "[pointwise: {init: $rule}]", stages=stages, params="{std: 0.25}")
    found = [uses(stage.blocks[0], "pointwise")[0].init for stage in backbone.stages]
    assert found == ["zeros", ("normal", 0.25)]


def test_elements_keep_it_beside_their_arguments(tmp_path: Path) -> None:
    head = "[global_pool, classifier: {init: {normal: 0.5}}]"
    classifier = resolve(tmp_path, "[relu]", head=head).head[-1]
    assert isinstance(classifier, Element)
    assert (classifier.init, classifier.arguments) == (("normal", 0.5), (("bias", True),))


REFUSED = [
    ("average_pooling: {size: 3, init: xavier}", "init-no-weights"),
    ("mlp: {init: xavier}", "init-no-fans"),
    ("position: {kind: learned, init: kaiming}", "init-no-fans"),
    ("position: {kind: sincos, init: {normal: 1}}", "init-no-weights"),
    ("squeeze_excite: {init: zeros}", "init-no-last-layer"),
    ("feed_forward: {act: gelu, init: zero}", "bad-value"),
    ("pointwise: {init: 0}", "bad-value"),
    ("pointwise: {init: trunc_normal}", "bad-value"),
    ("pointwise: {init: {normal: -1}}", "bad-value"),
    ("pointwise: {init: {normal: 0}}", "bad-value"),
    ("pointwise: {init: {normal: true}}", "bad-value"),
    ("pointwise: {init: {xavier: 2}}", "bad-value"),
    ("pointwise: {init: {kaiming: fan_avg}}", "bad-value"),
    ("pointwise: {init: {normal: 1, xavier: 2}}", "bad-value"),
    ("pointwise: {init: [xavier]}", "bad-value"),
    ("layer_norm: {init: zeros}", "bad-value"),
    ("group_norm: {init: zeros}", "unknown-field"),
    ("relu: {init: zeros}", "unknown-field"),
]


@pytest.mark.parametrize(("item", "code"), REFUSED, ids=lambda value: str(value)[:40])
def test_refusals_stand_at_the_rule(item: str, code: str, tmp_path: Path) -> None:
    path = write(tmp_path, tested=spec(f"[{item}]"))
    with pytest.raises(RelgraphError) as caught:
        assemble(resolve_backbone(path).backbone)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.place is not None
    line = f"block: [{item}]"
    assert problem.place.line == path.read_text().splitlines().index(line) + 1
    assert problem.place.column > line.index("init")


def test_zeros_need_a_layer_behind_normalised_weights(tmp_path: Path) -> None:
    operator = tmp_path / "bare_attention.yaml"
    operator.write_text(
        "operator: bare_attention\nspace: {connect: full}\nchannel: {connect: separate}\n"
        "weight: {dynamic: pair, normalize: softmax}\nbias: false\nframe: {value: true}\n"
    )
    with pytest.raises(RelgraphError, match="init-no-last-layer"):
        assemble(resolve(tmp_path, "[bare_attention: {init: zeros}]"))


def test_a_backbone_of_zeros_learns_nothing(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="init-nothing-learns"):
        resolve(tmp_path, "[relu]", init="zeros")


def test_a_refused_rule_hides_no_other_mistake(tmp_path: Path) -> None:
    block = "[pointwise: {init: hee}, mix: {init: he}, conv: {size: 3, chanels: 3}, mlp: {init: 1}]"
    path = write(tmp_path, tested=spec(block, define="{mix: [pointwise: {ration: 2}]}"))
    with pytest.raises(RelgraphError) as caught:
        resolve_backbone(path)
    assert [problem.code for problem in caught.value.problems].count("bad-value") == 3
    assert [problem.code for problem in caught.value.problems].count("unknown-field") == 2


def test_a_wrong_size_is_told_beside_a_refused_rule(tmp_path: Path) -> None:
    block = "[pointwise: {init: hee}, global_attention: {heads: 3}]"
    path = write(tmp_path, tested=spec(block))
    with pytest.raises(RelgraphError) as caught:
        resolve_backbone(path)
    assert {problem.code for problem in caught.value.problems} == {"bad-value", "heads-divide"}


@pytest.mark.parametrize("norm", ["layer_norm", "batch_norm"])
def test_a_norm_at_the_end_is_told_its_own_start(norm: str, tmp_path: Path) -> None:
    with pytest.raises(RelgraphError) as caught:
        resolve(
            tmp_path, "[residual: [ending: {init: zeros}]]", define=f"{{ending: [conv: 3, {norm}]}}"
        )
    (problem,) = caught.value.problems
    assert f"{norm}: {{init: 0}}" in problem.hint


def test_a_norm_that_starts_at_one_leaves_no_trace(tmp_path: Path) -> None:
    """What came later to a word: a spec that does not say it keeps the hash that it had."""
    silent, told, other = (
        resolve(tmp_path, f"[{norm}]")
        for norm in ("layer_norm", "layer_norm: {init: 1}", "layer_norm: {init: 0}")
    )
    assert dump(silent) == dump(told)
    assert "'init'" not in str(dump(silent))
    assert parse(dump(silent)) == silent
    assert parse(dump(other)) == other != silent

"""A valid deep model is proved: the images' difference reaches its logits, rounding does not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from relgraph.verify import verify_text
from relgraph.verify.loud import check_loud
from relgraph.verify.reference import Outputs
from relgraph.verify.runs import Run, run_reference
from relgraph.verify.statistics import images_needed
from relgraph.verify.stochastic import check_places
from relgraph.verify.structure import cancelled, make_subject, training_check
from tests.designs import write_spec

DEEP = """
backbone: example
input: {size: 16}
classes: 5
stem: [conv: {size: 3, channels: $channels, stride: 2}]
stages: [{depth: 16, channels: 8}]
block: [depthwise_conv: {size: 3, bias: false}, batch_norm, silu, pointwise, batch_norm, silu]
head: [global_pool, classifier]
"""
GATED = """
backbone: example
input: {size: 16}
classes: 5
stem: [conv: {size: 3, channels: $channels, stride: 2}]
stages: [{depth: 12, channels: 16}]
block:
  - [depthwise_conv: {size: 3, bias: false}, batch_norm]
  - product: [[], [global_pool, pointwise: 4, batch_norm, relu, pointwise: 16, sigmoid]]
  - [relu6, pointwise, batch_norm]
head: [global_pool, classifier]
"""
BIASED = """
backbone: example
input: {size: 16}
classes: 5
stem: [conv: {size: 3, channels: $channels, stride: 2}]
stages: [{depth: 3, channels: 8}]
block:
  - [depthwise_conv: 3, batch_norm, silu, pointwise: {bias: false}, batch_norm]
head: [global_pool, classifier]
"""
PREDICTED = """
backbone: example
input: {size: 16}
classes: 5
stem: [conv: {size: 3, channels: $channels, stride: 2}]
stages: [{depth: 1, channels: 8}]
block: [dynamic_depthwise_conv: {size: 3}]
head: [global_pool, classifier]
"""
SQUARED = """
backbone: example
input: {size: 16}
classes: 5
stem: [conv: {size: 3, channels: $channels, stride: 2}]
stages: [{depth: 9, channels: 8}]
block: [{product: [[], []]}]
head: [layer_norm, global_pool, classifier]
"""
BOTTLENECKS = """
backbone: example
extends: resnet50
input: {size: 32}
stages:
  channels: [64, 128, 256, 512]
  width: [16, 32, 64, 128]
"""


def test_norms_stand_where_the_values_are(tmp_path: Path) -> None:
    """With statistics from nowhere two images differed by 1e-14 of their logits here."""
    compiled = compile_backbone(str(write_spec(tmp_path, DEEP)))
    module = load_text(compiled.text, "example.py")
    subject = make_subject(module.example(), compiled.program)
    with torch.no_grad():
        first, second = subject.model(subject.images)[:2]
    assert (first - second).abs().max() > 1e-3 * first.abs().max()
    variances = [t for name, t in subject.tensors.items() if name.endswith("running_var")]
    assert len(variances) == 32
    assert all((t > 0).all() and t.std() > 0 for t in variances)


def test_a_deep_chain_of_norms_is_proved(tmp_path: Path) -> None:
    compiled = compile_backbone(str(write_spec(tmp_path, DEEP)))
    assert verify_text(compiled.text, "example.py").failures == ()


def test_norms_of_pooled_vectors_are_proved(tmp_path: Path) -> None:
    """Two pooled images hardly differ; their batch norm in training divides by that."""
    compiled = compile_backbone(str(write_spec(tmp_path, GATED)))
    assert verify_text(compiled.text, "example.py").failures == ()


def test_deep_norms_of_single_positions_are_proved(tmp_path: Path) -> None:
    """Of two images of one position rounding decided which was larger: logits differed by 0.7."""
    compiled = compile_backbone(str(write_spec(tmp_path, BOTTLENECKS)))
    model = load_text(compiled.text, "example.py").example()
    (places,) = check_places(make_subject(model, compiled.program))
    assert places.ok


def test_a_gradient_that_cancels_is_nothing_in_both(tmp_path: Path) -> None:
    """A bias in front of a batch norm: what is left of its gradient is rounding, and another number
    wherever it is summed in another order. It must be nothing; others are held as they were."""
    compiled = compile_backbone(str(write_spec(tmp_path, BIASED)))
    model = load_text(compiled.text, "example.py").example()
    subject = make_subject(model, compiled.program)
    wanted = run_reference(subject.program, subject.tensors, subject.images, training=True)
    lost = cancelled(subject, wanted)
    names = [name for name in wanted.slopes if name.endswith("depthwise_conv.bias")]
    assert names
    assert all(lost[name].all() for name in names)
    assert all(lost[name].double().mean() < 0.1 for name in lost.keys() - set(names))
    largest = max(float(slope.abs().max()) for slope in wanted.slopes.values())
    for name, slope in wanted.slopes.items():
        wrong = slope + 1e-7 * (largest if name in names else float(slope.abs().max()))
        check = training_check(subject, _with(wanted, name, wrong), lost)
        assert not check.ok
        assert f"the gradient of {name}" in check.counter_example
    other = _with(wanted, names[0], wanted.slopes[names[0]] + 1e-12 * largest)
    assert not training_check(subject, other).ok
    assert training_check(subject, other, lost).ok


def _with(run: Run, name: str, slope: Tensor) -> Run:
    return replace(run, slopes={**run.slopes, name: slope})


def test_norms_of_predictors_get_as_many_images_as_those_of_gates(tmp_path: Path) -> None:
    """dynamic_dwnet_base: behind the norms of two vectors rounding a pixel moved gradients by 5e-8
    of themselves, behind those of four by 1e-11."""
    spec = write_spec(tmp_path, PREDICTED)
    assert images_needed(compile_backbone(str(spec)).program) == 4
    assert images_needed(compile_backbone(str(write_spec(tmp_path, BIASED))).program) == 2


def test_large_values_before_a_last_norm_are_not_compared(tmp_path: Path) -> None:
    """The logits are near 1 behind it; what is normalised there has left float64."""
    compiled = compile_backbone(str(write_spec(tmp_path, SQUARED)))
    subject = make_subject(load_text(compiled.text, "example.py").example(), compiled.program)
    check = check_loud(subject)
    assert check.ok, check
    assert check.measured == "too large to be compared"


def test_predicted_kernels_follow_large_values_less_where_they_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """inhomogeneous_dwnet_base reached 1e156 in its third stage, and its file's norm said nan."""
    compiled = compile_backbone(str(write_spec(tmp_path, PREDICTED)))
    subject = make_subject(load_text(compiled.text, "example.py").example(), compiled.program)
    reached = []

    def largest(outputs: Outputs) -> float:
        reached.append(float(outputs.last.abs().max()))
        return math.inf if len(reached) == 1 else reached[-1]

    monkeypatch.setattr("relgraph.verify.loud._largest", largest)
    check = check_loud(subject)
    assert check.measured.startswith("equal to")
    first, second = reached
    assert second != first

"""A valid deep model is proved: the images' difference reaches its logits, rounding does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from relgraph.verify import verify_text
from relgraph.verify.runs import run_reference
from relgraph.verify.stochastic import check_places
from relgraph.verify.structure import (
    LOOSEST,
    ROUNDINGS,
    make_subject,
    rounding_of,
    training_check,
)
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


def test_rounding_excuses_no_wrong_gradient(tmp_path: Path) -> None:
    compiled = compile_backbone(str(write_spec(tmp_path, DEEP)))
    model = load_text(compiled.text, "example.py").example()
    subject = make_subject(model, compiled.program)
    wanted = run_reference(subject.program, subject.tensors, subject.images, training=True)
    assert ROUNDINGS * rounding_of(subject, wanted) < LOOSEST
    assert training_check(subject, wanted, LOOSEST).ok
    name = next(iter(wanted.slopes))
    wrong = replace(wanted, slopes={**wanted.slopes, name: 1.01 * wanted.slopes[name]})
    check = training_check(subject, wrong, LOOSEST)
    assert not check.ok
    assert f"the gradient of {name}" in check.counter_example

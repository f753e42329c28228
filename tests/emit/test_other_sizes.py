"""A model that is built for another image has the parameters that the spec has there, in every form
of its connections. A slice of the families, each alone between an image and a classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.families.judge import alone
from relgraph.algebra.families import families, framed, ranked
from relgraph.algebra.operator import Operator, Size
from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.emitted import load_text
from relgraph.errors import RelgraphError
from relgraph.pipeline import compile_backbone
from relgraph.program import Connect, Node, Program, Scope
from relgraph.verify.draws import inventory

SLICE = (*ranked()[5::41], *families()[7::401])


@pytest.mark.parametrize("number", range(len(SLICE)))
def test_a_model_for_another_image_is_the_spec_s(number: int) -> None:
    operator = SLICE[number]
    _, _, inside, _ = framed(operator)
    for one in (operator, inside):
        for made in _forms(one):
            _compare(made)


@pytest.mark.parametrize("label", ["gather", "spread"])
def test_a_person_may_name_strides_as_factors_are_named(tmp_path: Path, label: str) -> None:
    """Factors through learned tokens keep their number of tokens; a map that shrinks is none."""
    (tmp_path / "strided.yaml").write_text(
        "operator: strided\nspace: {connect: local, size: 3, stride: 2}\n"
        "channel: {connect: separate}\n"
    )
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "backbone: net\ninput: {size: 16}\nclasses: 2\nstem: [patchify: 4]\n"
        f"stages: [{{channels: 4, depth: 1, block: [{{strided: {{}}, label: {label}}}]}}]\n"
        "head: [global_pool, classifier]\n"
    )
    build = load_text(compile_backbone(str(spec)).text, "net.py").net
    assert build(img_size=32)(torch.zeros(1, 3, 32, 32)).shape == (1, 2)


def _forms(operator: Operator) -> tuple[Program, ...]:
    """The operator alone, in the form that is chosen and in the general one."""
    try:
        made = assemble(alone(operator))
    except RelgraphError:
        return ()  # some take no frame
    general = [
        replace(stage, blocks=tuple(_general(block) for block in stage.blocks))
        for stage in made.stages
    ]
    return made, replace(made, stages=tuple(general))


def _general(scope: Scope) -> Scope:
    return replace(scope, body=tuple(map(_generally, scope.body)))


def _generally(node: Node) -> Node:
    if isinstance(node, Connect):
        return replace(node, form="general")
    return _general(node) if isinstance(node, Scope) else node


def _compare(program: Program) -> None:
    own = program.input.grid
    assert own is not None
    build = load_text(emit(program), "family.py").family_alone
    for size in ((2 * own[0], own[1]), (own[0], 2 * own[1])):
        if not program.contract.unique:
            _compare_at(program, build, size)


def _compare_at(program: Program, build: type[torch.nn.Module], size: Size) -> None:
    other = assemble(program.source, size=size)
    model = build(img_size=size).eval()
    found = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    wanted = {entry.name: entry.shape for entry in inventory(other)}
    assert {name: found[name] for name in found if "num_batches" not in name} == wanted
    with torch.no_grad():
        assert model(torch.rand(1, program.input.channels, *size)).isfinite().all()

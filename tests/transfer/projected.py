"""Shared by the tests of projections: items of programs, random weights, dense W.

W is measured as the Jacobian of the reference interpreter, in float64, on small maps: none of the
code under test has a part in it.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from relgraph import resolved
from relgraph.algebra.operator import Channel, Operator, Rank, Size, Space
from relgraph.assemble import assemble
from relgraph.graph.cost import Setting, around
from relgraph.program import Connect, Scope
from relgraph.verify.draws import inventory
from relgraph.verify.reference import run_connect, run_scope
from relgraph.verify.values import under

Operators = Connect | Scope
LOCAL = Space("local", size=(3, 3), share="positions")
POINT = Space("point", share="positions")
FULL = Channel()
SEPARATE = Channel("separate")


def ranked(operator: Operator, word: str, *numbers: int) -> Operator:
    """The operator with a rank word on the axis that it belongs to."""
    rank = Rank(word, numbers)  # type: ignore[arg-type]
    if word == "inner":
        return replace(operator, channel=replace(operator.channel, rank=rank))
    return replace(operator, space=replace(operator.space, rank=rank))


def use(
    operator: Operator,
    width: tuple[int, int],
    reduce: resolved.Body = (),
    between: resolved.Body = (),
) -> resolved.OperatorUse:
    """A use of an operator with given widths."""
    return resolved.OperatorUse(
        name="operator",
        operator=operator,
        in_channels=width[0],
        out_channels=width[1],
        reduce=reduce,
        between=between,
    )


def item(*uses: resolved.OperatorUse, grid: Size = (4, 5)) -> tuple[Operators, dict[str, Tensor]]:
    """An operator (of several: a body) inside a program, and random tensors by local names."""
    body: resolved.Body = uses
    if len(uses) > 1:
        body = (resolved.Scope(name="composite", kind="operator", body=uses),)
    program = assemble(around(body, Setting(uses[0].in_channels, grid)))
    node = program.stages[0].blocks[0].body[0]
    assert isinstance(node, Connect | Scope)
    generator = torch.Generator().manual_seed(3)
    tensors = {
        entry.name: torch.randn(entry.shape, generator=generator, dtype=torch.float64)
        for entry in inventory(program)
    }
    for name, tensor in tensors.items():
        if name.endswith("running_var"):
            tensor.abs_().add_(0.5)
    return node, under(tensors, f"stages.0.blocks.0.{node.attr}")


def run(node: Operators, tensors: dict[str, Tensor], x: Tensor) -> Tensor:
    """The operator by the reference interpreter, (B, T + P, C) → (B, T + P, D)."""
    if isinstance(node, Scope):
        return run_scope(node, tensors, x)
    return run_connect(node, "", tensors, x)


def dense(node: Operators, tensors: dict[str, Tensor]) -> Tensor:
    """W[o, d, i, c] of an affine operator."""
    places = len(node.input.tokens) + node.input.positions
    zero = torch.zeros(places, node.input.channels, dtype=torch.float64)
    w = torch.func.jacrev(lambda x: run(node, tensors, x[None])[0])(zero)
    assert isinstance(w, Tensor)
    return w


def relative(made: Tensor, wanted: Tensor) -> float:
    """‖made − wanted‖ / ‖wanted‖."""
    return float((made - wanted).norm() / wanted.norm())

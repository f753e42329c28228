"""Rank words are measured through the file's own factors; a factor that does more is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from relgraph.algebra.operator import Rank
from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.emitted import load_text
from relgraph.program import Program
from relgraph.resolve import resolve_operator
from relgraph.resolved import Backbone, Element, OperatorUse, Stage
from relgraph.verify.draws import draw, inventory
from relgraph.verify.rank import Claim, check_rank, claims


def program_of(operator: str, side: int = 8, **params: object) -> Program:
    """One operator on 6 channels between nothing and a classifier."""
    use = resolve_operator(operator, 6, params=params)  # type: ignore[arg-type]
    head = (
        Element(word="global_pool", arguments=(("kind", "average"),)),
        Element(word="classifier", arguments=(("bias", True),)),
    )
    stage = Stage(channels=6, blocks=((replace(use, place=None),),))
    return assemble(Backbone("alone", "", (side, side), 6, 3, (), (stage,), head))


def built(program: Program) -> tuple[nn.Module, dict[str, Tensor]]:
    module = load_text(emit(program), "alone.py")
    model = module.alone().double().eval()
    tensors = draw(inventory(program), 3)
    model.load_state_dict({**model.state_dict(), **tensors})
    return model, tensors


def only_claim(program: Program) -> Claim:
    (claim,) = claims(program)
    return claim


@pytest.mark.parametrize(
    ("operator", "params", "word", "bound"),
    [
        ("low_rank_mlp", {"inner": 2}, "inner", 2),
        ("token_mlp", {"hidden": 3}, "tokens", 3),
        ("pyramid_conv", {"scales": 4}, "scales", 4),
    ],
)
def test_declared_ranks_are_met(
    operator: str, params: dict[str, object], word: str, bound: int
) -> None:
    program = program_of(operator, **params)
    claim = only_claim(program)
    assert (claim.word, claim.bound) == (word, bound)
    check = check_rank(*built(program), claim)
    assert check.ok
    assert check.measured == f"rank {bound}"


def test_a_factor_of_higher_rank_is_noticed() -> None:
    program = program_of("low_rank_mlp", inner=2)
    model, tensors = built(program)
    claim = only_claim(program)

    class Around(nn.Module):
        """The last factor, with a way round the narrow place."""

        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.inner(x)
            return y + torch.cat([x, x**2, x**3], dim=1)

    holder = model.get_submodule(claim.path)
    holder.expand = Around(holder.get_submodule("expand"))
    check = check_rank(model, tensors, claim)
    assert not check.ok
    assert "the reference's 2" in check.counter_example


def test_a_kernel_that_is_no_product_is_noticed() -> None:
    program = program_of("depthwise_conv", size=3)
    use = resolve_operator("depthwise_conv", 6, params={"size": 3})
    assert isinstance(use, OperatorUse)
    separable = replace(use.operator, space=replace(use.operator.space, rank=Rank("separable")))
    stage = Stage(channels=6, blocks=((replace(use, operator=separable, place=None),),))
    program = assemble(replace(program.source, stages=(stage,)))
    model, tensors = built(program)
    claim = only_claim(program)
    assert (claim.word, claim.bound) == ("separable", 1)
    assert check_rank(model, tensors, claim).ok
    holder = model.get_submodule(claim.path)
    holder.columns = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False).double()
    check = check_rank(model, tensors, claim)
    assert not check.ok
    assert check.measured == "rank 3"

"""Factors with elements between them, framed and biased factors; refusals and their reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from relgraph import resolved
from relgraph.algebra.operator import Frame, Operator, Space, Weight
from relgraph.transfer.carried import Carried, Refused
from relgraph.transfer.projection import project
from tests.transfer.projected import (
    LOCAL,
    POINT,
    SEPARATE,
    Operators,
    dense,
    item,
    ranked,
    relative,
    run,
    use,
)

NORM = resolved.Element(word="batch_norm", arguments=(("eps", 1e-5), ("momentum", 0.1)))
RELU = resolved.Element(word="relu")
SOURCE = Operator(LOCAL)
BOTTLENECK = ranked(Operator(LOCAL), "inner", 3)
EVERY = Space("full")


def images(node: Operators, count: int = 60) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    shape = count, node.input.positions, node.input.channels
    return torch.randn(shape, generator=generator, dtype=torch.float64) + 0.5


def test_elements_between_need_images() -> None:
    source, own = item(use(SOURCE, (4, 5)))
    target, fresh = item(use(BOTTLENECK, (4, 5), between=(NORM, RELU)))
    made = project(source, target, own, fresh)
    assert isinstance(made, Refused)
    assert made.reason.startswith("relu stands between the factors")
    assert made.reason.endswith("images decide (--calibrate)")


@pytest.mark.parametrize("between", [(NORM, RELU), (RELU,), (NORM,)])
def test_the_last_factor_is_the_optimum_behind_the_elements(
    between: tuple[resolved.Element, ...],
) -> None:
    source, own = item(use(SOURCE, (4, 5)))
    target, fresh = item(use(BOTTLENECK, (4, 5), between=between))
    x = images(source)
    made = project(source, target, own, fresh, x)
    assert isinstance(made, Carried) and made.error is None, made
    tensors, wanted = dict(made.tensors), run(source, own, x)
    error = relative(run(target, tensors, x), wanted)
    assert made.error_outputs == pytest.approx(error, abs=1e-9) and error < 1
    for name in ("expand.weight", "expand.bias"):
        step = torch.randn(tensors[name].shape, dtype=torch.float64) * 1e-3
        for sign in (1, -1):
            moved = run(target, {**tensors, name: tensors[name] + sign * step}, x)
            assert relative(moved, wanted) >= error - 1e-12


def test_norms_have_the_statistics_of_the_images() -> None:
    source, own = item(use(SOURCE, (4, 5)))
    target, fresh = item(use(BOTTLENECK, (4, 5), between=(NORM, RELU)))
    x = images(source)
    made = project(source, target, own, fresh, x)
    assert isinstance(made, Carried)
    w, b = made.tensors["squeeze.weight"], made.tensors["squeeze.bias"]
    squeezed = (x @ w.T + b).flatten(0, 1)
    name = next(n for n in made.tensors if n.endswith("running_mean"))
    assert torch.allclose(made.tensors[name], squeezed.mean(0))


def test_frames_and_biases_go_along() -> None:
    frame = Frame(True, True)
    static = Operator(EVERY, SEPARATE, frame=frame)
    source, own = item(use(static, (4, 4)), grid=(2, 3))
    target, fresh = item(use(ranked(static, "tokens", 3), (4, 4)), grid=(2, 3))
    made = project(source, target, own, fresh)
    assert isinstance(made, Carried) and made.method == "projection"
    zero = torch.zeros(1, 6, 4, dtype=torch.float64)
    exact = project(target, source, dict(made.tensors), own)
    assert isinstance(exact, Refused), "a single connection is not asked here"
    for name, tensor in made.tensors.items():
        if name.split(".")[-2:] in (["proj", "weight"], ["value", "weight"]):
            assert any(torch.equal(tensor, one) for one in own.values())
    bare = run(source, {**own, "weight": torch.zeros_like(own["weight"])}, zero)
    cut = {n: torch.zeros_like(t) if n == "spread.weight" else t for n, t in made.tensors.items()}
    assert torch.allclose(run(target, cut, zero), bare)


def test_frames_that_the_target_lacks_are_multiplied_in() -> None:
    framed = Operator(LOCAL, SEPARATE, frame=Frame(True, True, False, True))
    source, own = item(use(framed, (4, 4)), grid=(4, 5))
    target, fresh = item(
        use(Operator(LOCAL, SEPARATE), (4, 4)), use(Operator(POINT), (4, 4)), grid=(4, 5)
    )
    made = project(source, target, own, fresh)
    assert isinstance(made, Carried)
    error = relative(dense(target, dict(made.tensors)), dense(source, own))
    assert made.error == pytest.approx(error, abs=1e-9)
    zero = torch.zeros(1, 20, 4, dtype=torch.float64)
    assert torch.allclose(run(target, dict(made.tensors), zero), run(source, own, zero))


def test_what_lies_inside_comes_back_exactly() -> None:
    dw, pw = use(Operator(LOCAL, SEPARATE), (4, 4)), use(Operator(POINT), (4, 5))
    source, own = item(dw, pw)
    target, fresh = item(dw, pw)
    own = {n: t if n != "operator1.bias" else torch.zeros_like(t) for n, t in own.items()}
    made = project(source, target, own, fresh)
    assert isinstance(made, Carried) and made.is_exact and made.error == 0
    assert relative(dense(target, dict(made.tensors)), dense(source, own)) < 1e-12


def test_a_reduction_by_a_learned_kernel_is_rank_one() -> None:
    cells = Space("local", size=(2, 2), stride=(2, 2), padding=(0, 0), share="positions")
    reduced = ranked(Operator(EVERY, SEPARATE), "reduce")
    kernel = use(Operator(cells, SEPARATE), (2, 2))
    source, own = item(use(Operator(EVERY, SEPARATE), (2, 2)), grid=(2, 4))
    target, fresh = item(use(reduced, (2, 2), reduce=(kernel,)), grid=(2, 4))
    made = project(source, target, own, fresh)
    assert isinstance(made, Carried), made
    error = relative(dense(target, dict(made.tensors)), dense(source, own))
    assert made.error == pytest.approx(error, abs=1e-9)
    w = own["weight"].reshape(2, 8, 1, 2, 2, 2).permute(0, 1, 2, 4, 3, 5).flatten(1, 3).flatten(2)
    best = sum(float(torch.linalg.svdvals(one)[0] ** 2) for one in w)
    assert error**2 == pytest.approx(1 - best / float(w.square().sum()), abs=1e-9)


@pytest.mark.parametrize(
    ("uses", "words"),
    [
        (
            ((Operator(LOCAL), (4, 4)), (Operator(LOCAL), (4, 5))),
            "do not meet evenly",
        ),
        (
            (
                (Operator(POINT), (4, 4)),
                (Operator(LOCAL, SEPARATE, Weight("pooled")), (4, 4)),
                (Operator(POINT), (4, 5)),
            ),
            "pooled",
        ),
        (
            tuple((Operator(POINT), (4, n)) for n in (4, 4, 4, 5)),
            "4 factors",
        ),
        (
            (
                (Operator(replace(LOCAL, stride=(2, 2)), SEPARATE), (4, 4)),
                (Operator(POINT), (4, 5)),
            ),
            "another map",
        ),
    ],
)
def test_what_has_no_way_says_why(
    uses: tuple[tuple[Operator, tuple[int, int]], ...], words: str
) -> None:
    source, own = item(use(SOURCE, (4, 5)))
    target, fresh = item(*(use(operator, width) for operator, width in uses))
    made = project(source, target, own, fresh)
    assert isinstance(made, Refused) and words in made.reason, made


def test_float32_is_stored_as_float32() -> None:
    source, own = item(use(SOURCE, (4, 5)))
    target, fresh = item(use(Operator(LOCAL, SEPARATE), (4, 4)), use(Operator(POINT), (4, 5)))
    single = {name: tensor.float() for name, tensor in own.items()}
    made = project(source, target, single, {name: t.float() for name, t in fresh.items()})
    assert isinstance(made, Carried)
    assert {tensor.dtype for tensor in made.tensors.values()} == {torch.float32}
    assert made.error == pytest.approx(
        relative(
            dense(target, {n: t.double() for n, t in made.tensors.items()}), dense(source, own)
        ),
        abs=1e-5,
    )

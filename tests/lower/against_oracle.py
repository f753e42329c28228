"""Shared by tests of lowerings: a module made from emitted text beside the oracle, float64."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from relgraph.algebra.operator import Connection, Operator, Size
from relgraph.lower.module import Module
from relgraph.program import Connect, Layout, Shape, node_of
from relgraph.verify import oracle
from tests.support import build

TOLERANCE = 1e-10  # relative, of the largest value


def node(
    operator: Operator,
    channels: int,
    grid: Size | None,
    *,
    out_channels: int | None = None,
    out_grid: Size | None = None,
    tokens: int = 0,
) -> Connect:
    """A connection as a node of a program, the output grid being the input's unless given."""
    out = out_channels or channels
    ends = (grid, out_grid or grid)
    return named(Connection(operator, channels, out, *ends, tokens=tokens))


def named(at: Connection) -> Connect:
    """The connection as a node whose tokens have names."""
    return node_of(at, "mixer", tuple(f"token{i}" for i in range(at.tokens)))


def randomize(module: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter and statistic random, in float64; a scale that saturates no softmax."""
    generator = torch.Generator().manual_seed(seed)
    module.double()
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.5
        tensor.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return module


def draw(shape: Shape, batch: int = 2, seed: int = 1) -> Tensor:
    """A random value (B, T + P, C), as the oracle reads it."""
    generator = torch.Generator().manual_seed(seed)
    places = len(shape.tokens) + shape.positions
    return torch.randn(batch, places, shape.channels, generator=generator, dtype=torch.float64)


def laid_out(x: Tensor, shape: Shape) -> Tensor:
    """From the oracle's (B, T + P, C) to the layout that emitted code has: maps channels_last."""
    if shape.layout == "sequence":
        return x
    if shape.layout == "vector":
        return x[:, 0]
    assert shape.grid is not None
    return x.transpose(1, 2).reshape(len(x), shape.channels, *shape.grid)


def flat(y: Tensor, layout: Layout) -> Tensor:
    """From emitted code's layout to the oracle's."""
    if layout == "sequence":
        return y
    return y[:, None] if layout == "vector" else y.flatten(2).transpose(1, 2)


def assert_close(found: Tensor, expected: Tensor, what: str) -> None:
    """Equal to 1e-10 of the largest expected value."""
    assert found.shape == expected.shape, f"{what}: {found.shape} instead of {expected.shape}"
    scale = float(expected.detach().abs().max().clamp(min=1e-3))
    difference = float((found - expected).detach().abs().max())
    assert difference <= TOLERANCE * scale, f"{what} differs by {difference / scale:.1e}"


def assert_equals_oracle(
    at: Connect, lowered: Module, *, training: bool = False, module: nn.Module | None = None
) -> nn.Module:
    """Forward, the gradient of the input and of every parameter; returns the module."""
    made = randomize(build(lowered)) if module is None else module
    made.train(training)
    x = draw(at.input, batch=3 if training else 2).requires_grad_()
    parameters = dict(made.named_parameters())
    found = flat(made(laid_out(x, at.input)), at.output.layout)
    tensors = made.state_dict(keep_vars=True)
    expected = oracle.connect(at.connection, tensors, x, training=training)
    assert_close(found, expected, "output")
    weight = torch.randn(expected.shape, dtype=expected.dtype)
    wanted = [x, *parameters.values()]
    ours = torch.autograd.grad(found, wanted, weight, allow_unused=True, materialize_grads=True)
    theirs = torch.autograd.grad(
        expected, wanted, weight, allow_unused=True, materialize_grads=True
    )
    for name, mine, other in zip(["x", *parameters], ours, theirs, strict=True):
        assert_close(mine, other, f"gradient of {name}")
    with torch.no_grad():  # inference may take another path
        assert_close(flat(made(laid_out(x, at.input)), at.output.layout), expected, "inference")
    return made


def assert_composes(made: nn.Module, at: Connect) -> None:
    """forward(x) == aggregate(weights(x), x)."""
    made.eval()
    x = laid_out(draw(at.input, seed=5), at.input)
    halves: Any = made
    with torch.no_grad():
        assert_close(halves.aggregate(halves.weights(x), x), made(x), "aggregate(weights(x), x)")


def assert_compiles(made: nn.Module, at: Connect) -> None:
    """One graph under torch.compile, in training and in inference."""
    x = laid_out(draw(at.input), at.input)
    torch.compiler.reset()  # modules of other tests share code and would count as recompilations
    compiled = torch.compile(made, fullgraph=True, backend="eager")
    assert_close(compiled(x), made(x), "compiled")
    with torch.no_grad():
        assert_close(compiled(x), made(x), "compiled for inference")


def assert_exports(made: nn.Module, at: Connect) -> None:
    """torch.export with a dynamic batch: another number of images gives the same values."""
    made.eval()
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    with torch.no_grad():
        exported = torch.export.export(
            made, (laid_out(draw(at.input), at.input),), dynamic_shapes=(batch,)
        ).module()
        other = laid_out(draw(at.input, batch=5), at.input)
        assert_close(exported(other), made(other), "exported")


def assert_survives_meta(lowered: Module, at: Connect) -> None:
    """Built on meta, given memory and reset, it holds the tables that a plain build holds."""
    plain = build(lowered)
    with torch.device("meta"):
        made = build(lowered)
    made.to_empty(device="cpu")
    for inner in _post_order(made):
        reset = getattr(inner, "reset_parameters", None)
        if reset is not None:
            reset()
    parameters = dict(plain.named_parameters())
    for name, tensor in made.named_parameters():
        assert bool(tensor.isfinite().all()), name
        tensor.data.copy_(parameters[name].data)
    for name, buffer in plain.named_buffers():
        assert torch.equal(made.get_buffer(name), buffer), name
    x = laid_out(draw(at.input).float(), at.input)
    plain.eval(), made.eval()
    assert torch.equal(made(x), plain(x))


def assert_runs_in_bfloat16(lowered: Module, at: Connect) -> None:
    """In bf16 and under autocast, near the float32 values."""
    made = build(lowered).eval()
    x = laid_out(draw(at.input).float(), at.input)
    expected = made(x)
    for grad in (True, False):
        with torch.set_grad_enabled(grad), torch.autocast("cpu", torch.bfloat16):
            assert float((made(x) - expected).detach().abs().max()) < 0.1
    made.bfloat16()
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            found = made(x.bfloat16())
            assert found.dtype == torch.bfloat16
            assert float((found - expected).detach().abs().max()) < 0.1


def _post_order(module: nn.Module) -> list[nn.Module]:
    inner = [m for child in module.children() for m in _post_order(child)]
    return [*inner, module]

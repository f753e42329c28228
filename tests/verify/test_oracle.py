"""The oracle against torch's convolutions and poolings, and its own pieces."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import relgraph.verify.oracle as oracle
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Size,
    Space,
    Weight,
)
from tests.verify.oracle_inputs import C, D, H, W, close, predictor, rand, rows, shape_of, two


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


# Convolutions


@pytest.mark.parametrize("size", [1, 3, (3, 5), 7])
@pytest.mark.parametrize("stride", [1, 2, (2, 3)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_centred(
    size: int | Size, stride: int | Size, dilation: int, groups: int
) -> None:
    kernel, step = two(size), two(stride)
    x, weight, bias = rand(2, C, H, W), rand(D, C // groups, *kernel), rand(D)
    half = [(k - 1) // 2 * dilation for k in kernel]
    expected = F.conv2d(x, weight, bias, step, half, dilation, groups)
    space = Space(
        "local", size=kernel, stride=step, dilation=(dilation, dilation), share="positions"
    )
    channel = Channel("groups", groups=groups) if groups > 1 else Channel("full")
    connection = Connection(Operator(space, channel), C, D, (H, W), shape_of(expected))
    close(oracle.connect(connection, {"weight": weight, "bias": bias}, rows(x)), rows(expected))
    assert oracle.multiply_adds(connection) == expected[0].numel() * weight[0].numel()


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, 0), (4, 2, 1), (3, 2, 0), (5, 1, 3)]
)
def test_convolution_with_a_number_of_padding(size: int, stride: int, padding: int) -> None:
    x, weight = rand(2, C, H, W), rand(D, C, size, size)
    expected = F.conv2d(x, weight, None, stride, padding)
    space = Space("local", two(size), two(stride), share="positions", padding=(padding, padding))
    connection = Connection(Operator(space, bias="none"), C, D, (H, W), shape_of(expected))
    close(oracle.connect(connection, {"weight": weight}, rows(x)), rows(expected))


def test_even_kernels_take_their_extra_tap_after_the_centre() -> None:
    x, weight = rand(2, C, H, W), rand(C, 1, 2, 4)
    expected = F.conv2d(F.pad(x, (1, 2, 0, 1)), weight, None, groups=C)
    space = Space("local", (2, 4), share="positions")
    operator = Operator(space, Channel("separate"), bias="none")
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, {"weight": weight}, rows(x)), rows(expected))


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (2, 2), (5, 3), (4, 1)])
def test_same_as_tensorflow(size: int, stride: int) -> None:
    x, weight = rand(2, C, 7, 9), rand(D, C, size, size)
    padding: list[int] = []
    for length in (9, 7):  # F.pad wants columns first
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        padding += [total // 2, total - total // 2]
    expected = F.conv2d(F.pad(x, padding), weight, None, stride)
    space = Space("local", two(size), two(stride), share="positions", padding="same_tf")
    connection = Connection(Operator(space, bias="none"), C, D, (7, 9), shape_of(expected))
    close(oracle.connect(connection, {"weight": weight}, rows(x)), rows(expected))


@pytest.mark.parametrize(
    ("border", "mode"), [("wrap", "circular"), ("reflect", "reflect"), ("clamp", "replicate")]
)
def test_borders(border: str, mode: str) -> None:
    x, weight = rand(2, C, H, W), rand(C, 1, 5, 5)
    expected = F.conv2d(F.pad(x, (2, 2, 2, 2), mode=mode), weight, None, groups=C)
    space = Space("local", (5, 5), share="positions", border=border)  # type: ignore[arg-type]
    operator = Operator(space, Channel("separate"), bias="none")
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, {"weight": weight}, rows(x)), rows(expected))


def test_channel_ties_of_depthwise_kernels() -> None:
    x, weight = rand(2, C, H, W), rand(2, 1, 3, 3)
    expected = F.conv2d(x, weight.repeat_interleave(2, 0), None, padding=1, groups=C)
    space = Space("local", (3, 3), share="positions")
    operator = Operator(space, Channel("separate", share="heads", heads=2), bias="none")
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, {"weight": weight}, rows(x)), rows(expected))


def test_one_matrix_for_all_groups() -> None:
    x, weight = rand(2, C, H, W), rand(D // 2, C // 2, 3, 3)
    expected = F.conv2d(x, weight.repeat(2, 1, 1, 1), None, padding=1, groups=2)
    space = Space("local", (3, 3), share="positions")
    operator = Operator(space, Channel("groups", groups=2, share="all"), bias="none")
    connection = Connection(operator, C, D, (H, W), (H, W))
    close(oracle.connect(connection, {"weight": weight}, rows(x)), rows(expected))


def test_unshared_local_weights_are_stored_for_live_entries_output_by_output() -> None:
    x = rand(1, 1, 3, 3)
    space, channel = Space("local", (3, 3)), Channel("separate")
    connection = Connection(Operator(space, channel, bias="none"), 1, 1, (3, 3), (3, 3))
    live = [4, 6, 4, 6, 9, 6, 4, 6, 4]
    weight = torch.arange(sum(live), dtype=torch.float64)[None]
    y = oracle.connect(connection, {"weight": weight}, rows(x))[0, :, 0]
    close(y[0], weight[0, :4] @ x[0, 0, :2, :2].flatten())
    close(y[4], weight[0, 20:29] @ x.flatten())


# Average and identity


@pytest.mark.parametrize("border", ["zero", "mask"])
def test_average_counts_zeros_and_not_absent_places(border: str) -> None:
    x = rand(2, C, H, W)
    expected = F.avg_pool2d(x, 3, 1, 1, count_include_pad=border == "zero")
    operator = Operator(
        Space("local", (3, 3), border=border),  # type: ignore[arg-type]
        Channel("separate"),
        Weight("fixed", fixed="average"),
        "none",
    )
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, {}, rows(x)), rows(expected))
    assert oracle.multiply_adds(connection) == 0


def test_identity_reads_the_centre() -> None:
    x = rand(2, C, H, W)
    space = Space("local", (3, 3), stride=(2, 2))
    operator = Operator(space, Channel("separate"), Weight("fixed", fixed="identity"), "none")
    connection = Connection(operator, C, C, (H, W), (H // 2, W // 2))
    close(oracle.connect(connection, {}, rows(x)), rows(x[:, :, ::2, ::2]))


# The pieces


def test_pieces_compose_to_the_whole() -> None:
    operator = Operator(
        Space("window", size=(2, 3), shift=(1, 1), border="mask"),
        Channel("separate", share="heads", heads=2),
        Weight("pair", normalize="softmax"),
        "none",
        Frame(value=True),
    )
    tensors, x = {"qkv.weight": rand(3 * C, C), "qkv.bias": rand(3 * C)}, rand(2, 24, C)
    connection = Connection(operator, C, C, (4, 6), (4, 6))
    w, v = oracle.weights(connection, tensors, x), oracle.values(connection, tensors, x)
    y = oracle.connect(connection, tensors, x)
    close(oracle.core(connection, w, v), y)
    close(torch.einsum("bodic,bic->bod", oracle.dense(connection, tensors, x), v), y)
    close(w.sum(-1), torch.ones_like(w.sum(-1)))
    assert (w != 0).sum(-1).eq((oracle.slots(connection) >= 0).sum(-1)).all()


def test_gradients_reach_every_parameter() -> None:
    operator = Operator(
        Space("local", (3, 3), share="positions"),
        Channel("separate", share="heads", heads=2),
        Weight("center", normalize="softmax", predictor=Predictor(2, True, "batch_norm")),
        frame=Frame(value=True, output=True),
    )
    connection = Connection(operator, C, D, (3, 4), (3, 4))
    tensors = predictor(18, 2, C)
    tensors |= {"value.weight": rand(C, C), "value.bias": rand(C), "bias": rand(C)}
    tensors |= {"proj.weight": rand(D, C), "proj.bias": rand(D)}
    names = [name for name in tensors if not name.startswith("norm.running")]

    def f(*values: Tensor) -> Tensor:
        return oracle.connect(connection, tensors | dict(zip(names, values, strict=True)), x)

    x = rand(2, 12, C)
    assert torch.autograd.gradcheck(f, [tensors[n].requires_grad_() for n in names])


def test_it_imports_nothing_of_the_compiler_or_the_algebras_functions() -> None:
    folder = Path(oracle.__file__).parent
    own = {"relgraph.algebra.operator", *(f"relgraph.verify.{p.stem}" for p in modules(folder))}
    for path in modules(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name for name in names if name.startswith("relgraph")} <= own, path.name


def modules(folder: Path) -> list[Path]:
    return sorted(folder.glob("oracle*.py"))

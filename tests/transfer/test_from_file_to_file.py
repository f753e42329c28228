"""Projections inside backbones, judged by nothing but torch: W of the emitted layers by automatic
differentiation, the optimum by lstsq over the target's numbers, products of factors by descent from
elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.func import functional_call

from relgraph.pipeline import compile_backbone
from relgraph.train.model import Architecture, Backbone, build
from relgraph.transfer import TransferRequest, transfer

SPEC = """backbone: {name}
input: {{size: [4, 6], channels: 3}}
classes: 3
stem: [pointwise: $channels]
stages: [{{depth: 1, channels: 4}}]
block: [residual: [batch_norm, own_{name}, relu]]
head: [global_pool, classifier]
"""
FULL, SEPARATE = "{connect: full}", "{connect: separate}"
GROUPS = "{connect: groups, groups: 2}"
LOCAL = "{{connect: local, size: {}, share: positions}}"
Wiring = tuple[str, str]  # space and channel
LINEAR: dict[str, tuple[Wiring, Wiring]] = {
    "wrapped into clamped, dense into groups": (
        ("{connect: local, size: 3, border: wrap, share: positions}", FULL),
        ("{connect: local, size: 3, border: clamp, share: positions}", GROUPS),
    ),
    "moved windows into a reflected kernel": (
        ("{connect: window, size: 2, shift: 1, share: windows}", FULL),
        ("{connect: local, size: 5, border: reflect, share: positions}", SEPARATE),
    ),
    "dilated into an even kernel": (
        ("{connect: local, size: 3, dilation: 2, share: positions}", GROUPS),
        (LOCAL.format(4), "{connect: groups, groups: 2, share: all}"),
    ),
    "tokens into a band of columns": (
        ("{connect: full, rank: {tokens: 3}}", SEPARATE),
        ("{connect: stripe, size: 2, along: columns, share: positions}", FULL),
    ),
    "a matrix into scales": (
        ("{connect: full}", SEPARATE),
        ("{connect: local, size: 3, share: positions, rank: {scales: 2}}", SEPARATE),
    ),
}
FACTORS: dict[str, tuple[Wiring, Wiring]] = {
    "heads of tokens": (
        ("{connect: window, size: 2}", SEPARATE),
        ("{connect: full, rank: {tokens: 3}}", "{connect: separate, heads: 2}"),
    ),
    "rows times columns": (
        (LOCAL.format(3), FULL),
        ("{connect: local, size: 5, share: positions, rank: {separable: true}}", SEPARATE),
    ),
    "an inner width": (
        (LOCAL.format(3), GROUPS),
        ("{connect: point, share: positions}", "{connect: full, rank: {inner: 2}}"),
    ),
}


def emitted(wiring: Wiring, folder: Path, name: str) -> tuple[Path, Backbone]:
    """A backbone around an operator of this wiring, and its model with random numbers."""
    space, channel = wiring
    text = f"operator: own_{name}\nspace: {space}\nchannel: {channel}\nbias: false\n"
    (folder / f"own_{name}.yaml").write_text(text)
    spec = folder / f"{name}.yaml"
    spec.write_text(SPEC.format(name=name))
    file = folder / f"{name}_model.py"
    file.write_text(compile_backbone(str(spec)).text)
    torch.manual_seed(len(name))
    model = build(file, Architecture(num_classes=3, in_chans=3)).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return spec, model


def layer(model: Backbone, name: str) -> nn.Module:
    """The operator inside the block."""
    return model.get_submodule(f"stages.0.blocks.0.own_{name}")


def matrix(module: nn.Module, numbers: dict[str, Tensor]) -> Tensor:
    """W of a linear module with these numbers, by automatic differentiation."""
    zero = torch.zeros(1, 4, 4, 6, dtype=torch.float64)
    w = torch.func.jacrev(lambda x: functional_call(module, numbers, (x,)).flatten())(zero)
    assert isinstance(w, Tensor)
    return w.flatten(1)


def both(pair: tuple[Wiring, Wiring], folder: Path) -> tuple[Tensor, nn.Module, float]:
    """The source's W, the target's layer after the transfer, and the error that was told."""
    (spec, source), (wanted, target) = (
        emitted(wiring, folder, name) for wiring, name in zip(pair, ("one", "other"), strict=True)
    )
    weights, out = folder / "weights.safetensors", folder / "out.safetensors"
    safetensors.torch.save_file(source.state_dict(), weights)
    names = {"before": str(spec), "after": str(wanted)}
    told = transfer(TransferRequest(checkpoint=weights, out=out, **names))
    target.load_state_dict(safetensors.torch.load_file(out))
    (row,) = [one for one in told.layers if not one.is_exact]
    assert row.method == "projection" and row.error_w is not None
    w = matrix(layer(source, "one"), dict(layer(source, "one").state_dict()))
    return w, layer(target, "other"), row.error_w


@pytest.mark.parametrize("name", LINEAR)
def test_no_linear_layer_is_nearer(name: str, tmp_path: Path) -> None:
    wanted, module, told = both(LINEAR[name], tmp_path)
    numbers = {name: tensor.detach() for name, tensor in module.named_parameters()}
    columns = []
    for at, tensor in numbers.items():
        none = {other: torch.zeros_like(one) for other, one in numbers.items()}
        for unit in torch.eye(tensor.numel(), dtype=torch.float64):
            columns.append(matrix(module, {**none, at: unit.reshape(tensor.shape)}).flatten())
    basis = torch.stack(columns, 1)
    best = torch.linalg.lstsq(basis, wanted.flatten()[:, None], driver="gelsd").solution
    nearest = (basis @ best).reshape(wanted.shape)
    found = matrix(module, numbers)
    torch.testing.assert_close(found, nearest, rtol=0, atol=1e-9)
    assert told == pytest.approx(float((nearest - wanted).norm() / wanted.norm()), abs=1e-9)


@pytest.mark.parametrize("name", FACTORS)
def test_descent_from_elsewhere_finds_no_nearer_factors(name: str, tmp_path: Path) -> None:
    wanted, module, told = both(FACTORS[name], tmp_path)
    here = {name: tensor.detach() for name, tensor in module.named_parameters()}
    found = float((matrix(module, here) - wanted).norm() / wanted.norm())
    assert told == pytest.approx(found, abs=1e-9)
    generator = torch.Generator().manual_seed(2)
    for start in (0.0, 0.5, 0.5):  # from where it is, and from two places that are not
        noise = {n: torch.randn(t.shape, generator=generator).double() for n, t in here.items()}
        away = {n: (noise[n] * start if start else t.clone()) for n, t in here.items()}
        assert descended(module, away, wanted) >= found - 1e-7


def descended(module: nn.Module, numbers: dict[str, Tensor], wanted: Tensor) -> float:
    """The error in W at the end of a descent from these numbers."""
    free = {name: tensor.requires_grad_() for name, tensor in numbers.items()}
    optimizer = torch.optim.LBFGS(
        list(free.values()), max_iter=60, line_search_fn="strong_wolfe", tolerance_grad=1e-12
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        apart = (matrix(module, free) - wanted).square().sum() / wanted.square().sum()
        apart.backward()  # type: ignore[no-untyped-call]
        return apart

    optimizer.step(loss)  # type: ignore[arg-type]
    return float(loss().detach()) ** 0.5

"""A connection's class from the file, built at a small size, and its weights entry by entry.

In: the class, the small connection, a seed. Out: the module with random numbers, projections around
the core set to the identity where asked, and its W[o, d, i, c] measured by one image per input
entry, with predicted weights held fixed. Values go in and come out position-major, as everywhere
in `verify`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from relgraph.algebra.operator import Connection
from relgraph.algebra.parameters import key_channels
from relgraph.lower import candidates
from relgraph.lower.module import Module, plain
from relgraph.program import Connect, Shape
from relgraph.verify import oracle
from relgraph.verify.compare import Difference, difference
from relgraph.verify.draws import draw, entries
from relgraph.verify.oracle_channels import unit_count, weight_keys
from relgraph.verify.values import from_layout, to_layout


class Given(nn.Module):
    """Stands for a reduction: hands out the keys it was given for the map `read`, and no numbers
    for another one; without `read`, whatever comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.value = torch.empty(0)
        self.read: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The given keys, in the layout of emitted code."""
        return self.value if self._is_read(x) else torch.full_like(self.value, math.nan)

    def _is_read(self, x: Tensor) -> bool:
        if self.read is None:
            return True
        if x.shape != self.read.shape:  # laid out otherwise
            return x.numel() == self.read.numel()
        return torch.equal(x, self.read)


class Halves(Protocol):
    """A class with predicted weights: `forward` means `aggregate(weights(x), x)`."""

    def weights(self, x: Tensor) -> Tensor:
        """The weights that `x` predicts."""

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """The sum with given weights."""


@dataclass(frozen=True)
class Small:
    """A module of the file at a small size with `tensors` loaded; `given` where it has keys of
    their own, on a map of shape `keys`."""

    module: nn.Module
    node: Connect
    tensors: dict[str, Tensor]
    given: Given | None = None
    keys: Shape | None = None

    @property
    def predicts(self) -> bool:
        """Whether the class has its halves apart: `weights(x)` and `aggregate(w, x)`."""
        return hasattr(self.module, "weights") and hasattr(self.module, "aggregate")

    @property
    def halves(self) -> Halves:
        """The module as what it must be where weights are predicted."""
        return cast(Halves, self.module)


@dataclass(frozen=True)
class Inputs:
    """One image (1, T + P, C) and, where keys are read elsewhere, theirs (1, P_key, C)."""

    x: Tensor
    keys: Tensor | None = None


class CannotBuildError(Exception):
    """The class does not take the arguments or the parameters that the connection has."""


def build(cls: type[nn.Module], node: Connect, seed: int, bare: bool) -> Small:
    """`cls` at the size of `node`, float64, random; `bare` sets projections to the identity, and
    with them what mixes the weights of heads.

    Raises CannotBuildError, with the reason, where the class is not one for this connection.
    """
    given = None if node.reduce is None else Given()
    module = _construct(cls, node, given)
    tensors = draw(tuple(entries(node)), seed)
    if bare:
        _awake(node, tensors)
        _identity(node, tensors)
    state = {name: t for name, t in module.state_dict().items() if "num_batches" not in name}
    found, wanted = _shapes(state), _shapes(tensors)
    if found != wanted:
        raise CannotBuildError(
            f"it has {_listed(found, wanted)}, the spec {_listed(wanted, found)}"
        )
    module.load_state_dict({**module.state_dict(), **tensors})
    keys = None
    if node.reduce is not None:
        keys = Shape(node.connection.in_channels, node.connection.key_grid)
    return Small(module.eval(), node, tensors, given, keys)


def _shapes(tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _listed(one: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> str:
    own = [f"{name} {shape}" for name, shape in sorted(one.items()) if other.get(name) != shape]
    return ", ".join(own) or "none of them"


def _construct(cls: type[nn.Module], node: Connect, given: Given | None) -> nn.Module:
    lowered = [one for _, one in candidates(node) if isinstance(one, Module)]
    lowered.sort(key=lambda one: one.constructor.rpartition(".")[2] != cls.__name__)
    reason = "no lowering has its arguments"
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        for one in lowered:
            arguments = {name: plain(value) for name, value in one.arguments}
            if given is not None:
                arguments["reduce"] = given
            try:
                return cls(**arguments)
            except Exception as error:  # the class is a stranger's: anything may come out of it
                reason = reason if "no lowering" not in reason else f"{error}"
    finally:
        torch.set_default_dtype(before)
    raise CannotBuildError(reason)


def _identity(node: Connect, tensors: dict[str, Tensor]) -> None:
    """Projections around the core become the identity: what is measured is the core alone."""
    for name in ("qkv", "kv", "value"):
        if f"{name}.weight" not in tensors or not node.connection.operator.frame.value:
            continue
        rows = slice(-key_channels(node.connection), None)
        tensors[f"{name}.weight"][rows] = _read_by(node.connection, 0)
        if f"{name}.bias" in tensors:
            tensors[f"{name}.bias"][rows] = 0.0
        if f"{name}.v_bias" in tensors:
            tensors[f"{name}.v_bias"].zero_()
    if "proj.weight" in tensors:
        tensors["proj.weight"].copy_(torch.eye(*tensors["proj.weight"].shape))
    if "proj_w.weight" in tensors:
        tensors["proj_w.weight"].copy_(torch.eye(*tensors["proj_w.weight"].shape))
        tensors["proj_w.bias"].zero_()


def _read_by(connection: Connection, turn: int) -> Tensor:
    """A value projection that hands each head its own channels; where several heads share values,
    the one whose `turn` it is in its run: (key channels, C)."""
    own = torch.eye(connection.in_channels, dtype=torch.float64)
    if connection.operator.weight.kv_heads is None:
        return own
    runs = weight_keys(connection)
    by_head = own.view(runs, unit_count(connection) // runs, -1, connection.in_channels)
    return by_head[:, turn].flatten(0, 1)


def _awake(node: Connect, tensors: dict[str, Tensor]) -> None:
    """Behind a relu most products of few features are 0 and show nothing: queries and keys of
    positive numbers are positive. (The class as it is, and the whole model, are fed other ones.)"""
    if node.connection.operator.weight.score != "relu":
        return
    for name in ("qkv", "q", "kv"):
        for kind in ("weight", "bias"):
            if f"{name}.{kind}" in tensors:
                tensors[f"{name}.{kind}"].abs_()


def random_inputs(small: Small, seed: int, constant: bool = False) -> Inputs:
    """A random image; `constant` makes all its positions equal, so that all contexts are."""
    generator = torch.Generator().manual_seed(seed)
    positive = small.node.connection.operator.weight.score == "relu"

    def noise(places: int, channels: int) -> Tensor:
        shape = (1, 1 if constant else places, channels)
        made = torch.randn(shape, generator=generator, dtype=torch.float64)
        made = made.abs() if positive else made
        return made.expand(1, places, channels).contiguous()

    shape = small.node.input
    x = noise(len(shape.tokens) + shape.positions, shape.channels)
    if small.keys is None:
        return Inputs(x)
    keys = noise(small.keys.positions, small.keys.channels)
    return Inputs(x, x[:, : keys.shape[1]].contiguous() if constant else keys)


def forward(small: Small, inputs: Inputs) -> Tensor:
    """The module's own forward."""
    return _call(small, small.module, inputs)


def forward_with_gradients(small: Small, inputs: Inputs) -> Tensor:
    """The same where torch keeps what a gradient would need."""
    with torch.enable_grad():
        made = small.module(entered(small, inputs))
    return from_layout(made.detach(), small.node.output)


def composed(small: Small, inputs: Inputs) -> Tensor:
    """aggregate(weights(x), x)."""
    halves = small.halves
    return _call(small, lambda x: halves.aggregate(halves.weights(x), x), inputs)


def oracle_forward(small: Small, inputs: Inputs) -> Tensor:
    """What the connection means."""
    return oracle.connect(small.node.connection, small.tensors, inputs.x, inputs.keys)


def _call(small: Small, function: Callable[[Tensor], Tensor], inputs: Inputs) -> Tensor:
    with torch.no_grad():
        return from_layout(function(entered(small, inputs)), small.node.output)


def entered(small: Small, inputs: Inputs) -> Tensor:
    """The input in the layout of emitted code; keys are laid where the reduction hands them out."""
    if small.given is not None and small.keys is not None and inputs.keys is not None:
        small.given.value = to_layout(inputs.keys, small.keys)
        tokens = small.node.input.tokens
        small.given.read = None if tokens else to_layout(inputs.x, small.node.input)
    return to_layout(inputs.x, small.node.input)


@dataclass(frozen=True)
class Measured:
    """W[o, d, i, c] of one draw, and how far the map is from the sum with this W and a bias."""

    w: Tensor
    nonlinear: Difference


def measure(small: Small, inputs: Inputs) -> Measured:
    """Every entry of W at `inputs`, weights predicted there and then held fixed."""
    source = inputs.x if inputs.keys is None else inputs.keys
    count = source.shape[1] * source.shape[2]
    basis = torch.eye(count, dtype=torch.float64).view(count, *source.shape[1:])
    probe = torch.cat([torch.zeros_like(source), source, basis])
    out = _by_turns(small, inputs, probe)
    w = (out[2:] - out[0]).view(*source.shape[1:], *out.shape[1:]).permute(2, 3, 0, 1)
    expected = out[0] + torch.einsum("odic,ic->od", w, source[0])
    return Measured(w, difference(out[1], expected))


def _by_turns(small: Small, inputs: Inputs, probe: Tensor) -> Tensor:
    """The core at every image of `probe`. Heads that share values are measured one after the other:
    only the one whose turn it is reads its own channels."""
    connection = small.node.connection
    heads, runs = unit_count(connection), weight_keys(connection)
    if connection.operator.weight.kv_heads is None or not connection.operator.frame.value:
        return _held(small, inputs, probe)
    name = "qkv.weight" if connection.key_grid is None else "kv.weight"
    head = torch.arange(small.node.output.channels) // (connection.in_channels // heads)
    turn_of, out = head % (heads // runs), None
    for turn in range(heads // runs):
        with torch.no_grad():
            rows = small.module.get_parameter(name)[-key_channels(connection) :]
            rows.copy_(_read_by(connection, turn))
        seen = _held(small, inputs, probe)
        out = seen if out is None else torch.where(turn_of == turn, seen, out)
    assert out is not None, "there is a head"
    return out


def _held(small: Small, inputs: Inputs, probe: Tensor) -> Tensor:
    """The core at every image of `probe`, with the weights that `inputs` predicts."""
    own, keys = inputs.x.expand(len(probe), -1, -1), inputs.keys
    rest = Inputs(probe) if keys is None else Inputs(own, probe)
    if not small.predicts:
        return forward(small, rest)
    halves = small.halves
    repeated = None if keys is None else keys.expand(len(probe), -1, -1)
    with torch.no_grad():
        w = halves.weights(entered(small, Inputs(own, repeated)))
    return _call(small, lambda x: halves.aggregate(w, x), rest)

"""Static matrices over positions: token mixing by learned numbers, and the fully connected layer.

Goes in: a `full` connection whose weights are learned numbers, one per pair of positions. Comes
out: a module that multiplies positions from the left, without transposes, for sequences or maps;
input and output maps may differ (the hidden tokens of a factored matrix are a map T x 1).
"""

from __future__ import annotations

from typing import Literal

from relgraph.algebra.operator import Connection
from relgraph.lower.attention_parts import heads
from relgraph.lower.guards import is_plain
from relgraph.lower.maps import map_made, map_read
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

Bias = Literal["none", "channels", "positions", "both"]
Dims = tuple[str, ...]

_BIAS_NAME: dict[Bias, str] = {
    "none": "Unbiased",
    "channels": "ChannelBiased",
    "positions": "PositionBiased",
    "both": "FullyBiased",
}
_BIAS_EQUATION: dict[Bias, str] = {
    "none": "",
    "channels": "b[d] + ",
    "positions": "b[o] + ",
    "both": "b[d, o] + ",
}
# What is added to (B, N_out, D).
_BIAS_TERM: dict[Bias, str] = {
    "channels": "self.bias",
    "positions": "self.bias[:, None]",
    "both": "self.bias.T",
}


def _name(base: str, bias: Bias, usual: Bias) -> str:
    """The usual bias of a class needs no word."""
    return base if bias == usual else f"{_BIAS_NAME[bias]}{base}"


def _bias_parameter(bias: Bias, dim: str) -> str:
    if bias == "none":
        return ""
    shape = {"channels": dim, "positions": "out_positions", "both": f"{dim}, out_positions"}[bias]
    return f"        self.bias = nn.Parameter(torch.empty({shape}))\n"


def _zeros(bias: Bias) -> str:
    return "" if bias == "none" else "\n        nn.init.zeros_(self.bias)"


def _plus(bias: Bias) -> str:
    return "" if bias == "none" else f" + {_BIAS_TERM[bias]}"


def _signature(dims: Dims) -> str:
    return "".join(f"{name}: int, " for name in dims)


def _of_channels(bias: Bias) -> Dims:
    """A bias per channel must know how many there are."""
    return ("dim",) if bias in ("channels", "both") else ()


def _shared(bias: Bias) -> tuple[Definition, Dims]:
    """One matrix for all channels. The batched product adds the bias in passing."""
    name, dims = _name("SpatialLinear", bias, "positions"), _of_channels(bias)
    product = "torch.matmul(self.weight, x)"
    if bias != "none":
        weight = "self.weight.expand(x.shape[0], -1, -1)"
        product = f"torch.baddbmm({_BIAS_TERM[bias]}, {weight}, x)"
    text = f'''\
class {name}(nn.Module):
    """Mix positions with one learned matrix for all channels (ResMLP, MLP-Mixer).

    y[o, d] = {_BIAS_EQUATION[bias]}Σ_i W[o, i] x[i, d]
    Shapes: (B, N_in, C) -> (B, N_out, C).
    """

    def __init__(self, {_signature(dims)}in_positions: int, out_positions: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_positions, in_positions))
{_bias_parameter(bias, "dim")}\
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over all inputs.
        nn.init.normal_(self.weight, std=self.weight.shape[-1] ** -0.5){_zeros(bias)}

    def forward(self, x: Tensor) -> Tensor:
        # From the left, on the layout as it is: no transposes.
        return {product}'''
    return Definition(name, text), dims


def _by_heads(bias: Bias) -> tuple[Definition, Dims]:
    """A matrix for each run of channels; a run of one is a matrix for each channel."""
    name = _name("MultiHeadSpatialLinear", bias, "positions")
    dims = (*_of_channels(bias), "num_heads")
    text = f'''\
class {name}(nn.Module):
    """Mix positions with a learned matrix for each of `num_heads` runs of channels.

    y[o, d] = {_BIAS_EQUATION[bias]}Σ_i W[head(d), o, i] x[i, d]; one per channel: num_heads = C
    Shapes: (B, N_in, C) -> (B, N_out, C).
    """

    def __init__(self, {_signature(dims)}in_positions: int, out_positions: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.weight = nn.Parameter(torch.empty(num_heads, out_positions, in_positions))
{_bias_parameter(bias, "dim")}\
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over all inputs.
        nn.init.normal_(self.weight, std=self.weight.shape[-1] ** -0.5){_zeros(bias)}

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(2, (self.num_heads, -1))
        x = torch.einsum("hoi,bihc->bohc", self.weight, x)
        return x.flatten(2){_plus(bias)}'''
    return Definition(name, text), dims


def _fully_connected(bias: Bias) -> tuple[Definition, Dims]:
    name, dims = _name("FullyConnected", bias, "both"), ("dim", "out_dim")
    text = f'''\
class {name}(nn.Module):
    """Every output position and channel sees every input position and channel.

    y[o, d] = {_BIAS_EQUATION[bias]}Σ_i Σ_c W[d, c, o, i] x[i, c]
    Shapes: (B, N_in, C) -> (B, N_out, D).
    """

    def __init__(self, {_signature(dims)}in_positions: int, out_positions: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_dim, dim, out_positions, in_positions))
{_bias_parameter(bias, "out_dim")}\
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over all input positions and channels.
        fan_in = self.weight.shape[1] * self.weight.shape[3]
        nn.init.normal_(self.weight, std=fan_in**-0.5){_zeros(bias)}

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("dcoi,bic->bod", self.weight, x){_plus(bias)}'''
    return Definition(name, text), dims


def _init_line(dims: Dims) -> str:
    """The first line of a constructor between maps, broken where it grows too long."""
    sizes = "map_size: tuple[int, int], out_size: tuple[int, int]"
    line = f"    def __init__(self, {_signature(dims)}{sizes}) -> None:"
    if len(line) <= 100:
        return line
    return f"    def __init__(\n        self, {_signature(dims)}{sizes}\n    ) -> None:"


def _on_maps(base: Definition, dims: Dims) -> Definition:
    """`base` between maps: counts of positions become heights and widths."""
    passed = "".join(f"{name}, " for name in dims)
    return Definition(
        f"{base.name}2d",
        f'''\
class {base.name}2d({base.name}):
    """The same between maps: (B, C, H, W) -> (B, D, H_out, W_out), row-major positions."""

{_init_line(dims)}
        super().__init__({passed}math.prod(map_size), math.prod(out_size))
        self.map_size = map_size
        self.out_size = out_size

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != self.map_size:
            size = tuple(x.shape[2:])
            raise ValueError(f"a weight for each position of {{self.map_size}}, found {{size}}")
        # On channels_last memory both transposes are free views.
        y = super().forward(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, self.out_size)''',
        uses=(base,),
        imports=("import math",),
    )


def accepts_matrix(node: Connect) -> bool:
    """Learned numbers for every pair of positions, separate or fully joined channels."""
    operator = node.connection.operator
    channel = operator.channel
    return (
        operator.space.connect == "full"
        and operator.space.share == "none"
        and is_plain(node.connection)
        and channel.connect in ("separate", "full")
        and node.input.layout == node.output.layout != "vector"
    )


def lower_matrix(node: Connect) -> Module:
    """`SpatialLinear` (one matrix), `MultiHeadSpatialLinear` or `FullyConnected`, or on maps."""
    connection = node.connection
    definition, dims = _definition(connection)
    counts: dict[str, Argument] = {
        "dim": connection.in_channels,
        "out_dim": connection.out_channels,
        "num_heads": heads(connection.operator.channel, connection.in_channels),
    }
    if node.input.layout == "map":
        definition = _on_maps(definition, dims)
        sizes = (("map_size", map_read(node)), ("out_size", map_made(node)))
    else:
        tokens = connection.tokens
        sizes = (
            ("in_positions", tokens + node.input.positions),
            ("out_positions", tokens + node.output.positions),
        )
    arguments = tuple((name, counts[name]) for name in dims)
    return Module(definition.name, arguments + sizes, definition=definition)


def _definition(connection: Connection) -> tuple[Definition, Dims]:
    operator = connection.operator
    if operator.channel.connect == "full":
        return _fully_connected(operator.bias)
    if operator.channel.share == "all":
        return _shared(operator.bias)
    return _by_heads(operator.bias)

"""Circular kernels as large as the map, through the Fourier transform: global filters (GFNet).

Goes in: a `full` connection of separate channels on a torus (`wrap`), one learned number for each
offset. Comes out: a module whose cost grows with N log N instead of N², with the parameters of the
general form. Measured on one core with 64 channels and more, transforms are faster than sums from
4 × 4 positions on (44 times at 14 × 14); below, neither costs anything, so there is no threshold.
"""

from __future__ import annotations

from typing import Literal

from relgraph.algebra.operator import Channel
from relgraph.lower.fields import Arguments
from relgraph.lower.guards import is_map_to_map, is_plain
from relgraph.lower.module import Definition, MapSize, Module
from relgraph.lower.windows import as_grid
from relgraph.program import Connect

_CORRELATION = Definition(
    "circular_correlation",
    '''\
def circular_correlation(x: Tensor, kernel: Tensor) -> Tensor:
    """y[o] = Σ_d kernel[d] x[o + d] on a torus: x (B, C, H, W), kernel (C or 1, H, W)."""
    if torch.compiler.is_exporting():
        # Transforms do not export everywhere; the same sum is a convolution of the map and its
        # repetition.
        x = torch.cat([x, x[:, :, :-1]], dim=2)
        x = torch.cat([x, x[:, :, :, :-1]], dim=3)
        kernel = kernel.expand(x.shape[1], -1, -1).unsqueeze(1)
        return F.conv2d(x, kernel, groups=x.shape[1])
    # Half precision has no transforms on most devices.
    dtype = torch.promote_types(x.dtype, torch.float32)
    spectrum = torch.fft.rfft2(x.to(dtype)) * torch.fft.rfft2(kernel.to(dtype)).conj()
    return torch.fft.irfft2(spectrum, s=x.shape[2:]).to(x.dtype)''',
)

Ties = Literal["none", "heads", "all"]
_BASE: dict[Ties, str] = {
    "none": "GlobalFilter2d",
    "heads": "MultiHeadGlobalFilter2d",
    "all": "SharedGlobalFilter2d",
}
_WHOSE = {"none": "each channel", "heads": "each run of channels", "all": "all channels"}
_UNIT = {"none": "c, ", "heads": "head(c), ", "all": ""}
_COUNT = {"none": "dim, ", "heads": "num_heads, ", "all": ""}
_KERNEL = {
    "none": "self.weight.unflatten(1, self.map_size)",
    "heads": """self.weight.unflatten(1, self.map_size)
        kernel = kernel.repeat_interleave(x.shape[1] // len(kernel), dim=0)""",
    "all": "self.weight.view(1, *self.map_size)",
}
_BIAS_WORD = {
    "none": "",
    "channels": "ChannelBiased",
    "positions": "PositionBiased",
    "both": "FullyBiased",
}
_BIAS_INDEX = {"none": "", "channels": "b[c] + ", "positions": "b[o] + ", "both": "b[c, o] + "}
_BIAS_SHAPE = {"channels": "dim", "positions": "positions", "both": "dim, positions"}
# What is added to (B, C, H, W).
_BIAS_TERM = {
    "none": "",
    "channels": " + self.bias[:, None, None]",
    "positions": " + self.bias.unflatten(0, self.map_size)",
    "both": " + self.bias.unflatten(1, self.map_size)",
}


def accepts_circular(node: Connect) -> bool:
    """Learned numbers by offset on a torus, own channels, maps without extra tokens."""
    connection = node.connection
    space, channel = connection.operator.space, connection.operator.channel
    return (
        (space.connect, space.share, space.border) == ("full", "positions", "wrap")
        and channel.connect == "separate"
        and is_plain(connection)
        and is_map_to_map(node)
        and connection.in_grid == connection.out_grid
    )


def lower_circular(node: Connect) -> Module:
    """`GlobalFilter2d`: a kernel for each channel, for each of `num_heads` runs, or one for all."""
    connection = node.connection
    channel, bias = connection.operator.channel, connection.operator.bias
    sizes: Arguments = (("map_size", MapSize(*as_grid(connection.in_grid))),)
    if channel.share == "heads":
        sizes = (("num_heads", channel.heads), *sizes)
    if channel.share == "none" or bias in ("channels", "both"):
        sizes = (("dim", connection.in_channels), *sizes)
    definition = _definition(channel, bias, [name for name, _ in sizes[:-1]])
    return Module(definition.name, sizes, definition=definition)


def _definition(channel: Channel, bias: str, dims: list[str]) -> Definition:
    ties: Ties = channel.share
    name = f"{_BIAS_WORD[bias]}{_BASE[ties]}"
    signature = "".join(f"{dim}: int, " for dim in dims)
    parameter, zeros = "", ""
    if bias != "none":
        parameter = f"\n        self.bias = nn.Parameter(torch.empty({_BIAS_SHAPE[bias]}))"
        zeros = "\n        nn.init.zeros_(self.bias)"
    text = f'''\
class {name}(nn.Module):
    """Circular convolution with a learned kernel as large as the map, one for {_WHOSE[ties]}.

    y[o, c] = {_BIAS_INDEX[bias]}Σ_i W[{_UNIT[ties]}(i - o) mod (H, W)] x[i, c], by transforms
    Shapes: (B, C, H, W) -> (B, C, H, W), at `map_size` and no other.
    """

    def __init__(self, {signature}map_size: tuple[int, int]) -> None:
        super().__init__()
        self.map_size = map_size
        positions = map_size[0] * map_size[1]
        self.weight = nn.Parameter(torch.empty({_COUNT[ties]}positions)){parameter}
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over all inputs.
        nn.init.normal_(self.weight, std=self.weight.shape[-1] ** -0.5){zeros}

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != self.map_size:
            size = tuple(x.shape[2:])
            raise ValueError(f"a kernel for maps of {{self.map_size}}, found {{size}}")
        kernel = {_KERNEL[ties]}
        return circular_correlation(x, kernel){_BIAS_TERM[bias]}'''
    return Definition(name, text, uses=(_CORRELATION,))

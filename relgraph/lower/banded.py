"""Bands of channels with one number for each tap: a convolution along the channels (ECA).

Goes in: a static point connection in which every channel reads those around it, all by the same
numbers. Comes out: a class around one `F.conv1d`, or `F.conv2d` where a map stands. Bands in which
every entry has a number of its own are the general form's.
"""

from __future__ import annotations

from relgraph.lower.guards import has_channel_bias, is_plain
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

_CHANNEL_CONV = Definition(
    "ChannelConv",
    '''\
class ChannelConv(nn.Module):
    """One kernel along the channels, zeros beyond the first and the last: (..., C) -> (..., C).

    y[c] = b[c] + Σ_m w[m] x[c - ⌊(k - 1)/2⌋ + m]
    """

    def __init__(self, dim: int, band_size: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(band_size))
        self.bias = nn.Parameter(torch.empty(dim)) if bias else None
        self.beside = ((band_size - 1) // 2, band_size // 2)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=len(self.weight) ** -0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        rows = F.pad(x.reshape(-1, 1, x.shape[-1]), self.beside)
        y = F.conv1d(rows, self.weight[None, None]).view(x.shape)
        return y if self.bias is None else y + self.bias''',
)

_CHANNEL_CONV_2D = Definition(
    "ChannelConv2d",
    '''\
class ChannelConv2d(ChannelConv):
    """The same at every position of a map: (B, C, H, W) -> (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        rows = F.pad(x.flatten(2).unsqueeze(1), (0, 0, *self.beside))
        y = F.conv2d(rows, self.weight[None, None, :, None]).squeeze(1).unflatten(2, x.shape[2:])
        return y if self.bias is None else y + self.bias[:, None, None]''',
    uses=(_CHANNEL_CONV,),
)


def accepts_banded(node: Connect) -> bool:
    """Static bands that all channels and all positions share, at every position."""
    space, channel = node.connection.operator.space, node.connection.operator.channel
    return (
        channel.connect == "local"
        and channel.share == "all"
        and space.connect == "point"
        and space.share != "none"
        and space.stride == (1, 1)
        and space.padding in ("half", (0, 0))
        and is_plain(node.connection)
        and has_channel_bias(node.connection)
    )


def lower_banded(node: Connect) -> Module:
    """`weight` is (k,), one number for each tap."""
    operator = node.connection.operator
    definition = _CHANNEL_CONV_2D if node.input.layout == "map" else _CHANNEL_CONV
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", node.connection.in_channels),
        ("band_size", operator.channel.size),
    )
    if operator.bias == "none":
        arguments += (("bias", False),)
    return Module(definition.name, arguments, positional=2, definition=definition)

"""Point connections with learned numbers: linear layers at every position, by layout of the value.

Goes in: a connection that sees only its own position. Comes out: a linear layer of channels (dense,
grouped, or one factor per channel), over the last dimension for sequences and vectors, over
dimension 1 for maps; a dense one of maps also as a 1×1 convolution. Weights per position are not
lowered here.
"""

from __future__ import annotations

from relgraph.algebra.starts import StartedWeight
from relgraph.lower.guards import has_channel_bias, is_plain
from relgraph.lower.layers import LINEAR, LINEAR_2D, POINTWISE_CONV_2D
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

_STRIDED_LINEAR_2D = Definition(
    "StridedLinear2d",
    '''\
class StridedLinear2d(Linear2d):
    """A linear layer at every `stride`-th position: (B, C, H, W) -> (B, D, ⌈H/s⌉, ⌈W/s⌉)."""

    def __init__(self, dim: int, out_dim: int, stride: int, bias: bool = True) -> None:
        super().__init__(dim, out_dim, bias=bias)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[:, :, :: self.stride, :: self.stride])''',
    uses=(LINEAR_2D,),
)

_GROUPED_LINEAR = Definition(
    "GroupedLinear",
    '''\
class GroupedLinear(nn.Module):
    """A linear layer of its own for each group of channels: (..., C) -> (..., D).

    y[g·D/G + d] = b[g·D/G + d] + Σ_c W[g·D/G + d, c] x[g·C/G + c]
    """

    def __init__(self, dim: int, out_dim: int, groups: int, bias: bool = True) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(out_dim, dim // groups))
        self.bias = nn.Parameter(torch.empty(out_dim)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(-1, (self.groups, -1))  # (..., G, C/G)
        weight = self.weight.unflatten(0, (self.groups, -1))  # (G, D/G, C/G)
        y = torch.einsum("...gc,gdc->...gd", x, weight).flatten(-2)
        return y if self.bias is None else y + self.bias''',
    follows_init=StartedWeight("weight", "groups"),
)

_GROUPED_LINEAR_2D = Definition(
    "GroupedLinear2d",
    '''\
class GroupedLinear2d(GroupedLinear):
    """A grouped linear layer at every position of a map: (B, C, H, W) -> (B, D, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
    uses=(_GROUPED_LINEAR,),
)

_SHARED_LINEAR = Definition(
    "GroupSharedLinear",
    '''\
class GroupSharedLinear(nn.Module):
    """One linear layer C/G -> D/G that all groups of channels share: (..., C) -> (..., D)."""

    def __init__(self, dim: int, out_dim: int, groups: int, bias: bool = True) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(out_dim // groups, dim // groups))
        # The weights are shared by the groups, the bias is each output channel's own.
        self.bias = nn.Parameter(torch.empty(out_dim)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x.unflatten(-1, (self.groups, -1)), self.weight).flatten(-2)
        return y if self.bias is None else y + self.bias''',
    follows_init=StartedWeight("weight"),
)

_SHARED_LINEAR_2D = Definition(
    "GroupSharedLinear2d",
    '''\
class GroupSharedLinear2d(GroupSharedLinear):
    """The same at every position of a map: (B, C, H, W) -> (B, D, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
    uses=(_SHARED_LINEAR,),
)


def accepts_pointwise(node: Connect) -> bool:
    """Static point connections of mixing channels whose weight is the same at every position."""
    space, channel = node.connection.operator.space, node.connection.operator.channel
    return (
        space.connect == "point"
        and space.share != "none"
        and channel.connect in ("full", "groups")
        and is_plain(node.connection)
        and has_channel_bias(node.connection)
        and _takes_every_place(node)
    )


def _takes_every_place(node: Connect) -> bool:
    """Whether outputs stand at inputs; steps are square, and only of dense layers on maps."""
    space, channel = node.connection.operator.space, node.connection.operator.channel
    if space.padding not in ("half", (0, 0)):
        return False
    if space.stride == (1, 1):
        return True
    return channel.connect == "full" and _steps(node) and node.input.layout == "map"


def _steps(node: Connect) -> bool:
    rows, columns = node.connection.operator.space.stride
    return rows == columns > 1


POINTWISE_CONV = "pointwise conv"
"""The name of that form; inference versions ask for it."""


def accepts_pointwise_conv(node: Connect) -> bool:
    """Dense ones of a map that take every place."""
    space, channel = node.connection.operator.space, node.connection.operator.channel
    dense = channel.connect == "full" and space.stride == (1, 1)
    return dense and node.input.layout == "map" and accepts_pointwise(node)


def lower_pointwise_conv(node: Connect) -> Module:
    """A 1×1 convolution with the weights (D, C) of the linear layer."""
    bias = (("bias", False),) if node.connection.operator.bias == "none" else ()
    return _module(POINTWISE_CONV_2D, node, bias)


def lower_pointwise(node: Connect) -> Module:
    """A linear layer (D, C), a grouped one (D, C/G) or one that the groups share (D/G, C/G)."""
    operator = node.connection.operator
    on_map = node.input.layout == "map"
    extra: tuple[tuple[str, Argument], ...] = ()
    if operator.channel.connect == "groups":
        definition = _GROUPED[operator.channel.share == "all", on_map]
        extra = (("groups", operator.channel.groups),)
    elif operator.space.stride != (1, 1):
        definition = _STRIDED_LINEAR_2D
        extra = (("stride", operator.space.stride[0]),)
    else:
        definition = LINEAR_2D if on_map else LINEAR
    if operator.bias == "none":
        extra += (("bias", False),)
    return _module(definition, node, extra)


_GROUPED: dict[tuple[bool, bool], Definition] = {
    (False, False): _GROUPED_LINEAR,
    (False, True): _GROUPED_LINEAR_2D,
    (True, False): _SHARED_LINEAR,
    (True, True): _SHARED_LINEAR_2D,
}


def _module(
    definition: Definition, node: Connect, extra: tuple[tuple[str, Argument], ...]
) -> Module:
    widths = (node.connection.in_channels, node.connection.out_channels)
    plain = definition in (LINEAR, LINEAR_2D, POINTWISE_CONV_2D)  # torch's own constructor
    names = ("in_features", "out_features") if plain else ("dim", "out_dim")
    return Module(
        definition.name,
        (*zip(names, widths, strict=True), *extra),
        positional=2,
        definition=definition,
    )

"""Static stencils as convolutions: dense, grouped, depth-wise, dilated, strided, any padding.

Goes in: a `local` connection shared over positions whose numbers are learned and not normalised.
Comes out: a `Conv2d`, or a small subclass where the padding is not symmetric zeros or the kernel is
shared over channels. The parameter `weight` is a torch convolution kernel in every case.
"""

from __future__ import annotations

from relgraph.algebra.operator import Border, Channel, Connection, Space
from relgraph.lower.borders import padding_call, static_pad
from relgraph.lower.guards import has_channel_bias, is_map_to_map, is_plain, square
from relgraph.lower.layers import CONV_2D
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

Arguments = tuple[tuple[str, Argument], ...]

CONV_2D_SAME = Definition(
    "Conv2dSame",
    '''\
class Conv2dSame(Conv2d):
    """Convolution padded as TensorFlow's SAME: ⌈H/s⌉ × ⌈W/s⌉ outputs, an odd zero at the end."""

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = self.padding_along(0, x.shape[2])
        left, right = self.padding_along(1, x.shape[3])
        return super().forward(F.pad(x, (left, right, top, bottom)))

    def padding_along(self, axis: int, size: int) -> tuple[int, int]:
        """Zeros before and after, so that the kernel of the last output just fits."""
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
        last = (size - 1) // self.stride[axis] * self.stride[axis]
        total = max(last + reach - size, 0)
        return total // 2, total - total // 2''',
    uses=(CONV_2D,),
)

_PADDED_TEXT = '''\
class {name}(Conv2d):
    """Convolution that reads beyond the map, where {border}.

    `pad` counts the positions read to the left, the right, the top and the bottom of it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        pad: tuple[int, int, int, int],
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.pad = pad

    def forward(self, x: Tensor) -> Tensor:
        return super().forward({function}(x, self.pad))'''

_PADDED: dict[Border, tuple[str, str]] = {
    "zero": ("PaddedConv2d", "zeros stand"),
    "mask": ("PaddedConv2d", "zeros stand"),
    "wrap": ("WrapConv2d", "it goes on as on a torus"),
    "reflect": ("ReflectConv2d", "its mirror image stands"),
    "clamp": ("ClampConv2d", "its edge goes on"),
}

_HEAD_SHARED = Definition(
    "HeadSharedConv2d",
    '''\
class HeadSharedConv2d(Conv2d):
    """Depth-wise convolution with one kernel for the C/h consecutive channels of each head."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(dim, dim, kernel_size, stride, padding, dilation, groups=dim, bias=bias)
        self.weight = nn.Parameter(self.weight.new_empty(num_heads, 1, *self.kernel_size))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight.repeat_interleave(self.groups // self.weight.shape[0], dim=0)
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)''',
    uses=(CONV_2D,),
)

_GROUP_SHARED = Definition(
    "GroupSharedConv2d",
    '''\
class GroupSharedConv2d(Conv2d):
    """Grouped convolution with one kernel (D/G, C/G, kh, kw) that all groups share."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        groups: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.weight = nn.Parameter(self.weight[: out_channels // groups].detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight.repeat(self.groups, 1, 1, 1)
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)''',
    uses=(CONV_2D,),
)


def accepts_conv(node: Connect) -> bool:
    """Local, shared over positions, plain learned numbers, no band of channels; kernels shared over
    channels only with symmetric zero padding."""
    connection = node.connection
    space = connection.operator.space
    return (
        space.connect == "local"
        and connection.operator.channel.connect != "local"
        and space.share == "positions"
        and is_map_to_map(node)
        and is_plain(connection)
        and has_channel_bias(connection)
        and (space.border in ("zero", "mask") or space.padding != "same_tf")
        and (connection.operator.channel.share == "none" or _symmetric(space) is not None)
    )


def _symmetric(space: Space) -> tuple[int, int] | None:
    """Zeros on both sides per axis, where torch's own `padding` says it all."""
    pad = static_pad(space)
    if pad is None or space.border not in ("zero", "mask"):
        return None
    left, right, top, bottom = pad
    return (top, left) if left == right and top == bottom else None


def lower_conv(node: Connect) -> Module:
    """`Conv2d` and its relatives; `weight` is (D, C/G, kh, kw), (heads, 1, kh, kw) where heads
    share, (D/G, C/G, kh, kw) where groups do."""
    connection = node.connection
    channel, space = connection.operator.channel, connection.operator.space
    if channel.share != "none":
        return _shared(connection)
    ends = _ends(connection)
    groups: Arguments = (("groups", channel_groups(connection)),)
    symmetric, pad = _symmetric(space), static_pad(space)
    if symmetric is not None:
        return _module(CONV_2D, ends, (("padding", square(symmetric)),), groups, connection)
    if pad is None:
        return _module(CONV_2D_SAME, ends, (), groups, connection)
    return _module(_padded(space.border), ends, (("pad", pad),), groups, connection)


def _ends(connection: Connection) -> Arguments:
    return (("in_channels", connection.in_channels), ("out_channels", connection.out_channels))


def channel_groups(connection: Connection) -> int:
    """The `groups` of a torch convolution with the connection's channel connectivity."""
    channel: Channel = connection.operator.channel
    if channel.connect == "separate":
        return connection.in_channels
    return channel.groups if channel.connect == "groups" else 1


def _padded(border: Border) -> Definition:
    name, words = _PADDED[border]
    function, uses = padding_call(border)
    text = _PADDED_TEXT.format(name=name, border=words, function=function)
    return Definition(name, text, uses=(CONV_2D, *uses))


def _shared(connection: Connection) -> Module:
    channel, symmetric = connection.operator.channel, _symmetric(connection.operator.space)
    assert symmetric is not None, "the guard refuses other paddings"
    padding: Arguments = (("padding", square(symmetric)),)
    if channel.connect == "groups":
        ends = (*_ends(connection), ("groups", channel.groups))
        return _module(_GROUP_SHARED, ends, padding, (), connection)
    heads = channel.heads if channel.share == "heads" else 1
    ends = (("dim", connection.in_channels), ("num_heads", heads))
    return _module(_HEAD_SHARED, ends, padding, (), connection)


_DEFAULTS: dict[str, Argument] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def _module(
    definition: Definition,
    ends: Arguments,
    padding: Arguments,
    groups: Arguments,
    connection: Connection,
) -> Module:
    """The constructor call, without what torch assumes by itself."""
    space = connection.operator.space
    written: Arguments = (
        ("kernel_size", square(space.size)),
        ("stride", square(space.stride)),
        *padding,
        ("dilation", square(space.dilation)),
        *groups,
    )
    kept = tuple((name, value) for name, value in written if _DEFAULTS.get(name) != value)
    bias: Arguments = () if connection.operator.bias == "channels" else (("bias", False),)
    return Module(definition.name, (*ends, *kept, *bias), positional=2, definition=definition)

"""Depth-wise convolution with a kernel per position, predicted from that position.

Goes in: a `local` connection of separate channels whose source is the centre: I-D-DW (Han et al.,
ICLR 2022), involution (Li et al., CVPR 2021). Comes out: a class whose `weights` are one kernel per
image, head and position, and whose `aggregate` is a sum of k² shifted products.
"""

from __future__ import annotations

from relgraph.algebra.operator import Normalize
from relgraph.lower.guards import has_channel_bias, is_centred_stencil, is_unframed
from relgraph.lower.module import Definition, Module
from relgraph.lower.predictor import Predictor, predictor_of, reduction_argument
from relgraph.lower.taps import NORMALIZED, TAP_VIEWS, indented, spacing_arguments
from relgraph.program import Connect

_PAD_GROUPS = Definition(
    "pad_groups",
    '''\
def pad_groups(x: Tensor, groups: int, padding: int) -> Tensor:
    """Zeros around a map, channels cut into groups: (B, C, H, W) -> (B, G, C/G, H + 2p, W + 2p)."""
    return F.pad(x, (padding, padding, padding, padding)).unflatten(1, (groups, -1))''',
)

_LOCAL_AGGREGATION = Definition(
    "LocalAggregation",
    '''\
class LocalAggregation(torch.autograd.Function):
    """y[g, c, o] = Σ_j w[g, j, o] · x[g, c, o + j], zeros around the map: a kernel per position.

    Shapes: x (B, C, H, W), w (B, G, k·k, Ho, Wo) -> (B, C, Ho, Wo), C/G channels in a group.
    Left to autograd, every tap would keep a shifted copy of x; this keeps x and w alone and shifts
    again on the way back. Sums of half precision are taken in float32.
    """

    @staticmethod
    def forward(x: Tensor, w: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
        shape, channels_last = (*x.shape[:2], *w.shape[3:]), torch.channels_last
        y = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=channels_last)
        padding = dilation * (kernel_size // 2)
        for image, kernels, out in LocalAggregation.parts(x, w, y):
            padded = pad_groups(image.contiguous(), w.shape[1], padding)
            taps = tap_views(padded, kernel_size, stride, dilation)
            total = taps[0].new_zeros(taps[0].shape, dtype=LocalAggregation.sum_type(x))
            for tap, kernel in zip(taps, kernels.unbind(2), strict=True):
                total.addcmul_(tap, kernel[:, :, None])
            out.copy_(total.flatten(1, 2))
        return y

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, w, *ctx.spacing = inputs
        ctx.save_for_backward(x, w)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        kernel_size, _, dilation = ctx.spacing
        padding = dilation * (kernel_size // 2)
        grad_x, grad_w = torch.empty_like(x), torch.empty_like(w)
        for image, kernels, grad, out_x, out_w in LocalAggregation.parts(
            x, w, grad_y, grad_x, grad_w
        ):
            padded = pad_groups(image.contiguous(), w.shape[1], padding)
            grad_padded = torch.zeros_like(padded, dtype=LocalAggregation.sum_type(x))
            grad = grad.contiguous().unflatten(1, (w.shape[1], -1))
            taps = tap_views(padded, *ctx.spacing)
            grad_taps = tap_views(grad_padded, *ctx.spacing)
            for j, kernel in enumerate(kernels.unbind(2)):
                grad_taps[j].addcmul_(grad, kernel[:, :, None])
                torch.sum(grad * taps[j], dim=2, out=out_w[:, :, j])
            height, width = x.shape[2:]
            inside = grad_padded[..., padding : padding + height, padding : padding + width]
            out_x.copy_(inside.flatten(1, 2))
        return grad_x, grad_w, None, None, None

    @staticmethod
    def parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Image by image on a CPU, where one image's maps stay in the cache; else all at once."""
        images = 1 if tensors[0].device.type == "cpu" else max(1, tensors[0].shape[0])
        return zip(*(tensor.split(images) for tensor in tensors), strict=True)

    @staticmethod
    def sum_type(x: Tensor) -> torch.dtype:
        return torch.promote_types(x.dtype, torch.float32)''',
    uses=(TAP_VIEWS, _PAD_GROUPS),
    imports=("from collections.abc import Iterator", "from typing import Any"),
)

_AGGREGATE_LOCALLY = Definition(
    "aggregate_locally",
    '''\
def aggregate_locally(
    x: Tensor, w: Tensor, kernel_size: int, stride: int = 1, dilation: int = 1
) -> Tensor:
    """Σ_j w[g, j, o] · x[g, c, o + j] by `LocalAggregation`, or as a plain sum for a compiler."""
    x = x.to(w.dtype)  # under autocast the weights come in half precision
    if not torch.compiler.is_compiling():
        y: Tensor = LocalAggregation.apply(x, w, kernel_size, stride, dilation)
        return y
    padded = pad_groups(x, w.shape[1], dilation * (kernel_size // 2))
    taps = tap_views(padded, kernel_size, stride, dilation)
    total = torch.zeros_like(taps[0])
    for tap, kernel in zip(taps, w.unbind(2), strict=True):
        total = total + tap * kernel[:, :, None]
    return total.flatten(1, 2)''',
    uses=(_LOCAL_AGGREGATION,),
)

_TEXT = '''\
class {name}(nn.Module):
    """Depth-wise convolution with a kernel per position and head, predicted from the position.

    y[c, o] = bias[c] + Σ_j w[head(c), j, o] · x[c, o + j]
    w[:, :, o] = {equation}, context = x[o]

    Shapes: (B, C, H, W) -> (B, C, H, W); weights (B, heads, k·k, H, W).
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        kernel_size: int,
{arguments}        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.kernel_size = kernel_size
        self.stride = stride
        self.dilation = dilation
{layers}
        self.bias = nn.Parameter(torch.empty(dim)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
{reset}        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def weights(self, x: Tensor) -> Tensor:
        """One k×k kernel per head and output position: (B, heads, k·k, Ho, Wo)."""
        context = x[:, :, :: self.stride, :: self.stride]
{predict}

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        y = aggregate_locally(x, w, self.kernel_size, self.stride, self.dilation)
        return y if self.bias is None else y + self.bias[:, None, None]

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)'''

_EXPAND = """\
height, width = hidden.shape[2:]
# Rows of kernels rather than of positions: each tap then reads one contiguous map.
expand = self.expand.weight.expand(x.shape[0], -1, -1)
w = torch.baddbmm(self.expand.bias[:, None], expand, hidden.flatten(2))
w = w.view(x.shape[0], self.num_heads, -1, height, width)"""

_SOFTMAX_PRESENT = """\
# Slots outside the map are absent from the softmax.
inside = pad_groups(torch.ones_like(x[:1, :1]), 1, self.dilation * (self.kernel_size // 2))
taps = tap_views(inside, self.kernel_size, self.stride, self.dilation)
w = w.masked_fill(torch.stack(taps, 3).squeeze(2) == 0, -math.inf)
return w.softmax(2)"""


def accepts_center(node: Connect) -> bool:
    """Odd square kernels of separate channels, one function per offset, the centre alone read."""
    operator = node.connection.operator
    return (
        operator.weight.source == "center"
        and operator.weight.extent == 1
        and operator.channel.connect == "separate"
        and operator.space.share == "positions"
        and is_centred_stencil(node)
        and is_unframed(node.connection)
        and has_channel_bias(node.connection)
    )


def lower_center(node: Connect) -> Module:
    """A class per form of predictor; sizes are its arguments."""
    connection = node.connection
    operator = connection.operator
    channel = operator.channel
    heads = {"none": connection.in_channels, "heads": channel.heads, "all": 1}[channel.share]
    masked = operator.space.border == "mask"
    definition = _definition(predictor_of(connection), operator.weight.normalize, masked)
    return Module(
        definition.name,
        (
            ("dim", connection.in_channels),
            ("num_heads", heads),
            ("kernel_size", operator.space.size[0]),
            *reduction_argument(connection),
            *spacing_arguments(operator.space),
            *(() if operator.bias == "channels" else (("bias", False),)),
        ),
        definition=definition,
    )


def _definition(predictor: Predictor, normalize: Normalize, masked: bool) -> Definition:
    masked = masked and normalize == "softmax"
    name = f"{predictor.prefix}{NORMALIZED[normalize]}InhomogeneousDepthwiseConv2d"
    reset = predictor.reset_lines("self.kernel_size**2")
    text = _TEXT.format(
        name=f"Masked{name}" if masked else name,
        equation=predictor.equation,
        arguments=indented(["reduction: int,", ""] if predictor.hidden else [""]),
        layers=indented(predictor.init_lines("num_heads * kernel_size**2")),
        reset=indented([*reset, ""]),
        predict=indented(_predict_lines(predictor, normalize, masked)),
    )
    uses = (*predictor.layers, _AGGREGATE_LOCALLY)
    return Definition(f"Masked{name}" if masked else name, text, uses, ("import math",))


def _predict_lines(predictor: Predictor, normalize: Normalize, masked: bool) -> list[str]:
    lines = [predictor.hidden_line("context"), *_EXPAND.splitlines()]
    if masked:
        return [*lines, *_SOFTMAX_PRESENT.splitlines()]
    end = {"none": "return w", "softmax": "return w.softmax(2)", "sigmoid": "return w.sigmoid()"}
    return [*lines, end[normalize]]

"""Depth-wise convolution with kernels predicted from the whole image (Han et al., ICLR 2022, D-DW).

Goes in: a `local` connection of separate channels, pooled source, one function per offset. Comes
out: a class whose `weights` are one kernel per image and channel (or head), whose `aggregate`
is one grouped convolution per image.
"""

from __future__ import annotations

from relgraph.algebra.operator import Normalize
from relgraph.lower.fields import Arguments
from relgraph.lower.guards import has_channel_bias, is_centred_stencil, is_unframed
from relgraph.lower.module import Definition, Module
from relgraph.lower.predictor import Predictor, predictor_of, reduction_argument
from relgraph.lower.taps import NORMALIZED, TAP_VIEWS, indented, spacing_arguments
from relgraph.program import Connect

_PER_IMAGE = Definition(
    "conv_per_image",
    '''\
def conv_per_image(
    x: Tensor, kernels: Tensor, bias: Tensor | None, stride: int, dilation: int
) -> Tensor:
    """Depth-wise convolution of every image with kernels of its own, zeros around the map.

    Shapes: x (B, C, H, W), kernels (B, C, k, k), k odd -> (B, C, ⌈H/stride⌉, ⌈W/stride⌉).
    """
    batch, channels, size = kernels.shape[:3]
    padding = dilation * (size // 2)
    if torch.compiler.is_exporting():
        # Loops and groups over the batch would fix its size in the graph; a sum of shifts does not.
        x = F.pad(x, (padding, padding, padding, padding))
        total = x.new_zeros(()) if bias is None else bias[:, None, None]
        taps = tap_views(x, size, stride, dilation)
        for view, weight in zip(taps, kernels.flatten(2).unbind(2), strict=True):
            total = total + view * weight[:, :, None, None]
        return total
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        # One call per image keeps channels_last memory, which folding the batch would copy.
        images = [
            F.conv2d(image, kernel.transpose(0, 1), bias, stride, padding, dilation, channels)
            for image, kernel in zip(x.split(1), kernels.split(1), strict=True)
        ]
        return torch.cat(images)
    folded, kernel = x.reshape(1, -1, *x.shape[2:]), kernels.reshape(-1, 1, size, size)
    y = F.conv2d(folded, kernel, None, stride, padding, dilation, batch * channels)
    y = y.unflatten(1, (batch, channels)).squeeze(0)
    return y if bias is None else y + bias[:, None, None]''',
    uses=(TAP_VIEWS,),
)

_TEXT = '''\
class {name}(nn.Module):
    """Depth-wise convolution with one kernel per image and {unit}, predicted from the image.

    y[c, o] = bias[c] + Σ_j w[{index}, j] · x[c, o + j]
    w = {equation}, context = the mean of x over all positions

    Shapes: (B, C, H, W) -> (B, C, H, W); weights (B, {letter}, k, k).
    """

    def __init__(
        self,
        dim: int,
        kernel_size: int,
{arguments}        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
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
{predict}

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
{aggregate}

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)'''

_ONE_IMAGE = """\
if self.training and x.shape[0] == 1:
    raise ValueError("batch norm of one pooled vector: train with two or more images a batch")"""

_NORMALIZE = {
    "none": "",
    "sigmoid": ".sigmoid()",
    "softmax": ".flatten(2).softmax(2).view_as(kernels)",
}


def accepts_pooled(node: Connect) -> bool:
    """Odd square kernels of separate channels, one function per offset, the whole image read.

    Under a softmax the border must be `zero`: absent slots would make the kernel depend on o.
    """
    operator = node.connection.operator
    return (
        operator.weight.source == "pooled"
        and operator.channel.connect == "separate"
        and operator.space.share == "positions"
        and (operator.weight.normalize != "softmax" or operator.space.border == "zero")
        and is_centred_stencil(node)
        and is_unframed(node.connection)
        and has_channel_bias(node.connection)
    )


def lower_pooled(node: Connect) -> Module:
    """A class per form of predictor; sizes are its arguments."""
    connection = node.connection
    operator = connection.operator
    shares = operator.channel.share != "none"
    definition = _definition(predictor_of(connection), shares, operator.weight.normalize)
    heads: Arguments = ()
    if shares:
        heads = (("num_heads", operator.channel.heads if operator.channel.share == "heads" else 1),)
    return Module(
        definition.name,
        (
            ("dim", connection.in_channels),
            ("kernel_size", operator.space.size[0]),
            *heads,
            *reduction_argument(connection),
            *spacing_arguments(operator.space),
            *(() if operator.bias == "channels" else (("bias", False),)),
        ),
        definition=definition,
    )


def _definition(predictor: Predictor, shares: bool, normalize: Normalize) -> Definition:
    name = f"{predictor.prefix}{NORMALIZED[normalize]}DynamicDepthwiseConv2d"
    name = f"HeadShared{name}" if shares else name
    units = "num_heads" if shares else "dim"
    arguments = ["num_heads: int,"] if shares else []
    arguments += ["reduction: int,"] if predictor.hidden else []
    text = _TEXT.format(
        name=name,
        unit="head" if shares else "channel",
        index="head(c)" if shares else "c",
        letter="heads" if shares else "C",
        equation=predictor.equation,
        arguments=indented([*arguments, ""]),
        layers=indented(predictor.init_lines(f"{units} * kernel_size**2")),
        reset=indented([*predictor.reset_lines("self.kernel_size**2"), ""]),
        predict=indented(_predict_lines(predictor, shares, normalize)),
        aggregate=indented(_aggregate_lines(shares)),
    )
    return Definition(name, text, (*predictor.layers, _PER_IMAGE), ("import math",))


def _predict_lines(predictor: Predictor, shares: bool, normalize: Normalize) -> list[str]:
    unit = "head" if shares else "channel"
    lines = [f'"""One k×k kernel per image and {unit}."""']
    if predictor.hidden and predictor.norm:
        lines += _ONE_IMAGE.splitlines()
    lines.append(predictor.hidden_line("x.mean((2, 3))"))
    kernels = "self.expand(hidden).unflatten(1, (-1, self.kernel_size, self.kernel_size))"
    if normalize == "none":
        return [*lines, f"return {kernels}"]
    return [*lines, f"kernels = {kernels}", f"return kernels{_NORMALIZE[normalize]}"]


def _aggregate_lines(shares: bool) -> list[str]:
    call = "return conv_per_image(x, w, self.bias, self.stride, self.dilation)"
    if not shares:
        return [call]
    share = "w = w.repeat_interleave(x.shape[1] // w.shape[1], dim=1)"
    return ["# The consecutive channels of a head share its kernel.", share, call]

"""Depth-wise convolution with kernels predicted from the whole image (Han et al., ICLR 2022, D-DW).

Goes in: a `local` connection of separate channels, pooled source, one function per offset. Comes
out: a class whose `weights` are one kernel per image and channel (or head), whose `aggregate`
is one grouped convolution per image.
"""

from __future__ import annotations

from relgraph.lower.fields import Arguments
from relgraph.lower.guards import has_channel_bias, is_centred_stencil, is_unframed
from relgraph.lower.module import Definition, Module
from relgraph.lower.predicted import TAP_VIEWS, Form, body, form_of, imports_of, size_arguments
from relgraph.program import Connect

_PER_IMAGE = Definition(
    "conv_per_image",
    '''\
def conv_per_image(
    x: Tensor, kernels: Tensor, bias: Tensor | None = None, stride: int = 1, dilation: int = 1
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

    y[c, o] = {bias}Σ_j w[{index}, j] · x[c, o + j]
    w = {equation}, context = the mean of x over all positions

    Shapes: (B, C, H, W) -> (B, C, H, W); weights (B, {letter}, k, k).
    """

{constructor}

    def weights(self, x: Tensor) -> Tensor:
{predict}

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
{aggregate}

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)'''

ONE_IMAGE = """\
if self.training and x.shape[0] == 1:
    raise ValueError("batch norm over pooled vectors needs two or more images to train")"""

_NORMALIZED = {
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
        and operator.weight.normalize in _NORMALIZED
        and (operator.weight.normalize != "softmax" or operator.space.border == "zero")
        and is_centred_stencil(node)
        and is_unframed(node.connection)
        and has_channel_bias(node.connection)
    )


def lower_pooled(node: Connect) -> Module:
    """A class per form; sizes are its arguments."""
    connection = node.connection
    channel, space = connection.operator.channel, connection.operator.space
    heads: Arguments = ()
    if channel.share != "none":
        heads = (("num_heads", channel.heads if channel.share == "heads" else 1),)
    ends: Arguments = (("dim", connection.in_channels), *heads, ("kernel_size", space.size[0]))
    definition = _definition(form_of(connection))
    arguments = (*ends, *size_arguments(connection))
    return Module(definition.name, arguments, definition=definition)


def _definition(form: Form) -> Definition:
    name = form.name("DynamicDepthwiseConv2d", usual_bias=True)
    name = f"HeadShared{name}" if form.shares else name
    sizes = ["dim: int", *(["num_heads: int"] if form.shares else []), "kernel_size: int"]
    units = "num_heads" if form.shares else "dim"
    text = _TEXT.format(
        name=name,
        unit="head" if form.shares else "channel",
        bias="bias[c] + " if form.bias else "",
        index="head(c)" if form.shares else "c",
        letter="heads" if form.shares else "C",
        equation=form.equation,
        constructor=form.constructor(
            sizes, ["self.kernel_size = kernel_size"], f"{units} * kernel_size**2"
        ),
        predict=body(_predict_lines(form)),
        aggregate=body(_aggregate_lines(form)),
    )
    return Definition(name, text, (*form.predictor.layers, _PER_IMAGE), imports_of(text))


def _predict_lines(form: Form) -> list[str]:
    unit, letter = ("head", "heads") if form.shares else ("channel", "C")
    lines = [f'"""One kernel per image and {unit}: (B, C, H, W) -> (B, {letter}, k, k)."""']
    if form.predictor.hidden and form.predictor.norm:
        lines += ONE_IMAGE.splitlines()
    lines.append(form.predictor.hidden_line("x.mean((2, 3))"))
    kernels = "self.expand(hidden).unflatten(1, (-1, self.kernel_size, self.kernel_size))"
    if form.normalize == "none":
        return [*lines, f"return {kernels}"]
    return [*lines, f"kernels = {kernels}", f"return kernels{_NORMALIZED[form.normalize]}"]


def _aggregate_lines(form: Form) -> list[str]:
    bias = ", self.bias" if form.bias else ", None" if form.spaced else ""
    call = f"return conv_per_image(x, w{bias}{form.spacing})"
    if not form.shares:
        return [call]
    share = "w = w.repeat_interleave(x.shape[1] // w.shape[1], dim=1)"
    return ["# The consecutive channels of a head share its kernel.", share, call]

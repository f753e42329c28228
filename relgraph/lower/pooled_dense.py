"""Convolution of joined channels with kernels predicted from the whole image (CondConv).

Goes in: a `local` connection of full or grouped channels, pooled source, one function per offset.
Comes out: a class whose `weights` are one kernel per image, whose `aggregate` convolves every image
with its own. Separate channels are `pooled`'s.
"""

from __future__ import annotations

from relgraph.lower.fields import Arguments
from relgraph.lower.guards import has_channel_bias, is_centred_stencil, is_unframed
from relgraph.lower.module import Definition, Module
from relgraph.lower.pooled import ONE_IMAGE
from relgraph.lower.predicted import Form, body, form_of, imports_of, size_arguments
from relgraph.program import Connect

_DENSE_PER_IMAGE = Definition(
    "dense_conv_per_image",
    '''\
def dense_conv_per_image(
    x: Tensor,
    kernels: Tensor,
    groups: int = 1,
    bias: Tensor | None = None,
    stride: int = 1,
    dilation: int = 1,
) -> Tensor:
    """Convolution of every image with kernels of its own, zeros around the map.

    Shapes: x (B, C, H, W), kernels (B, D, C/G, k, k), k odd -> (B, D, ⌈H/stride⌉, ⌈W/stride⌉).
    """
    batch, out_channels, _, size = kernels.shape[:4]
    padding = dilation * (size // 2)
    if torch.compiler.is_exporting():
        # Loops and groups over the batch would fix its size in the graph; a product does not.
        near = F.unfold(x, size, dilation, padding, stride).unflatten(1, (groups, -1))
        y = kernels.flatten(2).unflatten(1, (groups, -1)) @ near
        height, width = ((side - 1) // stride + 1 for side in x.shape[2:])
        y = y.flatten(1, 2).unflatten(2, (height, width))
        return y if bias is None else y + bias[:, None, None]
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        # One call per image keeps channels_last memory, which folding the batch would copy.
        images = [
            F.conv2d(image, kernel.squeeze(0), bias, stride, padding, dilation, groups)
            for image, kernel in zip(x.split(1), kernels.split(1), strict=True)
        ]
        return torch.cat(images)
    folded, kernel = x.reshape(1, -1, *x.shape[2:]), kernels.flatten(0, 1)
    y = F.conv2d(folded, kernel, None, stride, padding, dilation, batch * groups)
    y = y.unflatten(1, (batch, out_channels)).squeeze(0)
    return y if bias is None else y + bias[:, None, None]''',
)

_TEXT = '''\
class {name}(nn.Module):
    """Convolution with one kernel per image, predicted from the image.

    y[d, o] = {bias}Σ_j Σ_c w[d, c, j] · x[c, o + j]{grouped}
    w = {equation}, context = the mean of x over all positions

    Shapes: (B, C, H, W) -> (B, D, H, W); weights (B, D, {letter}, k, k).
    """

{constructor}

    def weights(self, x: Tensor) -> Tensor:
{predict}

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
{aggregate}

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)'''


def accepts_pooled_dense(node: Connect) -> bool:
    """Odd square kernels of joined channels, one function per offset, the whole image read."""
    operator = node.connection.operator
    return (
        operator.weight.source == "pooled"
        and operator.weight.normalize == "none"
        and operator.channel.connect in ("full", "groups")
        and operator.channel.share == "none"
        and operator.space.share == "positions"
        and is_centred_stencil(node)
        and is_unframed(node.connection)
        and has_channel_bias(node.connection)
    )


def lower_pooled_dense(node: Connect) -> Module:
    """A class per form; sizes are its arguments."""
    connection = node.connection
    channel, space = connection.operator.channel, connection.operator.space
    sizes: Arguments = (("dim", connection.in_channels), ("out_dim", connection.out_channels))
    if channel.connect == "groups":
        sizes += (("groups", channel.groups),)
    definition = _definition(form_of(connection), channel.connect == "groups")
    arguments = (*sizes, ("kernel_size", space.size[0]), *size_arguments(connection))
    return Module(definition.name, arguments, definition=definition)


def _definition(form: Form, grouped: bool) -> Definition:
    name = form.name("DynamicConv2d", usual_bias=True)
    name = f"Grouped{name}" if grouped else name
    joined = "dim // groups" if grouped else "dim"
    own = ["self.out_dim = out_dim", "self.kernel_size = kernel_size"]
    own += ["self.groups = groups"] * grouped + [f"self.fan_in = {joined} * kernel_size**2"]
    text = _TEXT.format(
        name=name,
        bias="bias[d] + " if form.bias else "",
        grouped=", c in the group of d" if grouped else "",
        letter="C/G" if grouped else "C",
        equation=form.equation,
        constructor=form.constructor(
            ["dim: int", "out_dim: int", *(["groups: int"] * grouped), "kernel_size: int"],
            own,
            "out_dim * self.fan_in",
            bias_dim="out_dim",
            root="self.fan_in**0.5",
        ),
        predict=body(_predict_lines(form)),
        aggregate=body([_call(form, grouped)]),
    )
    return Definition(name, text, (*form.predictor.layers, _DENSE_PER_IMAGE), imports_of(text))


def _predict_lines(form: Form) -> list[str]:
    lines = ['"""One kernel per image: (B, C, H, W) -> (B, D, channels of a group, k, k)."""']
    if form.predictor.hidden and form.predictor.norm:
        lines += ONE_IMAGE.splitlines()
    return [
        *lines,
        form.predictor.hidden_line("x.mean((2, 3))"),
        "sides = (self.kernel_size, self.kernel_size)",
        "return self.expand(hidden).unflatten(1, (self.out_dim, -1, *sides))",
    ]


def _call(form: Form, grouped: bool) -> str:
    bias = ", self.bias" if form.bias else ", None" if form.spaced else ""
    groups = ", self.groups" if grouped else ", 1" if bias else ""
    return f"return dense_conv_per_image(x, w{groups}{bias}{form.spacing})"

"""Depth-wise convolution with a kernel per position, predicted from that position.

Goes in: a `local` connection of separate channels whose source is the centre: I-D-DW (Han et al.,
ICLR 2022), involution (Li et al., CVPR 2021). Comes out: a class whose `weights` are one kernel per
image, head and position, and whose `aggregate` is a sum of k² shifted products.
"""

from __future__ import annotations

from relgraph.lower.fields import Arguments
from relgraph.lower.guards import has_channel_bias, is_centred_stencil, is_unframed
from relgraph.lower.module import Definition, Module
from relgraph.lower.predicted import TAP_VIEWS, Form, body, form_of, imports_of, size_arguments
from relgraph.program import Connect

_PAD_GROUPS = Definition(
    "pad_groups",
    '''\
def pad_groups(x: Tensor, groups: int, padding: int) -> Tensor:
    """Zeros around a map, channels cut into groups: (B, C, H, W) -> (B, G, C/G, H + 2p, W + 2p)."""
    return F.pad(x, (padding, padding, padding, padding)).unflatten(1, (groups, -1))''',
)

_IMAGE_PARTS = Definition(
    "image_parts",
    '''\
def image_parts(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """Cut batches image by image on a CPU, whose cache holds one image's maps; else not at all."""
    images = 1 if tensors[0].device.type == "cpu" else max(1, tensors[0].shape[0])
    return list(zip(*(tensor.split(images) for tensor in tensors), strict=True))''',
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
        groups, padding = w.shape[1], dilation * (kernel_size // 2)
        wide = torch.promote_types(x.dtype, torch.float32)
        shape, layout = (*x.shape[:2], *w.shape[3:]), torch.channels_last
        y = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=layout)
        for image, kernels, out in image_parts(x, w, y):
            padded = pad_groups(image.contiguous(), groups, padding)
            taps = tap_views(padded, kernel_size, stride, dilation)
            total = taps[0].new_zeros(taps[0].shape, dtype=wide)
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
        groups, padding = w.shape[1], dilation * (kernel_size // 2)
        rows, columns = (slice(padding, padding + side) for side in x.shape[2:])
        wide = torch.promote_types(x.dtype, torch.float32)
        grad_x, grad_w = torch.empty_like(x), torch.empty_like(w)
        for image, kernels, grad, *out in image_parts(x, w, grad_y, grad_x, grad_w):
            padded = pad_groups(image.contiguous(), groups, padding)
            grad_padded = torch.zeros_like(padded, dtype=wide)
            grad = grad.contiguous().unflatten(1, (groups, -1))
            taps = tap_views(padded, *ctx.spacing)
            grad_taps = tap_views(grad_padded, *ctx.spacing)
            for j, kernel in enumerate(kernels.unbind(2)):
                grad_taps[j].addcmul_(grad, kernel[:, :, None])
                torch.sum(grad * taps[j], dim=2, out=out[1][:, :, j])
            out[0].copy_(grad_padded[..., rows, columns].flatten(1, 2))
        return grad_x, grad_w, None, None, None''',
    uses=(TAP_VIEWS, _PAD_GROUPS, _IMAGE_PARTS),
    imports=("from typing import Any",),
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

    y[c, o] = {bias}Σ_j w[head(c), j, o] · x[c, o + j]
    w[:, :, o] = {equation}, context = x[o]

    Shapes: (B, C, H, W) -> (B, C, H, W); weights (B, heads, k·k, H, W).
    """

{constructor}

    def weights(self, x: Tensor) -> Tensor:
{predict}

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
{aggregate}

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)'''

_LOGITS = """\
# Rows of kernels rather than of positions: each tap then reads one contiguous map.
expand = self.expand.weight.expand(x.shape[0], -1, -1)
w = torch.baddbmm(self.expand.bias[:, None], expand, hidden.flatten(2))
"""
_MIXED = """\
# Rows of kernels rather than of positions: each tap then reads one contiguous map.
w = torch.matmul(self.expand.weight, hidden.flatten(2))
"""
_SHAPED = "w.view(x.shape[0], self.num_heads, -1, *hidden.shape[2:])"

_ABSENT = """\
# Slots outside the map are absent from the softmax.
inside = pad_groups(torch.ones_like(x[:1, :1]), 1, {padding})
taps = tap_views(inside, self.kernel_size{spacing})
w = w.masked_fill(torch.stack(taps, 3).squeeze(2) == 0, -math.inf)"""


def accepts_center(node: Connect) -> bool:
    """Odd square kernels of separate channels, one function per offset, the centre alone read."""
    operator = node.connection.operator
    return (
        operator.weight.source == "center"
        and operator.weight.extent == 1
        and operator.weight.normalize in _NORMALIZED
        and operator.channel.connect == "separate"
        and operator.space.share == "positions"
        and is_centred_stencil(node)
        and is_unframed(node.connection)
        and has_channel_bias(node.connection)
    )


def lower_center(node: Connect) -> Module:
    """A class per form; sizes are its arguments."""
    connection = node.connection
    channel, space = connection.operator.channel, connection.operator.space
    heads = {"none": connection.in_channels, "heads": channel.heads, "all": 1}[channel.share]
    ends: Arguments = (
        ("dim", connection.in_channels),
        ("num_heads", heads),
        ("kernel_size", space.size[0]),
    )
    definition = _definition(form_of(connection))
    arguments = (*ends, *size_arguments(connection))
    return Module(definition.name, arguments, definition=definition)


def _definition(form: Form) -> Definition:
    name = form.name("InhomogeneousDepthwiseConv2d", usual_bias=False)
    own = ["self.num_heads = num_heads", "self.kernel_size = kernel_size"]
    sizes = ["dim: int", "num_heads: int", "kernel_size: int"]
    call = f"aggregate_locally(x, w, self.kernel_size{form.spacing})"
    text = _TEXT.format(
        name=name,
        bias="bias[c] + " if form.bias else "",
        equation=form.equation,
        constructor=form.constructor(sizes, own, "num_heads * kernel_size**2"),
        predict=body(_predict_lines(form)),
        aggregate=body(
            [f"y = {call}", "return y + self.bias[:, None, None]"]
            if form.bias
            else [f"return {call}"]
        ),
    )
    uses = (*form.predictor.layers, _AGGREGATE_LOCALLY)
    return Definition(name, text, uses, imports_of(text))


def _predict_lines(form: Form) -> list[str]:
    context = "x[:, :, :: self.stride, :: self.stride]" if form.spaced else "x"
    lines = [
        '"""One k×k kernel per head and position: (B, C, H, W) -> (B, heads, k·k, H, W)."""',
        form.predictor.hidden_line(context),
        *(_MIXED if form.predictor.experts else _LOGITS).splitlines(),
    ]
    if form.masked:
        reach = "(self.kernel_size // 2)"
        padding = f"self.dilation * {reach}" if form.spaced else reach[1:-1]
        absent = _ABSENT.format(padding=padding, spacing=form.spacing)
        return [*lines, f"w = {_SHAPED}", *absent.splitlines(), "return w.softmax(2)"]
    return [*lines, f"return {_SHAPED}{_NORMALIZED[form.normalize]}"]


_NORMALIZED = {"none": "", "softmax": ".softmax(2)", "sigmoid": ".sigmoid()"}

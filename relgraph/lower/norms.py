"""Norms and per-channel factors as modules, by the layout of the value.

Goes in: a norm, `affine` or `scale` element. Comes out: torch's own norm where it reads the layout,
a small class where it does not. Norms run over dimension 1 of maps and the last one elsewhere.
"""

from __future__ import annotations

from relgraph.assemble.elements import has_factor
from relgraph.lower.fields import Arguments, flag, number, whole
from relgraph.lower.layers import LAYER_NORM_2D, RMS_NORM_2D
from relgraph.lower.module import Definition, Inline, Lowered, Module
from relgraph.program import Element, Layout

_SEQUENCE_BATCH_NORM = Definition(
    "SequenceBatchNorm",
    '''\
class SequenceBatchNorm(nn.BatchNorm1d):
    """Batch norm of (B, N, C) with one mean and variance per channel, over samples and places."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])''',
)

_STARTED_BATCH_NORM = '''\
class {name}({base}):
    """Batch norm whose weight starts at `init`; at 0, a residual branch starts as nothing."""

    init = 1.0

    def __init__(
        self, num_features: int, init: float, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        super().__init__(num_features, eps=eps, momentum=momentum)
        self.init = init
        self.reset_parameters()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.constant_(self.weight, self.init)'''

_STARTED_LAYER_NORM = '''\
class {name}({base}):
    """Layer norm whose weight starts at `init`; at 0, a residual branch starts as nothing."""

    init = 1.0

    def __init__(
        self, normalized_shape: int, init: float, eps: float = 1e-5, bias: bool = True
    ) -> None:
        super().__init__(normalized_shape, eps=eps, bias=bias)
        self.init = init
        self.reset_parameters()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.constant_(self.weight, self.init)'''

_SEQUENCE_GROUP_NORM = Definition(
    "SequenceGroupNorm",
    '''\
class SequenceGroupNorm(nn.GroupNorm):
    """Group norm of (B, N, C): every group of channels together over all places of a sample."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)''',
)

_UNSCALED = Definition(
    "UnscaledLayerNorm",
    '''\
class UnscaledLayerNorm(nn.Module):
    """Layer norm whose factor and shift stand in the weights of the layer behind it."""

    ones: Tensor

    def __init__(self, normalized_shape: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,)
        self.eps = eps
        # With a factor of one, torch's norm is twice as fast on a CPU as without any.
        self.register_buffer("ones", torch.empty(normalized_shape), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.ones)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.ones.to(x.dtype), eps=self.eps)''',
)

_UNSCALED_2D = Definition(
    "UnscaledLayerNorm2d",
    '''\
class UnscaledLayerNorm2d(UnscaledLayerNorm):
    """The same over the channels of every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
    uses=(_UNSCALED,),
)

_AFFINE = Definition(
    "Affine",
    '''\
class Affine(nn.Module):
    """y = weight · x + bias, a factor and a shift per channel of (..., C) (ResMLP's norm)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim))
        self.bias = nn.Parameter(torch.empty(dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.bias, self.weight, x)''',
)

_AFFINE_2D = Definition(
    "Affine2d",
    '''\
class Affine2d(Affine):
    """The same at every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
    uses=(_AFFINE,),
)

_LAYER_SCALE = Definition(
    "LayerScale",
    '''\
class LayerScale(nn.Module):
    """y = weight · x with a learned factor per channel of (..., C) that starts at `init_value`."""

    def __init__(self, dim: int, init_value: float) -> None:
        super().__init__()
        self.init_value = init_value
        self.weight = nn.Parameter(torch.empty(dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.init_value)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight''',
)

_LAYER_SCALE_2D = Definition(
    "LayerScale2d",
    '''\
class LayerScale2d(LayerScale):
    """The same at every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]''',
    uses=(_LAYER_SCALE,),
)


def lower_layer_norm(element: Element) -> Lowered:
    """Mean 0 and variance 1 over the channels of every position, then weight and bias; the weight
    starts at `init`."""
    width: Arguments = (("normalized_shape", element.input.channels),)
    if not has_factor(element):
        definition = _UNSCALED_2D if element.input.layout == "map" else _UNSCALED
        return Module(definition.name, (*width, *_numbers(element)), definition=definition)
    bias: Arguments = () if flag(element["bias"]) else (("bias", False),)
    arguments = (*width, *_numbers(element), *bias)
    if element.input.layout == "map":
        plain = Module(LAYER_NORM_2D.name, arguments, definition=LAYER_NORM_2D)
    else:
        plain = Module("nn.LayerNorm", arguments)
    return _started(plain, element, _STARTED_LAYER_NORM)


def lower_rms_norm(element: Element) -> Lowered:
    """Mean square 1 over the channels of every position, then a weight."""
    # eps is always written: torch's own default is a function of the dtype.
    arguments: Arguments = (
        ("normalized_shape", element.input.channels),
        ("eps", number(element["eps"])),
        *(() if has_factor(element) else (("elementwise_affine", False),)),
    )
    if element.input.layout == "map":
        return Module(RMS_NORM_2D.name, arguments, definition=RMS_NORM_2D)
    return Module("nn.RMSNorm", arguments)


def lower_group_norm(element: Element) -> Lowered:
    """Mean 0 and variance 1 over each group of channels at all positions of a sample."""
    sizes: Arguments = (
        ("num_groups", whole(element["groups"])),
        ("num_channels", element.input.channels),
    )
    arguments = (*sizes, *_numbers(element))
    if element.input.layout == "sequence":
        return Module(_SEQUENCE_GROUP_NORM.name, arguments, 2, _SEQUENCE_GROUP_NORM)
    return Module("nn.GroupNorm", arguments, 2)


def lower_batch_norm(element: Element) -> Lowered:
    """Mean 0 and variance 1 per channel over the batch; the weight starts at `init`."""
    constructor, definition = _BATCH_NORMS[element.input.layout]
    width: Arguments = (("num_features", element.input.channels),)
    plain = Module(constructor, (*width, *_numbers(element)), definition=definition)
    return _started(plain, element, _STARTED_BATCH_NORM)


def _started(plain: Module, element: Element, template: str) -> Module:
    """The norm, in a class of its own where its weight does not start at one."""
    init = number(element["init"])
    if init == 1.0:
        return plain
    uses = () if plain.definition is None else (plain.definition,)
    name = f"Started{plain.constructor.removeprefix('nn.')}"
    definition = Definition(name, template.format(name=name, base=plain.constructor), uses)
    width, *others = plain.arguments
    return Module(name, (width, ("init", init), *others), definition=definition)


_BATCH_NORMS: dict[Layout, tuple[str, Definition | None]] = {
    "map": ("nn.BatchNorm2d", None),
    "sequence": (_SEQUENCE_BATCH_NORM.name, _SEQUENCE_BATCH_NORM),
    "vector": ("nn.BatchNorm1d", None),
}


def _numbers(element: Element) -> Arguments:
    """`eps` and `momentum` where they are not torch's own."""
    fields = dict(element.arguments)
    written = [(name, number(fields[name])) for name in _DEFAULTS if name in fields]
    return tuple((name, value) for name, value in written if value != _DEFAULTS[name])


_DEFAULTS = {"eps": 1e-5, "momentum": 0.1}


def lower_affine(element: Element) -> Lowered:
    """A learned factor and shift per channel."""
    definition = _AFFINE_2D if element.input.layout == "map" else _AFFINE
    return Module(definition.name, (("dim", element.input.channels),), definition=definition)


def lower_scale(element: Element) -> Lowered:
    """A learned factor per channel, or one fixed number."""
    init = number(element["init"])
    if not flag(element["learned"]):
        return Inline(f"{init!r} * {{x}}")
    definition = _LAYER_SCALE_2D if element.input.layout == "map" else _LAYER_SCALE
    arguments: Arguments = (("dim", element.input.channels), ("init_value", init))
    return Module(definition.name, arguments, definition=definition)

"""Leaf classes that emitted files share: torch's own layers with the initialisation of this house.

Goes in: nothing. Comes out: definitions, each the text of one class, that families of lowerings
name in their `uses` or construct. This module knows torch only as text.

Initialisation: linear layers truncated normal with standard deviation 0.02, convolutions normal
with variance 2 / fan-out, norms 1 and 0, biases 0. A backbone's `init` puts another rule in the
place of the linear layers' (`starts.following`).
"""

from __future__ import annotations

from relgraph.algebra.starts import StartedWeight
from relgraph.lower.module import Definition

LINEAR = Definition(
    "Linear",
    '''\
class Linear(nn.Linear):
    """y = x Wᵀ + b over the last dimension. W starts truncated normal (0.02), b at 0."""

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        if self.bias is not None:
            nn.init.zeros_(self.bias)''',
    follows_init=StartedWeight("weight"),
)

LINEAR_2D = Definition(
    "Linear2d",
    '''\
class Linear2d(Linear):
    """The same linear layer at every position of a map: (B, C, H, W) -> (B, D, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        # Maps lie in channels_last memory, so both permutes are free views.
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
    uses=(LINEAR,),
)

POINTWISE_CONV_2D = Definition(
    "PointwiseConv2d",
    '''\
class PointwiseConv2d(Linear2d):
    """The same linear layer as a 1×1 convolution: (B, C, H, W) -> (B, D, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        # Arranging the weights at every call pays from the second image on. Compiled and exported
        # code is one for all batches.
        if not torch.compiler.is_compiling() and len(x) == 1:
            return super().forward(x)
        return F.conv2d(x, self.weight[:, :, None, None], self.bias)''',
    uses=(LINEAR_2D,),
)

CONV_2D = Definition(
    "Conv2d",
    '''\
class Conv2d(nn.Conv2d):
    """Convolution. The kernel starts normal with variance 2 / fan-out, the bias at 0."""

    def reset_parameters(self) -> None:
        fan_out = math.prod(self.kernel_size) * self.out_channels // self.groups
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / fan_out))
        if self.bias is not None:
            nn.init.zeros_(self.bias)''',
    imports=("import math",),
)

LAYER_NORM_2D = Definition(
    "LayerNorm2d",
    '''\
class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
)

RMS_NORM_2D = Definition(
    "RMSNorm2d",
    '''\
class RMSNorm2d(nn.RMSNorm):
    """Root mean square norm over the channels of every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)''',
)

DROP_PATH = Definition(
    "DropPath",
    '''\
class DropPath(nn.Module):
    """Stochastic depth (Huang et al., ECCV 2016): zero x for a random part of the samples."""

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep_prob = 1.0 - self.drop_prob
        # One coin per sample; dividing by keep_prob keeps the expectation.
        keep = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep_prob)
        return x * keep.div_(keep_prob)

    def extra_repr(self) -> str:
        return f"drop_prob={self.drop_prob:.3f}"''',
)

"""Attention between channels (XCA): queries and keys are what channels hold at all positions.

Goes in: a connection whose weights compare channels inside heads, between a value and an output
projection. Comes out: a class as a person writes it, for sequences or for maps, whose `weights` are
one matrix per image and head. Other frames and biases are the general form's.
"""

from __future__ import annotations

from relgraph.lower.attention.around import on_map
from relgraph.lower.attention_parts import PARTIAL_LINEAR
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

_TEXT = '''\
class CrossCovarianceAttention(nn.Module):
    """Attention between channels: in its head, a channel sums others by how alike their maps are.

    y[n, d] = proj(Σ_c w[d, c] v[n, c]), c in the head of d
    w[d, :] = softmax_c(temperature[head] cos(q[:, d], k[:, c])), cosines over all positions

    Shapes: (B, N, C) -> (B, N, C); weights (B, heads, C / heads, C / heads).
    """

    def __init__(
        self, dim: int, num_heads: int, qkv_bias: bool = True, proj_bias: bool = True
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.temperature = nn.Parameter(torch.empty(num_heads, 1, 1))
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.temperature)

    def weights(self, x: Tensor) -> Tensor:
        """How much each channel reads of each other one: (B, heads, C / heads, C / heads)."""
        q, k = self.split(partial_linear(self.qkv, x, 0, 2 * self.dim))
        return self.compare(q, k)

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Mix the channels of every position with weights w."""
        (v,) = self.split(partial_linear(self.qkv, x, 2 * self.dim, 3 * self.dim))
        return self.mix(w, v)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(self.qkv(x))
        return self.mix(self.compare(q, k), v)

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, N, parts * C) -> parts views (B, heads, C / heads, N)."""
        shape = (-1, self.num_heads, self.dim // self.num_heads)
        return x.transpose(1, 2).unflatten(1, shape).unbind(1)

    def compare(self, q: Tensor, k: Tensor) -> Tensor:
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        return (q @ k.transpose(-2, -1) * self.temperature).softmax(dim=-1)

    def mix(self, w: Tensor, v: Tensor) -> Tensor:
        return self.proj((w @ v).flatten(1, 2).transpose(1, 2))'''

_SEQUENCE = Definition("CrossCovarianceAttention", _TEXT, uses=(LINEAR, PARTIAL_LINEAR))

_MAP = on_map(_SEQUENCE)


def accepts_cross_covariance(node: Connect) -> bool:
    """A softmax over the channels of a head, both projections, no bias of the core's own."""
    connection = node.connection
    operator = connection.operator
    return (
        operator.weight.source == "channels"
        and operator.weight.normalize == "softmax"
        and operator.frame.value
        and operator.frame.output
        and operator.bias == "none"
        and connection.in_channels == connection.out_channels
    )


def lower_cross_covariance(node: Connect) -> Module:
    """`qkv` and `proj` as everywhere, `temperature` (heads, 1, 1)."""
    operator = node.connection.operator
    biases: tuple[tuple[str, Argument], ...] = (
        ("qkv_bias", operator.weight.qkv_bias),
        ("proj_bias", operator.frame.output_bias),
    )
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", node.connection.in_channels),
        ("num_heads", operator.channel.groups),
        *((name, value) for name, value in biases if not value),
    )
    definition = _MAP if node.input.layout == "map" else _SEQUENCE
    return Module(definition.name, arguments, positional=2, definition=definition)

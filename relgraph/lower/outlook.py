"""Outlook attention: windows that overlap, each with weights predicted from its centre (VOLO).

Goes in: an `outlook` connection of separate channels with both projections, whose weights are a
softmax of what one layer makes of the centre. Comes out: a class that cuts the map into windows
(unfold), mixes each and sums them where they overlap (fold). Even and oblong windows, and those
that end at the border, are the general form's.
"""

from __future__ import annotations

from relgraph.lower.attention_parts import heads
from relgraph.lower.guards import is_map_to_map
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

_OUTLOOK = Definition(
    "OutlookAttention",
    '''\
class OutlookAttention(nn.Module):
    """Windows around every step-th position, each mixed by weights that its centre predicts (VOLO).

    y[o] = proj(Σ_p Σ_j softmax_j(expand(x[p])[o - p, j - p]) v[j]), o and j in the window around p
    x[p] is the mean over the step x step positions from p on; zeros stand outside the map.
    Shapes: (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: int,
        step: int,
        value_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.window_size = window_size
        self.step = step
        self.value = Linear(dim, dim, bias=value_bias)
        self.expand = Linear(dim, num_heads * window_size**4)
        self.proj = Linear(dim, dim, bias=proj_bias)

    def weights(self, x: Tensor) -> Tensor:
        """How every place of a window sums its places: (B, num_heads, windows, places, places)."""
        centers = F.avg_pool2d(x, self.step, ceil_mode=True).flatten(2).transpose(1, 2)
        places = self.window_size**2
        w = self.expand(centers).unflatten(2, (self.num_heads, places, places))
        return w.softmax(dim=-1).transpose(1, 2)

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values of each window with weights w, then the windows, and project."""
        size, padding = x.shape[2:], self.window_size // 2
        v = self.value(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        v = F.unfold(v, self.window_size, padding=padding, stride=self.step)
        v = v.unflatten(1, (self.num_heads, -1, self.window_size**2))
        y = (w @ v.permute(0, 1, 4, 3, 2)).permute(0, 1, 4, 3, 2).flatten(1, 3)
        y = F.fold(y, size, self.window_size, padding=padding, stride=self.step)
        return self.proj(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)''',
    uses=(LINEAR,),
)


def accepts_outlook(node: Connect) -> bool:
    """Odd square windows a square step apart, zeros outside; one linear layer at the centre."""
    operator = node.connection.operator
    space, weight, frame = operator.space, operator.weight, operator.frame
    hidden = weight.predictor is not None and weight.predictor.width(1) is not None
    return (
        space.connect == "outlook"
        and is_map_to_map(node)
        and space.border == "zero"
        and space.size[0] == space.size[1]
        and space.size[0] % 2 == 1
        and space.step[0] == space.step[1]
        and operator.channel.connect == "separate"
        and (weight.source, weight.extent, hidden) == ("center", 1, False)
        and weight.normalize == "softmax"
        and node.connection.in_channels == node.connection.out_channels
        and (frame.value, frame.output, operator.bias) == (True, True, "none")
    )


def lower_outlook(node: Connect) -> Module:
    """One class; sizes are its arguments."""
    connection = node.connection
    space, frame = connection.operator.space, connection.operator.frame
    sizes: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        ("window_size", space.size[0]),
        ("step", space.step[0]),
    )
    biases = (("value_bias", frame.value_bias), ("proj_bias", frame.output_bias))
    kept = tuple((name, there) for name, there in biases if not there)
    return Module(_OUTLOOK.name, (*sizes, *kept), definition=_OUTLOOK)

"""Static window mixing: the places of a window mixed by learned numbers, between projections.

Goes in: a `window` connection whose weights are learned numbers, shared by all windows or not.
Comes out: a module on maps. This is local attention with the attention removed (the paper's local
MLP).
"""

from __future__ import annotations

from relgraph.lower.attention_parts import MERGE_HEADS, SPLIT_HEADS, heads
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, Module
from relgraph.lower.windows import (
    FIT_WINDOW,
    PARTITION,
    REVERSE,
    WINDOW_ORDER,
    as_grid,
    shift_of,
    window_arguments,
)
from relgraph.program import Connect

_WINDOW_MIXING = Definition(
    "WindowMixing",
    '''\
class WindowMixing(nn.Module):
    """Mix the places of each window with learned weights, the same in all windows.

    y[o] = proj(Σ_j W[head, place(o), place(j)] value(x)[j]), j in the window of o
    Windows that a shift moves over the border wrap round to the other side.
    Shapes: (B, C, H, W) -> (B, C, H, W); window_size must divide (H, W).
    """

    order: Tensor
    inverse: Tensor

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: tuple[int, int],
        map_size: tuple[int, int],
        shift_size: tuple[int, int] = (0, 0),
        value_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.window_size = window_size
        self.map_size = map_size
        self.shift_size = shift_size
        self.weight = nn.Parameter(torch.empty(self.weight_shape()))
        self.value = Linear(dim, dim, bias=value_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)
        self.register_buffer("order", None, persistent=False)
        self.register_buffer("inverse", None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over the places of its window.
        nn.init.normal_(self.weight, std=self.weight.shape[-1] ** -0.5)
        self.order, self.inverse = self.tables(self.map_size)

    def weight_shape(self) -> tuple[int, ...]:
        places = math.prod(self.window_size)
        return self.num_heads, places, places

    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Gather index and its inverse; a window that spans the map has no shift."""
        _, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, self.window_size, shift, self.weight.device)
        return order, order.flatten().argsort()

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The tables for the size of x."""
        if x.shape[2:] == self.map_size:
            return self.order, self.inverse
        return self.tables((x.shape[2], x.shape[3]))

    def forward(self, x: Tensor) -> Tensor:
        order, inverse = self.locate(x)
        (v,) = split_heads(self.value(window_partition(x, order)), 1, self.num_heads)
        y = window_reverse(merge_heads(self.mix(v)), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)

    def mix(self, v: Tensor) -> Tensor:
        """Sum values (B, windows, heads, places, C / heads) over the places of their window."""
        return torch.einsum("hqk,bnhkc->bnhqc", self.weight, v)''',
    uses=(LINEAR, SPLIT_HEADS, MERGE_HEADS, FIT_WINDOW, WINDOW_ORDER, PARTITION, REVERSE),
    imports=("import math",),
)

_PER_WINDOW_MIXING = Definition(
    "PerWindowMixing",
    '''\
class PerWindowMixing(WindowMixing):
    """The same with weights of its own for each window of the map (the paper's local MLP)."""

    def weight_shape(self) -> tuple[int, ...]:
        places = math.prod(self.window_size)
        return self.num_heads, math.prod(self.map_size) // places, places, places

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.shape[2:] != self.map_size:
            size = tuple(x.shape[2:])
            raise ValueError(f"weights for each window of {self.map_size}, found {size}")
        return self.order, self.inverse

    def mix(self, v: Tensor) -> Tensor:
        return torch.einsum("hnqk,bnhkc->bnhqc", self.weight, v)''',
    uses=(_WINDOW_MIXING,),
    imports=("import math",),
)


def accepts_window_mixing(node: Connect) -> bool:
    """Learned numbers, per head or channel, between projections; no window is cut or completed."""
    operator = node.connection.operator
    grid, space = node.connection.in_grid, operator.space
    return (
        space.connect == "window"
        and space.halo == (0, 0)
        and space.share in ("none", "windows")
        and not space.pad
        and node.input.layout == "map"
        and (space.border == "wrap" or shift_of(space, as_grid(grid)) == (0, 0))
        and operator.channel.connect == "separate"
        and operator.channel.share in ("heads", "none")
        and (operator.weight.source, operator.weight.normalize) == ("static", "none")
        and operator.frame.value
        and operator.frame.output
        and operator.bias == "none"
        and node.connection.in_channels == node.connection.out_channels
        and node.connection.in_grid == node.connection.out_grid
    )


def lower_window_mixing(node: Connect) -> Module:
    """`WindowMixing`, or `PerWindowMixing` where windows do not share."""
    connection = node.connection
    operator = connection.operator
    own = operator.space.share == "none"
    definition = _PER_WINDOW_MIXING if own else _WINDOW_MIXING
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(operator.channel, connection.in_channels)),
        *window_arguments(node),
    )
    arguments += () if operator.frame.value_bias else (("value_bias", False),)
    arguments += () if operator.frame.output_bias else (("proj_bias", False),)
    return Module(definition.name, arguments, definition=definition)

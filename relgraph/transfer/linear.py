"""What has a W although it is no single static weight: factors, projections, pooling, sums.

In: a body of a program whose items are all linear, and its tensors. Out: the static connection that
it is, without frame, with its weight and bias: on a small generic map where everything is a kernel,
else entry by entry on its own map. W is measured row by row, as derivatives of the reference
interpreter's outputs by its inputs. Source: ALGEBRA 6, the linear fragment of terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import BiasShare, Channel, Connection, Operator, Size, Space, Weight
from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Shape, Split
from relgraph.transfer.carried import Refused, Tensors
from relgraph.verify.reference import run_scope

LARGEST = 1 << 25
"""Numbers that a W multiplied out may have: above it a layer is told to be too large."""

AFFINE = frozenset(
    ("affine", "avg_pool", "batch_norm", "channel_shuffle", "drop_path", "dropout", "scale")
) | frozenset(("space_to_depth", "upsample"))
_PER_CHANNEL = AFFINE - {"channel_shuffle", "space_to_depth"}
_IN_PLACE = _PER_CHANNEL - {"avg_pool", "upsample"}


@dataclass(frozen=True, eq=False)
class Multiplied:
    """A static connection without frame, and its `weight` and perhaps `bias`, float64."""

    connection: Connection
    tensors: Tensors


def multiplied(body: Body, entering: Shape, tensors: Tensors) -> Multiplied | Refused:
    """The one static connection that `body` is, norms of batches in evaluation mode."""
    nonlinear = next(_nonlinear(body), None)
    if nonlinear is not None:
        return Refused(nonlinear)
    leaving = body[-1].output if body else entering
    scope = Scope(input=entering, output=leaving, name="linear", role="operator", body=body)
    doubles = {n: t.double() for n, t in tensors.items() if t.dtype.is_floating_point}
    made = _kernel(scope, doubles) if _is_kernel(body, entering) else _entries(scope, doubles)
    if isinstance(made, Refused):
        return made
    return _with_bias(made, scope, doubles)


def _nonlinear(body: Body) -> Iterator[str]:
    """Why a body is not linear, once for every item that is not."""
    for node in _leaves(body):
        if isinstance(node, Element) and node.word not in AFFINE:
            yield f"factors with a nonlinear element between them ({node.word})"
        elif isinstance(node, Connect):
            if node.connection.operator.weight.source not in ("static", "fixed"):
                yield f"{node.name} has weights that change with the image"
        elif isinstance(node, Branches | Split) and node.combine == "product":
            yield "a product of two values is not linear"


def _leaves(body: Body) -> Iterator[Node]:
    for node in body:
        yield node
        if isinstance(node, Scope):
            yield from _leaves(node.body)
        elif isinstance(node, Branches | Split):
            for branch in node.branches:
                yield from _leaves(branch)
        elif isinstance(node, Residual):
            ends = tuple(one for one in (node.scale, node.drop_path) if one is not None)
            yield from _leaves((*node.body, *ends, *(node.shortcut or ())))


def _is_kernel(body: Body, entering: Shape) -> bool:
    """Whether all of it looks the same from everywhere: kernels with zeros around the map."""
    if entering.grid is None or entering.tokens:
        return False
    return all(_same_everywhere(node) for node in _leaves(body))


def _same_everywhere(node: Node) -> bool:
    if isinstance(node, Element):
        return node.word in _IN_PLACE | {"channel_shuffle"}
    if not isinstance(node, Connect):
        return not isinstance(node, Residual) or node.shortcut == ()
    operator = node.connection.operator
    plain = operator.weight.source == "static" and operator.weight.normalize == "none"
    kernel = operator.space.connect in ("local", "point")
    kernel = kernel and operator.space.border in ("zero", "mask")
    shared = operator.space.share in ("positions", "all")
    return plain and kernel and shared and operator.bias in ("none", "channels")


def _kernel(scope: Scope, tensors: Tensors) -> Multiplied | Refused:
    """W as the kernel around one output in the middle of a small map."""
    reach, stride = _reach(scope.body, 0), _reach(scope.body, 1)
    centre = tuple(math.ceil(r / s) for r, s in zip(reach, stride, strict=True))
    sides = tuple(c * s + r + 2 * s for c, s, r in zip(centre, stride, reach, strict=True))
    moved = _on_grid(scope, (sides[0] + 1, sides[1] + 1))
    assert moved.output.grid is not None, "kernels stand on a map"
    output = centre[0] * moved.output.grid[1] + centre[1]
    rows = _rows(moved, tensors, (output,))
    if isinstance(rows, Refused):
        return rows
    square = rows[0].unflatten(1, (sides[0] + 1, sides[1] + 1))
    top, left = (c * s - r for c, s, r in zip(centre, stride, reach, strict=True))
    kernel = square[:, top : top + 2 * reach[0] + 1, left : left + 2 * reach[1] + 1]
    size = kernel.shape[1], kernel.shape[2]
    space = Space("local", size=size, stride=(stride[0], stride[1]), share="positions")
    return Multiplied(_static(scope, space), {"weight": kernel.permute(0, 3, 1, 2).contiguous()})


def _reach(body: Body, what: int) -> Size:
    """How far from its centre an output may read along each axis (`what` 0), or its stride (1)."""
    found = []
    for axis in geometry.AXES:
        reach, stride = 0, 1
        for node in _leaves(body):
            if isinstance(node, Connect):
                space = node.connection.operator.space
                before = abs(geometry.before(space, 64, axis))
                reach += stride * max(geometry.span(space, axis) - 1, before)
                stride *= space.stride[axis]
        found.append((reach, stride)[what])
    return found[0], found[1]


def _on_grid(scope: Scope, grid: Size) -> Scope:
    """The same kernels on another map."""
    shape = replace(scope.input, grid=grid)
    body, after = _body_on(scope.body, shape)
    return replace(scope, input=shape, output=after, body=body)


def _body_on(body: Body, shape: Shape) -> tuple[Body, Shape]:
    made: list[Node] = []
    for node in body:
        moved = _node_on(node, shape)
        made.append(moved)
        shape = moved.output
    return tuple(made), shape


def _node_on(node: Node, shape: Shape) -> Node:
    assert not isinstance(node, Split) and shape.grid is not None
    if isinstance(node, Scope):
        return _on_grid(node, shape.grid)
    if isinstance(node, Connect):
        grid = geometry.out_grid(node.connection.operator.space, shape.grid)
        connection = replace(node.connection, in_grid=shape.grid, out_grid=grid)
        return replace(
            node, connection=connection, input=shape, output=replace(node.output, grid=grid)
        )
    if isinstance(node, Branches):
        branches = tuple(_body_on(branch, shape) for branch in node.branches)
        after = replace(node.output, grid=branches[0][1].grid)
        return replace(node, input=shape, output=after, branches=tuple(b for b, _ in branches))
    if isinstance(node, Residual):
        body, after = _body_on(node.body, shape)
        return replace(node, input=shape, output=after, body=body)
    return replace(node, input=shape, output=shape)


def _entries(scope: Scope, tensors: Tensors) -> Multiplied | Refused:
    """W entry by entry on its own map: channel by channel where channels do not meet."""
    outputs, inputs = _places(scope.output), _places(scope.input)
    separate = _is_separate(scope)
    units = scope.output.channels * (1 if separate else scope.input.channels)
    if outputs * inputs * units > LARGEST:
        return Refused(
            f"multiplied out, W has {outputs * inputs * units:,} numbers: more than "
            f"{LARGEST:,} are not tried"
        )
    rows = _rows(scope, tensors, range(outputs))
    assert not isinstance(rows, Refused), "a row is smaller than the whole"
    w = torch.stack(rows)  # (O, D or C, I, C or 1)
    weight = w.squeeze(3).permute(1, 0, 2) if separate else w.permute(1, 3, 0, 2)
    return Multiplied(_static(scope, Space("full")), {"weight": weight.contiguous()})


def _rows(scope: Scope, tensors: Tensors, outputs: Sequence[int]) -> list[Tensor] | Refused:
    """W's rows for each of these places: (D, I, C), or (C, I, 1) where channels do not meet."""
    separate, width = _is_separate(scope), scope.output.channels
    copies = 1 if separate else width
    places = _places(scope.input)
    if copies * places * scope.input.channels > LARGEST:
        return Refused("multiplied out, one row of W is too large")
    x = torch.zeros(copies, places, scope.input.channels, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        y = run_scope(scope, tensors, x)
        seen = y.sum((0, 2)) if separate else y.diagonal(dim1=0, dim2=2).sum(1)
        found = [torch.autograd.grad(seen[at], x, retain_graph=True)[0] for at in outputs]
    return [gradient[0].T[..., None] if separate else gradient for gradient in found]


def _is_separate(scope: Scope) -> bool:
    """Whether every channel sees only itself."""
    return all(_keeps_channels_apart(node) for node in _leaves(scope.body))


def _keeps_channels_apart(node: Node) -> bool:
    if isinstance(node, Connect):
        operator = node.connection.operator
        framed = operator.frame.value or operator.frame.output
        return operator.channel.connect == "separate" and not framed
    if isinstance(node, Element):
        return node.word in _PER_CHANNEL
    if isinstance(node, Branches):
        return node.combine == "sum"
    return not isinstance(node, Split)


def _places(shape: Shape) -> int:
    return len(shape.tokens) + shape.positions


def _static(scope: Scope, space: Space) -> Connection:
    """A static connection between the ends of `scope`, channels as freely as they meet."""
    channel = Channel("separate") if _is_separate(scope) else Channel("full")
    return Connection(
        Operator(space, channel, Weight("static"), bias="none"),
        scope.input.channels,
        scope.output.channels,
        scope.input.grid,
        scope.output.grid,
        len(scope.input.tokens),
    )


def _with_bias(made: Multiplied, scope: Scope, tensors: Tensors) -> Multiplied:
    """What comes out of an image of zeros: a bias, per position too where it is not the same."""
    x = torch.zeros(1, _places(scope.input), scope.input.channels, dtype=torch.float64)
    with torch.no_grad():
        given = run_scope(scope, tensors, x)[0].T  # (D, O)
    if made.connection.operator.space.connect == "local":
        made = replace(made, connection=replace(made.connection, in_grid=scope.input.grid))
        made = replace(made, connection=replace(made.connection, out_grid=scope.output.grid))
    if not bool(given.abs().max()):
        return made
    even = bool(((given - given[:, :1]).abs() <= 1e-12 * given.abs().max()).all())
    kind: BiasShare = "channels" if even else "both"
    operator = replace(made.connection.operator, bias=kind)
    bias = given[:, 0] if even else given
    connection = replace(made.connection, operator=operator)
    return Multiplied(connection, {**made.tensors, "bias": bias.contiguous()})

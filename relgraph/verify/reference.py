"""The reference interpreter: what a program means, computed slowly and plainly.

In: an assembled program, every tensor by its path, images `(B, C, H, W)`. Out: logits and the
feature map of each stage. Connections are the oracle's, elements one line each; of the compiler
only the program's values are read, so that what is emitted is compared with what was declared.
Any dtype (proofs use float64); differentiable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from relgraph.program import (
    Body,
    Branches,
    Connect,
    Element,
    Node,
    Program,
    Residual,
    Scope,
    Shape,
    Split,
)
from relgraph.verify import oracle
from relgraph.verify.elements import apply_element
from relgraph.verify.values import Tensors, from_map, join, to_layout, to_map, under


@dataclass(frozen=True)
class Outputs:
    """`logits` (B, classes); `features` one `(B, C, H, W)` map per stage, extra tokens dropped.
    `last` is the value after the last stage, `pre_logits` the one before the first part of the head
    that holds a classifier, both in the layout of emitted code."""

    logits: Tensor
    features: tuple[Tensor, ...]
    last: Tensor
    pre_logits: Tensor


Watch = Callable[[str, Tensor, Shape], None]
"""Called as `watch(path, value, shape)` after every module, inner ones first."""


def run(
    program: Program,
    tensors: Tensors,
    images: Tensor,
    training: bool = False,
    watch: Watch | None = None,
    held: Tensors | None = None,
) -> Outputs:
    """Walk `program` over `images`. `training` takes batch norms' statistics from this batch and
    updates the running ones among `tensors` in place. Dropout and drop path multiply each image by
    what `held` (B,) says at their path, and are the identity at others."""
    walk = _Walk(tensors, training, watch, held or {})
    x = walk.scope(program.stem, "stem", from_map(images))
    features = []
    for index, stage in enumerate(program.stages):
        path = f"stages.{index}"
        if stage.downsample is not None:
            x = walk.scope(stage.downsample, f"{path}.downsample", x)
        for number, block in enumerate(stage.blocks):
            x = walk.scope(block, f"{path}.blocks.{number}", x)
        if stage.after is not None:
            x = walk.scope(stage.after, f"{path}.after", x)
        features.append(to_map(x, stage.output))
    last = to_layout(x, program.stages[-1].output)
    taps: dict[str, Tensor] = {}
    cut = next((at for at, node in enumerate(program.head) if _classifies(node)), len(program.head))
    x = walk.part(program.head[:cut], "", x, taps)
    shape = program.head[cut - 1].output if cut else program.stages[-1].output
    pre_logits = to_layout(x, shape)
    logits = to_layout(walk.part(program.head[cut:], "", x, taps), program.head[-1].output)
    return Outputs(logits, tuple(features), last, pre_logits)


def _classifies(node: Node) -> bool:
    """Whether a classifier stands in this part of the head."""
    if isinstance(node, Branches | Split):
        return any(_classifies(inner) for branch in node.branches for inner in branch)
    if isinstance(node, Residual):
        return any(map(_classifies, node.body))
    return isinstance(node, Element) and node.word == "classifier"


def run_connect(node: Connect, path: str, tensors: Tensors, x: Tensor) -> Tensor:
    """One connection of a program, its reduction included: `tensors` are the whole program's."""
    return _Walk(tensors, training=False, watch=None).connect(node, path, x)


def run_scope(scope: Scope, tensors: Tensors, x: Tensor) -> Tensor:
    """One class of the program alone: `tensors` by their names inside it, `x` position-major."""
    return _Walk(tensors, training=False, watch=None).scope(scope, "", x)


@dataclass(frozen=True)
class _Walk:
    """The tensors and the mode of one run; taps live in the scope that made them."""

    tensors: Tensors
    training: bool
    watch: Watch | None
    held: Tensors = field(default_factory=dict)

    def scope(self, scope: Scope, path: str, x: Tensor) -> Tensor:
        return self._seen(path, self.body(scope.body, path, x), scope.output)

    def body(self, body: Body, path: str, x: Tensor) -> Tensor:
        return self.part(body, path, x, {})

    def part(self, body: Body, path: str, x: Tensor, taps: dict[str, Tensor]) -> Tensor:
        for node in body:
            x = self._node(node, path, x, taps)
        return x

    def _node(self, node: Node, path: str, x: Tensor, taps: dict[str, Tensor]) -> Tensor:
        if isinstance(node, Element):
            return self._element(node, path, x)
        if isinstance(node, Connect):
            return self.connect(node, join(path, node.attr), x)
        if isinstance(node, Scope):
            return self.scope(node, join(path, node.attr), x)
        if isinstance(node, Residual):
            return self._residual(node, path, x, taps)
        if isinstance(node, Branches):
            return self._branches(node, path, x, taps)
        if isinstance(node, Split):
            return self._split(node, path, x, taps)
        if node.word == "tap":
            taps[node.name] = x
        return taps[node.name]

    def _element(self, node: Element, path: str, x: Tensor) -> Tensor:
        if not node.attr:
            return apply_element(node, {}, x, self.training)
        own = join(path, node.attr)
        y = apply_element(node, under(self.tensors, own), x, self.training)
        if own in self.held:
            y = y * self.held[own][:, None, None]
        return self._seen(own, y, node.output)

    def connect(self, node: Connect, path: str, x: Tensor) -> Tensor:
        own = under(self.tensors, path)
        keys = None if node.reduce is None else self.scope(node.reduce, f"{path}.reduce", x)
        y = oracle.connect(node.connection, own, x, keys, training=self.training)
        return self._seen(path, y, node.output)

    def _seen(self, path: str, x: Tensor, shape: Shape) -> Tensor:
        if self.watch is not None:
            self.watch(path, x, shape)
        return x

    def _residual(self, node: Residual, path: str, x: Tensor, taps: dict[str, Tensor]) -> Tensor:
        y = self.part(node.body, path, x, taps)
        if node.scale is not None:
            y = self._node(node.scale, path, y, taps)
        if node.drop_path is not None:
            y = self._node(node.drop_path, path, y, taps)
        if node.shortcut is None:
            return y
        return self.part(node.shortcut, path, x, taps) + y

    def _branches(self, node: Branches, path: str, x: Tensor, taps: dict[str, Tensor]) -> Tensor:
        parts = [
            _with_tokens(
                self.part(body, path, x, taps), _made(body, node.input), node.output, node.combine
            )
            for body in node.branches
        ]
        return _combined(parts, node.combine)

    def _split(self, node: Split, path: str, x: Tensor, taps: dict[str, Tensor]) -> Tensor:
        pieces = x.split(list(node.sizes), dim=2)
        made = zip(node.branches, pieces, strict=True)
        parts = [self.part(body, path, piece, taps) for body, piece in made]
        return _combined(parts, node.combine)


def _made(body: Body, entering: Shape) -> Shape:
    return body[-1].output if body else entering


def _with_tokens(x: Tensor, shape: Shape, target: Shape, combine: str) -> Tensor:
    """`x` with neutral rows for the extra tokens that it lacks: a token set that one side of a sum
    lacks gets nothing added, one that a gate lacks is multiplied by 1."""
    if shape.tokens == target.tokens or shape.grid is None:
        return x
    neutral = 1.0 if combine == "product" else 0.0
    rows = x.new_full((len(x), len(target.tokens), shape.channels), neutral)
    for place, name in enumerate(target.tokens):
        if name in shape.tokens:
            # Tokens of one kind stand together, in the same order on both sides.
            within = place - target.tokens.index(name)
            rows[:, place] = x[:, shape.tokens.index(name) + within]
    return torch.cat([rows, x[:, len(shape.tokens) :]], 1)


def _combined(parts: list[Tensor], combine: str) -> Tensor:
    if combine == "concat":
        return torch.cat(parts, 2)
    total = parts[0]
    for part in parts[1:]:
        total = total + part if combine == "sum" else total * part
    return total

"""A node as an operator at a small size, with random numbers.

In: a node of the relation graph. Out: the item that a program has for it, tensors as if it had been
trained, others as a new model starts, and its outputs. Numbers are of the node's name: the same on
every machine, in every order of edges.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from relgraph import resolved
from relgraph.algebra.operator import BiasShare, Operator, Size
from relgraph.assemble import assemble
from relgraph.graph.cost import Setting, around, as_body
from relgraph.program import Branches, Connect, Residual, Scope, Split
from relgraph.program import Node as Item
from relgraph.relations.frame import GATE
from relgraph.relations.node import Composite, Node, core
from relgraph.relations.words import key
from relgraph.resolved import Body, OperatorUse
from relgraph.resolved import Branches as Joined
from relgraph.transfer.projection import Operators
from relgraph.verify.draws import draw, inventory
from relgraph.verify.reference import run_connect, run_scope
from relgraph.verify.values import under

CHANNELS = 4
_TURNED = 8
"""Where two heads are turned by rows and by columns, which takes 4 channels each."""
GRID: Size = (4, 6)
"""Not square, and every number of a family is smaller than its sides and divides them."""
_WHERE = "stages.0.blocks.0"


@dataclass(frozen=True, eq=False)
class Small:
    """An operator alone, and tensors by local names: `tensors` as the source of an edge, `fresh` as
    its target."""

    node: Node
    channels: int
    item: Operators
    tensors: dict[str, Tensor]
    fresh: dict[str, Tensor]

    def run(self, tensors: dict[str, Tensor], x: Tensor) -> Tensor:
        """The operator with these tensors by the oracle: (B, P, C) → (B, P, C)."""
        if isinstance(self.item, Scope):
            return run_scope(self.item, tensors, x)
        return run_connect(self.item, "", tensors, x)


def width(*nodes: Node) -> int:
    """The channels between which all of them stand: `CHANNELS`, or as many as their heads need."""
    return _TURNED if any(map(_is_turned, nodes)) else CHANNELS


def _is_turned(node: Node) -> bool:
    if isinstance(node, Composite):
        return any(map(_is_turned, node.parts))
    return node.weight.position == "rotary" and node.channel.share == "heads"


@lru_cache(maxsize=1 << 11)
def small(node: Node, channels: int) -> Small:
    """The node between these channels on `GRID`, float64: no biases, which nodes forget, but in a
    gate, as `relations` says of gates."""
    setting = Setting(channels, GRID)
    gated = isinstance(node, Composite) and node.kind == "product"
    body = tuple(_biased(item, gated) for item in as_body(node, setting))
    if len(body) > 1 or not isinstance(body[0], OperatorUse):
        body = (resolved.Scope(name="term", kind="operator", body=body),)
    program = assemble(around(body, setting))
    item = program.stages[0].blocks[0].body[0]
    assert isinstance(item, Connect | Scope), "an operator is one connection or several"
    seed = zlib.crc32(key(node).encode())
    drawn = (draw(inventory(program), n) for n in (seed, seed + 1))
    own, fresh = (under(tensors, f"{_WHERE}.{item.attr}") for tensors in drawn)
    _make_negative(node, own, channels)
    return Small(node, channels, item, own, fresh)


def _make_negative(node: Node, tensors: dict[str, Tensor], channels: int) -> None:
    """Few weights may by chance all lie between 0 and 1, as no edge may count on: one predicted
    weight goes below, and so do query · key on the whole."""
    if not isinstance(node, Operator) or node.weight.normalize != "none":
        return
    if "expand.bias" in tensors:
        tensors["expand.bias"][0] -= 2
    for name, rows, by in (("qkv", 0, 1), ("qkv", 1, -2), ("q", 0, 1), ("kv", 0, -2)):
        if f"{name}.bias" in tensors:
            tensors[f"{name}.bias"][rows * channels : (rows + 1) * channels] += by


def images(count: int, channels: int, seed: int) -> Tensor:
    """Values (count, P, C) from a normal distribution, float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, GRID[0] * GRID[1], channels, generator=generator, dtype=torch.float64)


def connections(item: Item) -> Iterator[Connect]:
    """All connections of an item, those of what reduces its keys included."""
    if isinstance(item, Connect):
        yield item
        inner: tuple[Item, ...] = () if item.reduce is None else item.reduce.body
    elif isinstance(item, Branches | Split):
        inner = tuple(node for branch in item.branches for node in branch)
    elif isinstance(item, Scope | Residual):
        inner = item.body
    else:
        inner = ()
    for node in inner:
        yield from connections(node)


def _biased(item: resolved.Node, gated: bool) -> resolved.Node:
    if isinstance(item, OperatorUse):
        operator = item.operator
        frame = replace(operator.frame, value_bias=False, output_bias=False)
        gate = gated and core(operator) == GATE
        bias: BiasShare = "channels" if gate else operator.bias
        return replace(item, operator=replace(operator, frame=frame, bias=bias))
    if isinstance(item, Joined):
        branches: tuple[Body, ...] = tuple(
            tuple(_biased(inner, gated) for inner in branch) for branch in item.branches
        )
        return replace(item, branches=branches)
    return item

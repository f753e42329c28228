"""What a program costs: parameters, multiply-adds and activation memory, exact, before any tensor.

Multiply-adds are the products of the reference semantics: slots × connected channels × outputs of
every connection, and the products that predict weights. Norms, activations, biases, pooling and
additions count nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from relgraph.algebra import cost as connections
from relgraph.assemble import elements
from relgraph.assemble.parameters import parameters
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Node, Program


@dataclass(frozen=True)
class Cost:
    """Of one image: `parameters` and `macs` exact; `activation_elements` are the numbers that a
    training step keeps for the backward, about."""

    parameters: int
    macs: int
    activation_elements: int


def cost(program: Program) -> Cost:
    """The cost of a program at its input size."""
    walked = [node for _, node in nodes(program)]
    return Cost(
        parameters=sum(prod(parameter.shape) for parameter in parameters(program).values()),
        macs=sum(macs(node) for node in walked),
        activation_elements=sum(_kept(node) for node in walked),
    )


def macs(node: Node) -> int:
    """The multiply-adds of one node, what it contains not counted."""
    if isinstance(node, Connect):
        return connections.macs(node.connection)
    return elements.macs(node) if isinstance(node, Element) else 0


def _kept(node: Node) -> int:
    if isinstance(node, Connect):
        return connections.activation_elements(node.connection)
    if not isinstance(node, Element):
        return 0
    return node.output.channels * (node.output.positions + len(node.output.tokens))

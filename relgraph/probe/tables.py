"""How many parameters make what pairs know of places.

In: arrays of a link whose weights are normalised over pairs. Out: a number. At images whose places
are all equal no parameter of queries and keys moves a normalised weight; those that do are of the
table, or of what makes one.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx

from relgraph.probe.arrays import Arrays
from relgraph.probe.draws import noise
from relgraph.probe.freedom import is_drawn
from relgraph.probe.tape import Values

MOVES = 1e-10
"""A slope below this part of the largest is none."""


def numbers(arrays: Arrays) -> int:
    """How many single parameters move the weights of equal features."""
    tape, context = arrays.lab.tape, arrays.constants[0]
    inputs = [node for node in tape.graph.graph.nodes if node.op == "placeholder"]
    drawn = [node for node in inputs if node is not tape.x and is_drawn(arrays, node)]
    behind = tape.after(arrays.start) - {arrays.start}
    frozen = [node for node in arrays.frozen if node in behind]

    def level(*given: Tensor) -> Tensor:
        values: Values = {node: context[node] for node in (*inputs, *tape.nodes)}
        values.update(zip(drawn, given, strict=True))
        for node in tape.nodes:
            if node in behind or node not in tape.dependent:
                values[node] = tape.value(node, values.__getitem__)
        return torch.stack([_projected(values, node) for node in frozen]).sum()

    slopes = torch.func.grad(level, argnums=tuple(range(len(drawn))))(
        *(context[node] for node in drawn)
    )
    flat = torch.cat([slope.flatten() for slope in slopes]).abs()
    return int((flat > MOVES * flat.max()).sum())


def _projected(values: Values, node: fx.Node) -> Tensor:
    value: Tensor = values[node]
    return (value * noise(tuple(value.shape), 908)).sum()

"""Weights that are made of parameters: how many of them are free?

In: a link whose weights are learned. Out: by which operations the parameters become the weights,
and the rank of the derivative of the weights by the parameters: less than there are weights where
these keep to a law, as kernels do whose sums are made 0 (Qiao et al., weight standardization) or
whose norm is made 1. W alone does not show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from relgraph.probe import operations as ops
from relgraph.probe.arrays import Arrays
from relgraph.probe.ranks import rank_of
from relgraph.probe.reading import Reading
from relgraph.probe.tape import Values

MOST = 1 << 22
"""Entries of a derivative that is taken."""
_MOVES = (*ops.LAYOUT, "slice", "select", "split", "split_with_sizes", "getitem", "cat", "unbind")


@dataclass(frozen=True)
class Freedom:
    """`rank` of `entries` weights, None where there are too many to ask; `made` are the operations
    between the parameters and the weights."""

    entries: int
    rank: int | None
    made: tuple[str, ...]


def freedom(arrays: Arrays) -> Freedom | None:
    """None where the weights are parameters as they are, or are several."""
    link, context = arrays.link, arrays.context
    reading = link.way.reading
    nodes = [node for node in link.way.nodes if node is not link.way.start]
    learned = [node for node in nodes if parameters(arrays, [node])]
    if len(learned) != 1 or ops.name(learned[0]) not in ops.PRODUCTS:
        return None
    dependent, places = reading.tape.dependent, ops.PRODUCTS[ops.name(learned[0])]
    factors = [learned[0].args[at] for at in places]
    kernels = [one for one in factors if isinstance(one, fx.Node) and one not in dependent]
    if len(kernels) != 1 or not context[kernels[0]].is_floating_point():
        return None
    (kernel,) = kernels
    before = _made_of(reading, kernel)
    named = [ops.name(node).strip("_") for node in before if node.op == "call_function"]
    made = tuple(dict.fromkeys(name for name in named if name not in _MOVES))
    if not made:
        return None
    inputs = [node for node in before if node.op == "placeholder"]
    drawn = [one for one in inputs if is_drawn(arrays, one)]
    entries = context[kernel].numel()
    if entries * sum(context[one].numel() for one in drawn) > MOST:
        return Freedom(entries, None, made)
    return Freedom(entries, rank_of(_derivative(reading, context, before, drawn)), made)


def stored(arrays: Arrays) -> int:
    """How many numbers the weights of the link are made of. Vectors beside matrices are biases and
    scales, of which no further weights come."""
    way = arrays.link.way
    values = [arrays.context[node] for node in parameters(arrays, way.nodes)]
    matrices = [value for value in values if value.dim() > 1]
    return sum(value.numel() for value in matrices or values)


def predicts(arrays: Arrays) -> bool:
    """Whether parameters have a say in weights that are made of the image, or stand beside them."""
    tape, made_of = arrays.lab.tape, arrays.link.way.reading.made_of
    behind = tape.after(arrays.start) - {arrays.start}
    own = [node for frozen in arrays.frozen for node in made_of(frozen) & behind]
    inputs = arrays.link.way.reading.inputs_behind([*own, *arrays.link.way.nodes[1:]])
    one, other = (arrays.lab.base(draw) for draw in range(2))
    return not all(torch.equal(one[node], other[node]) for node in inputs)


def parameters(arrays: Arrays, nodes: Iterable[fx.Node]) -> list[fx.Node]:
    """The parameters that the nodes read; tables of places are none."""
    behind = arrays.link.way.reading.inputs_behind(nodes)
    return [node for node in behind if is_drawn(arrays, node)]


def is_drawn(arrays: Arrays, node: fx.Node) -> bool:
    """Whether an input is a parameter: tables that are given are the same in every draw."""
    one, other = (arrays.lab.base(draw)[node] for draw in range(2))
    return bool(one.is_floating_point()) and not torch.equal(one, other)


def _made_of(reading: Reading, kernel: fx.Node) -> tuple[fx.Node, ...]:
    """What the weights are made of, parameters first, themselves included."""
    found, todo = set[fx.Node](), [kernel]
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += node.all_input_nodes
    inputs = [node for node in found if node.op == "placeholder"]
    return (
        *sorted(inputs, key=lambda one: one.name),
        *(n for n in reading.tape.nodes if n in found),
    )


def _derivative(
    reading: Reading, context: Values, before: Sequence[fx.Node], parameters: Sequence[fx.Node]
) -> Tensor:
    """(entries, parameters)."""

    def weights(*given: Tensor) -> Tensor:
        values: Values = {node: context[node] for node in before if node.op == "placeholder"}
        values.update(zip(parameters, given, strict=True))
        for node in before:
            if node not in values:
                values[node] = reading.tape.value(node, values.__getitem__)
        last: Tensor = values[before[-1]]
        return last.flatten()

    given = tuple(context[one] for one in parameters)
    made = torch.func.jacrev(weights, argnums=tuple(range(len(given))), chunk_size=256)(*given)
    return torch.cat([one.flatten(1) for one in made], 1)

"""A number for each channel, multiplied into the layer before it.

In: a body of a program, its tensors and the numbers that its output is multiplied with. Out: the
tensors with which the body does that by itself, or None where its last layer has no row of its own
for each channel (weights that are shared by channels, predicted, or behind which something bends).
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from relgraph.program import Body, Connect, Element, Node, Scope
from relgraph.transfer.carried import Tensors
from relgraph.transfer.neutral import PASSING
from relgraph.verify.values import join

_AFFINE = frozenset(("affine", "batch_norm", "group_norm", "layer_norm", "rms_norm"))


def multiplied_in(
    body: Body, path: str, tensors: Tensors, numbers: Tensor
) -> dict[str, Tensor] | None:
    """The last layer's tensors of `body`, in the class at `path`, each row times its number."""
    for node in reversed(body):
        if isinstance(node, Element) and node.word in PASSING:
            continue
        if isinstance(node, Scope):
            return multiplied_in(node.body, join(path, node.attr), tensors, numbers)
        names = _rows(node, join(path, node.attr), tensors)
        return None if names is None else {n: _times(tensors[n], numbers) for n in names}
    return None


def _rows(node: Node, path: str, tensors: Tensors) -> list[str] | None:
    """The tensors whose first axis is the output's channels and that it is linear in."""
    if isinstance(node, Element) and node.word in _AFFINE:
        return _there((join(path, "weight"), join(path, "bias")), tensors)
    if not isinstance(node, Connect):
        return None
    operator = node.connection.operator
    if operator.frame.output:
        return _there((join(path, "proj.weight"), join(path, "proj.bias")), tensors)
    banded = operator.channel.connect == "local"  # stored entry by entry, or tap by tap
    own = operator.channel.connect == "full" or (operator.channel.share == "none" and not banded)
    plain = operator.weight.source == "static" and operator.weight.normalize == "none"
    if not (own and plain) or operator.bias == "positions":
        return None
    return _there((join(path, "weight"), join(path, "bias")), tensors)


def _there(names: Iterable[str], tensors: Tensors) -> list[str] | None:
    return [name for name in names if name in tensors] or None


def _times(tensor: Tensor, numbers: Tensor) -> Tensor:
    """In double precision, so that a factor costs no more than the rounding of what is stored."""
    shape = (-1,) + (1,) * (tensor.ndim - 1)
    return tensor.double() * numbers.double().reshape(shape)

"""A bias that the target's layer does not have, in the batch norm behind it.

In: aligned items of the class at a path, and the source's tensors. Out: the pairs with the source's
layer without its bias, and the norm's tensors with it: a mean that is as much smaller, or the bias
of a norm that is new. Exact in evaluation; in training a norm does not see such a bias at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Operator
from relgraph.program import Connect, Element, Node
from relgraph.transfer.align import Pair
from relgraph.transfer.carried import Tensors
from relgraph.transfer.neutral import PASSING
from relgraph.verify.values import join

GIVEN = "its bias goes into the batch norm behind it"
TAKEN = "takes in the bias of the layer before it"
NEW = f"new, and {TAKEN}; the identity in evaluation only: training counts anew"


@dataclass(frozen=True, eq=False)
class Moved:
    """The pairs, tensors of the source by full names, and for each pair what was done."""

    pairs: tuple[Pair, ...]
    tensors: Tensors
    reasons: Mapping[int, str]


def into_norms(pairs: Sequence[Pair], path: str, tensors: Tensors) -> Moved:
    """Each bias of a layer of the source that its counterpart cannot hold, if a batch norm of the
    target stands directly behind."""
    made, own, reasons = list(pairs), dict[str, Tensor](), dict[int, str]()
    for at, (source, target) in enumerate(pairs):
        if not (isinstance(source, Connect) and isinstance(target, Connect)):
            continue
        bias = _lost(source, target, path, tensors)
        behind = None if bias is None else _norm_behind(pairs, at)
        if bias is None or behind is None:
            continue
        norm, there = pairs[behind]
        made[at], reasons[at] = (_without(source), target), GIVEN
        if isinstance(norm, Element):
            mean = join(path, norm.attr) + ".running_mean"
            own[mean], reasons[behind] = tensors[mean].double() - bias.double(), TAKEN
        else:
            assert isinstance(there, Element), "a norm of the target"
            new = replace(
                there,
                input=source.output,
                output=source.output,
                attr=_free({**tensors, **own}, path),
            )
            own |= _identity(new, path, bias)
            made[behind], reasons[behind] = (new, there), NEW
    return Moved(tuple(made), own, reasons)


def _lost(source: Connect, target: Connect, path: str, tensors: Tensors) -> Tensor | None:
    """The bias per output channel of a layer whose counterpart has none."""
    before, after = source.connection.operator, target.connection.operator
    if not _has_one(before) or _has_one(after) or after.bias != "none":
        return None
    name = "proj.bias" if before.frame.output else "bias"
    return tensors.get(f"{join(path, source.attr)}.{name}")


def _has_one(operator: Operator) -> bool:
    """Whether the last thing that it does is to add a number to each channel."""
    if operator.frame.output:
        return operator.frame.output_bias
    return operator.bias == "channels"


def _norm_behind(pairs: Sequence[Pair], at: int) -> int | None:
    """The next pair, what does nothing in evaluation aside, if that is a batch norm, perhaps of the
    target alone."""
    for behind in range(at + 1, len(pairs)):
        source, target = pairs[behind]
        if all(node is None or _is(node, PASSING) for node in (source, target)):
            continue
        norm = target is not None and _is(target, ("batch_norm",))
        known = source is None or _is(source, ("batch_norm",))
        return behind if norm and known else None
    return None


def _is(node: Node, words: Sequence[str] | frozenset[str]) -> bool:
    return isinstance(node, Element) and node.word in words


def _without(source: Connect) -> Connect:
    operator = source.connection.operator
    if operator.frame.output:
        bare = replace(operator, frame=replace(operator.frame, output_bias=False))
    else:
        bare = replace(operator, bias="none")
    return replace(source, connection=replace(source.connection, operator=bare))


def _free(tensors: Tensors, path: str) -> str:
    """A name that nothing of the source has there."""
    name = "norm"
    while any(one.startswith(join(path, name)) for one in tensors):
        name += "_"
    return name


def _identity(norm: Element, path: str, bias: Tensor) -> dict[str, Tensor]:
    """A norm that adds the bias and does nothing else."""
    eps = norm["eps"]
    assert isinstance(eps, float)
    values = {
        "weight": torch.full_like(bias, (1 + eps) ** 0.5, dtype=torch.float64),
        "bias": bias,
        "running_mean": torch.zeros_like(bias),
        "running_var": torch.ones_like(bias),
    }
    return {f"{join(path, norm.attr)}.{name}": tensor for name, tensor in values.items()}

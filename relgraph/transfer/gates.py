"""Gates that are new and can learn: half open, and what they gate doubled.

In: a gate of the target (a `product` of which one branch ends in a sigmoid), the items before and
behind it, tensors. Out: tensors with which the gate is ½ everywhere, at the steepest place of its
curve, and those of the neighbour that takes the 2: the layer before it, or the linear layer behind
it. Both are powers of two, so nothing is rounded. Where no neighbour can, the gate stays open by a
large bias (`neutral`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from relgraph.program import Body, Branches, Connect, Element, Node, Scope
from relgraph.transfer import neutral
from relgraph.transfer.carried import Refused, Tensors
from relgraph.transfer.folding import multiplied_in
from relgraph.transfer.layer import Outcome
from relgraph.transfer.neutral import PASSING, SATURATED
from relgraph.verify.values import join

HALF = "a gate of ½, and what it gates is doubled"
DOUBLED = "doubled, as the gate beside it is ½"
# f(2 x) = 2 f(x)
_HOMOGENEOUS = PASSING | {
    *("avg_pool", "channel_shuffle", "global_pool", "leaky_relu", "max_pool", "relu"),
    *("space_to_depth", "upsample"),
}


def new_gate(node: Node | None, path: str) -> tuple[Branches, str] | None:
    """A product, perhaps in a class of its own, of which the first branch hands on what it gets;
    and the path of that class."""
    if isinstance(node, Scope) and len(node.body) == 1:
        return new_gate(node.body[0], join(path, node.attr))
    if isinstance(node, Branches) and node.combine == "product" and () in node.branches:
        return node, path
    return None


def half_open(gate: Branches, kept: int, path: str, fresh: Tensors) -> dict[str, Tensor] | Refused:
    """Weights with which the one branch beside `kept` is ½, whatever it reads."""
    others = [branch for at, branch in enumerate(gate.branches) if at != kept]
    if gate.combine != "product" or len(others) != 1:
        return Refused("no product of two branches")
    body = _without_passing(others[0])
    last = body[-1] if body else None
    if not isinstance(last, Element) or last.word not in SATURATED:
        return Refused("no sigmoid at its end")
    return neutral.silent(body[:-1], path, fresh)


def _without_passing(body: Body) -> Body:
    while body and isinstance(body[-1], Element) and body[-1].word in PASSING:
        body = body[:-1]
    return body


def doubled(
    before: Sequence[Body], behind: Body, path: str, tensors: Tensors
) -> dict[str, Tensor] | None:
    """The tensors that take the 2: of the last layer of the first of these bodies, or of the layer
    behind the gate. `tensors` are the target's."""
    body = _reversed_to_layer(before[0]) if before else ()
    if body:
        twice = torch.full((body[-1].output.channels,), 2.0)
        made = multiplied_in(body, path, tensors, twice)
        if made is not None:
            return {name: t.to(tensors[name].dtype) for name, t in made.items()}
    return _behind(behind, path, tensors)


def _reversed_to_layer(body: Body) -> Body:
    """The body without what hands on a positive factor at its end."""
    while body and isinstance(body[-1], Element) and body[-1].word in _HOMOGENEOUS:
        body = body[:-1]
    return body


def _behind(body: Body, path: str, tensors: Tensors) -> dict[str, Tensor] | None:
    """The weight of a linear layer, its bias as it is; nothing that bends stands before it."""
    for node in body:
        if isinstance(node, Element) and node.word in _HOMOGENEOUS:
            continue
        name = _weight_of(node, join(path, node.attr), tensors)
        return None if name is None else {name: tensors[name] * 2}
    return None


def _weight_of(node: Node, path: str, tensors: Tensors) -> str | None:
    if not isinstance(node, Connect):
        return None
    operator = node.connection.operator
    plain = operator.weight.source == "static" and operator.weight.normalize == "none"
    name = join(path, "value.weight" if operator.frame.value else "weight")
    biased = operator.frame.value and join(path, "value.bias") in tensors
    return name if plain and not biased and name in tensors else None


def with_doubled(outcome: Outcome, tensors: Tensors) -> Outcome:
    """The outcome with these tensors, and their layer's row telling why they are other ones."""
    told = []
    for layer in outcome.layers:
        touched = any(name.startswith(f"{layer.path}.") for name in tensors)
        if touched and layer.is_exact:
            reason = "; ".join(filter(None, (layer.reason, DOUBLED)))
            layer = replace(layer, method="embedding", reason=reason)
        told.append(layer)
    return Outcome({**outcome.tensors, **tensors}, tuple(told))


def opened(outcome: Outcome, tensors: Tensors) -> Outcome:
    """The gate's own outcome with ½ in the place of 1."""
    told = tuple(
        replace(layer, reason=layer.reason.replace(neutral.FLAT, HALF)) for layer in outcome.layers
    )
    return Outcome({**outcome.tensors, **tensors}, told)


def with_half_open(
    pairs: Sequence[tuple[Node | None, Node | None]],
    outcomes: list[Outcome],
    after: str,
    fresh: Tensors,
) -> None:
    """Half open each gate that only the target has, where a neighbour can take the 2; `outcomes`
    of the pairs are replaced."""
    for at, gate, inside in _new(pairs, after):
        half = half_open(gate, gate.branches.index(()), inside, fresh)
        if isinstance(half, Refused) or not outcomes[at].is_exact:
            continue
        targets = [(n, other) for n, (_, other) in enumerate(pairs) if other is not None]
        before = tuple(other for n, other in targets if n < at)
        behind = tuple(other for n, other in targets if n > at)
        made = {name: t for outcome in outcomes for name, t in outcome.tensors.items()}
        twice = doubled((before,), behind, after, {**fresh, **made})
        if twice is None:
            continue
        outcomes[at] = opened(outcomes[at], half)
        holds = [n for n, one in enumerate(outcomes) if not twice.keys().isdisjoint(one.tensors)]
        for n in holds or (at,):  # a layer that starts fresh is in none
            outcomes[n] = with_doubled(outcomes[n], twice)


def _new(
    pairs: Sequence[tuple[Node | None, Node | None]], after: str
) -> Iterator[tuple[int, Branches, str]]:
    for at, (source, target) in enumerate(pairs):
        gate = new_gate(target, after) if source is None else None
        if gate is not None:
            yield at, *gate

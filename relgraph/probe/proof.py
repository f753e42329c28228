"""The oracle beside the measurement: is the operator that was found the module's, entry by entry?

In: the operator, arrays of the link, the order of its channels. Out: what was compared, empty
where something differs. The oracle builds its tables from the definitions; nothing of the
measurement's own reasoning is used but the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from relgraph.algebra.operator import TOGETHER, Channel, Connection, Frame, Operator, Weight
from relgraph.probe.arrays import Arrays, visible
from relgraph.probe.channels import Order
from relgraph.probe.held import held
from relgraph.probe.supports import Ends, support
from relgraph.verify import oracle
from relgraph.verify.declared import ABSENT, inside, labels
from relgraph.verify.sharing import Sharing, rule_for, shared_values

SAME = 1e-9


def proof(operator: Operator, arrays: Arrays, ends: Ends, order: Order, seen: Tensor) -> str:
    """Compare all entries, or where W is too large to be measured whole, the places of `seen`
    (O, I)."""
    if operator.weight.fixed == "shift":
        return _given(operator, arrays, ends)
    if not arrays.whole:
        same = _places(operator, ends)
        if same is None or not torch.equal(same, seen):
            return ""
        said = f"the oracle's table over places is the measured one, {int(seen.sum()):,} entries"
        whole = held(operator, arrays, ends, seen)
        return "" if whole.wrong else f"{said}; {whole.evidence}"
    own = _declared(operator, ends, order)
    draws = [_ordered(w, order) for w in _compared(operator, arrays)]
    everywhere = [_ordered(w, order) for w in arrays.by_channel]
    if not torch.equal(
        visible(tuple(everywhere)), labels(_connection(operator, ends, order)) != ABSENT
    ):
        return ""
    said = f"the oracle's support is the measured one, {int((own != ABSENT).sum()):,} entries"
    if operator.weight.source == "fixed":
        return f"{said}; its given weights too"
    rank = operator.space.rank
    if rank is not None and rank.word == "reduce":
        return f"{said}; its sharing is compared through the averaged cells"
    found = _rule(operator)(draws, own)
    if not found.ok:
        return ""
    what = "one a pair and head" if operator.weight.source == "pair" else "its sharing the same"
    return f"{said}; {found.things:,} different values or functions, {what}"


def _given(operator: Operator, arrays: Arrays, ends: Ends) -> str:
    """A shift reads one of the slots of its kernel: what is compared is W itself."""
    channels = arrays.few
    zeros = torch.zeros(1, ends.inputs, arrays.link.into.channels, dtype=torch.float64)
    connection = ends.connection(replace(operator, frame=Frame()), zeros.shape[2], zeros.shape[2])
    if len(channels) < zeros.shape[2]:  # of a wide layer a few channels
        zeros = zeros[..., : len(channels)]
        connection = ends.connection(connection.operator, len(channels), len(channels))
    own = oracle.dense(connection, {}, zeros)[0]
    w = arrays.by_place[0][:, list(channels)] if len(own[0]) < arrays.link.out.channels else None
    gap = (own - (arrays.by_place[0] if w is None else w)).abs().max()
    said = f"the oracle's weights are the measured ones, {own.numel():,} entries"
    return said if bool(gap <= SAME) else ""


def _places(operator: Operator, ends: Ends) -> Tensor | None:
    """(O, I) by the oracle's table; None where the space does not fit the ends."""
    if operator.space.connect == "outlook":
        plain = replace(operator, channel=Channel("separate"), bias="none", frame=Frame())
        return labels(ends.connection(plain))[:, 0, :, 0] != ABSENT
    return support(replace(operator.space, rank=None, share="none"), ends)


def _connection(operator: Operator, ends: Ends, order: Order) -> Connection:
    plain = replace(
        operator,
        space=replace(operator.space, rank=None),
        channel=replace(operator.channel, rank=None),
        # What is summed over windows is what a softmax makes of each.
        weight=operator.weight if operator.space.connect == "outlook" else Weight(),
        bias="none",
        frame=Frame(),
    )
    return ends.connection(plain, len(order.inputs), len(order.outputs))


def _declared(operator: Operator, ends: Ends, order: Order) -> Tensor:
    """(O, D, I, C): what the operator declares one thing."""
    connection = _connection(operator, ends, order)
    weight = operator.weight
    outlook = operator.space.connect == "outlook"
    together = weight.normalize in TOGETHER and weight.source != "channels" and not outlook
    if weight.source == "pair" or (together and not _by_logits(operator)):
        own = labels(connection, "none")
        # A row of one slot weighs 1, whatever was learned.
        single = (own != ABSENT).any(3).sum(2) == 1
        return torch.where(single[:, :, None, None], ABSENT, own)
    own = labels(connection)
    if operator.weight.source == "center":
        centred = replace(connection, operator=replace(operator, bias="none"))
        return torch.where(inside(centred)[:, None, None, None], own, ABSENT)
    return own


def _by_logits(operator: Operator) -> bool:
    """Whether every output has the same logits: its weights are those up to the sum of its row."""
    weight = operator.weight
    return weight.normalize in TOGETHER and weight.source in ("static", "pooled")


def _rule(operator: Operator) -> Callable[[Sequence[Tensor], Tensor], Sharing]:
    return rule_for(operator) if _by_logits(operator) else shared_values


def _compared(operator: Operator, arrays: Arrays) -> Sequence[Tensor]:
    """Values, or of functions of a place their values where all contexts are equal."""
    together = operator.weight.normalize in TOGETHER and operator.space.connect != "outlook"
    if operator.weight.source != "center" or together:
        return arrays.by_channel
    return [arrays.channels_at(context) for context in arrays.constants]


def _ordered(w: Tensor, order: Order) -> Tensor:
    return w[:, order.outputs][:, :, :, order.inputs]

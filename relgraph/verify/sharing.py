"""Sharing: which entries of W are one learned thing.

In: W[o, d, i, c] of several draws, and the declared labels. Out: whether entries with one label are
equal in every draw, entries with different labels in some draw different. Under a normalisation the
labels are those of the logits: softmax leaves each output's logits up to a constant, l1 up to a
positive factor, which are solved for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection, Operator, position_share
from relgraph.program import Connect
from relgraph.verify import declared
from relgraph.verify.connectivity import input_name, output_name
from relgraph.verify.declared import ABSENT
from relgraph.verify.report import Check

TIE = 1e-9


@dataclass(frozen=True)
class Sharing:
    """`things`: how many different learned things the entries show. `broken`: two entries with one
    label that differ; `merged`: two with different labels that never do."""

    things: int
    broken: tuple[list[int], list[int]] | None = None
    merged: tuple[list[int], list[int]] | None = None

    @property
    def ok(self) -> bool:
        """Whether the measured classes are the declared ones."""
        return self.broken is None and self.merged is None


def check_sharing(
    subject: str,
    node: Connect,
    draws: Sequence[Tensor],
    constant: Sequence[Tensor],
    labels: Tensor,
) -> Check:
    """Static and pooled weights are compared as they are; functions of a place or of a pair are
    compared at `constant` images, where all their contexts are equal."""
    weight = node.connection.operator.weight
    seen, what = draws, "values"
    if weight.source in ("center", "pair"):
        seen, what = constant, "functions"
        labels = _function_labels(node.connection, labels)
    found = rule_for(node.connection.operator)(seen, labels)
    count = len(labels[labels != ABSENT].unique())
    return Check(
        "sharing",
        subject,
        f"{count} learned {what}",
        f"{found.things} different {what}",
        found.ok,
        _example(node, found, what),
    )


def rule_for(operator: Operator) -> Callable[[Sequence[Tensor], Tensor], Sharing]:
    """How entries are compared: as they are, or up to what a normalisation leaves open. Sums over
    windows are compared as they are: their labels are those of what was normalised; so is what is
    normalised over channels, the same at every place."""
    if operator.space.connect == "outlook" or operator.weight.source == "channels":
        return shared_values
    rules = {"softmax": shared_logits, "l1": shared_magnitudes}
    return rules.get(operator.weight.normalize, shared_values)


def _function_labels(connection: Connection, labels: Tensor) -> Tensor:
    """What is one function where contexts are equal: for pairs the position bias tells entries
    apart, for centres the region must lie inside the map."""
    weight = connection.operator.weight
    if weight.source == "pair":
        return declared.labels(connection, position_share(weight.position) or "all")
    inside = declared.inside(connection)[:, None, None, None]
    return torch.where(inside, labels, ABSENT)


def _example(node: Connect, found: Sharing, what: str) -> str:
    pair = found.broken or found.merged
    if pair is None:
        return ""
    names = [f"{input_name(node, entry)} → {output_name(node, entry)}" for entry in pair]
    verdict = "are declared one and differ" if found.broken else "are declared two and never differ"
    return f"the {what} {names[0]} and {names[1]} {verdict}"


def shared_values(draws: Sequence[Tensor], labels: Tensor) -> Sharing:
    """Compare the classes of equal entries with `labels`; entries labelled ABSENT are left out."""
    where = (labels != ABSENT).nonzero()
    _, own = labels[labels != ABSENT].unique(return_inverse=True)
    values = torch.stack([w[labels != ABSENT] / _largest(w) for w in draws], 1)
    first = _first_of_each(own)
    gap = (values - values[first][own]).abs().amax(1).nan_to_num(torch.inf, torch.inf)
    broken = merged = None
    if float(gap.max()) > TIE:
        worst = int(gap.argmax())
        broken = (where[first[own[worst]]].tolist(), where[worst].tolist())
    pair = _equal_rows(values[first])
    if pair is not None:
        merged = (where[first[pair[0]]].tolist(), where[first[pair[1]]].tolist())
    return Sharing(_count_rows(values), broken, merged)


def _largest(w: Tensor) -> Tensor:
    """The largest |w| that is a number."""
    return w[w.isfinite()].abs().max()


def shared_logits(draws: Sequence[Tensor], labels: Tensor) -> Sharing:
    """The same for weights that a softmax normalised over the inputs of each (output, channels).

    log W[o, j] = logit[label(o, j)] − constant[o]: with one unknown for each label and each row,
    ties hold where the equations do. Labels of one row must have different logits.
    """
    there = labels != ABSENT
    where, rows = there.nonzero(), _row_numbers(there)
    _, own = labels[there].unique(return_inverse=True)
    logs = torch.stack([w[there].log() for w in draws], 1)
    gap = _misfit(logs, rows, own)
    broken = merged = None
    if float(gap.max()) > TIE:
        worst = int(gap.argmax())
        same = (own == own[worst]).nonzero().flatten()
        other = int(same[0]) if int(same[0]) != worst or len(same) == 1 else int(same[1])
        broken = (where[other].tolist(), where[worst].tolist())
    pair = _equal_in_row(logs, rows, own)
    if pair is not None:
        merged = (where[pair[0]].tolist(), where[pair[1]].tolist())
    return Sharing(int(own.max()) + 1 if broken is None else len(own), broken, merged)


def shared_magnitudes(draws: Sequence[Tensor], labels: Tensor) -> Sharing:
    """The same for weights over the sum of their magnitudes: W[o, j] = a[label(o, j)] / s[o] with
    s > 0, so that log |W| is a logit less a constant, and entries of one label have one sign."""
    found = shared_logits([w.abs() for w in draws], labels)
    signs = shared_values([w.sign() for w in draws], labels)
    return Sharing(found.things, found.broken or signs.broken, found.merged)


def _first_of_each(own: Tensor) -> Tensor:
    """The index of the first entry of every class."""
    first = torch.full((int(own.max()) + 1,), len(own))
    return first.scatter_reduce(0, own, torch.arange(len(own)), "amin")


def _equal_rows(values: Tensor) -> tuple[int, int] | None:
    """Two rows that agree in every column, if there are such."""
    order = values[:, 0].argsort()
    close = (values[order][1:] - values[order][:-1]).abs().amax(1) <= TIE
    if not bool(close.any()):
        return None
    at = int(close.nonzero()[0])
    return int(order[at]), int(order[at + 1])


def _count_rows(values: Tensor) -> int:
    order = values[:, 0].argsort()
    steps = (values[order][1:] - values[order][:-1]).abs().amax(1) > TIE
    return int(steps.sum()) + 1


def _row_numbers(there: Tensor) -> Tensor:
    """For every entry which (o, d, c) it belongs to: the softmax runs over i."""
    o, d, _, c = there.nonzero().unbind(1)
    return (o * there.shape[1] + d) * there.shape[3] + c


def _misfit(logs: Tensor, rows: Tensor, own: Tensor) -> Tensor:
    """Residuals of logs = logit[own] − constant[rows], the largest over the draws; infinite where
    a weight is no positive number."""
    finite = logs.isfinite().all(1)
    if not bool(finite.all()):
        return torch.where(finite, 0.0, torch.inf)
    _, rows = rows.unique(return_inverse=True)
    count, labels = len(own), int(own.max()) + 1
    design = torch.zeros(count, labels + int(rows.max()) + 1, dtype=logs.dtype)
    entries = torch.arange(count)
    design[entries, own] = 1.0
    design[entries, labels + rows] = -1.0
    solved: Tensor = torch.linalg.lstsq(design, logs, driver="gelsd").solution
    return (design @ solved - logs).abs().amax(1)


def _equal_in_row(logs: Tensor, rows: Tensor, own: Tensor) -> tuple[int, int] | None:
    """Two entries of one row with different labels whose logits never differ."""
    for row in rows.unique():
        entries = (rows == row).nonzero().flatten()
        entries = entries[_first_of_each(own[entries].unique(return_inverse=True)[1])]
        pair = _equal_rows(logs[entries])
        if pair is not None:
            return int(entries[pair[0]]), int(entries[pair[1]])
    return None

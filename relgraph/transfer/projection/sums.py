"""Operators that are linear in their numbers although they are several connections: `reduce` by an
average, and `scales`, a sum of kernels on smaller maps.

In: a linear source; a target of connections, each perhaps between an average over squares and a
repetition, added up. Out: the exact least-squares optimum over the entries of W. Each connection is
an axis over the entries of the whole map on which a number counts 1 / f² where f² positions are
averaged; a sum is the axes side by side (ALGEBRA 2: orbits that overlap).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import Frame
from relgraph.program import Branches, Connect, Element, Node, Scope
from relgraph.transfer.axes import Axis, channel_axis, space_axis
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.functions import Axes
from relgraph.transfer.projection.chain import (
    Factor,
    between_ends,
    finished,
    items,
    not_plain,
    on_hull,
    single,
)
from relgraph.verify.values import join

REASON = "the nearest W: least squares over the entries of all parts"
MOST_OVERLAPPING = 4096
"""Orbits that may overlap: their Gram matrix is inverted as a whole."""


@dataclass(frozen=True, eq=False)
class Term:
    """One connection of a sum, on a map smaller by `down`, its outputs repeated `up` times."""

    factor: Factor
    down: int = 1
    up: int = 1


def linear_sum(
    source: Connect | Scope, target: Connect | Scope, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """The optimum over W's entries on the layer's map."""
    terms = _terms(target)
    if isinstance(terms, Refused):
        return terms
    fine = terms[0].factor.connection
    whole = single(source, (fine, fine), tensors)
    if isinstance(whole, Refused):
        return whole
    refused = between_ends(whole.connection, target.input, target.output)
    channels = [channel_axis(term.factor.connection) for term in terms]
    if refused is None and not all(channels[0].equals(other) for other in channels):
        refused = Refused("the parts of the sum join other channels")
    spaces = [_on_whole_map(term) for term in terms]
    joint = _side_by_side(spaces)
    if refused is None and _overlaps(joint) and joint.orbits > MOST_OVERLAPPING:
        refused = Refused(f"{joint.orbits:,} numbers overlap: more than {MOST_OVERLAPPING:,}")
    if refused is not None:
        return refused
    start = on_hull(whole, Axes(channels[0], joint))
    split = start.theta.split([axis.orbits for axis in spaces], 1)
    weights = {
        term.factor.path: part * term.down**2 for term, part in zip(terms, split, strict=True)
    }
    order = tuple(term.factor for term in (*terms[1:], terms[0]))  # the fine one has the bias
    return finished(whole, order, weights, fresh, (REASON, start.error(start.theta)))


def _terms(target: Connect | Scope) -> tuple[Term, ...] | Refused:
    """The connections of a sum; a chain is a sum of one."""
    found = list(_walk(list(items(target))))
    refused = next((one for one in found if isinstance(one, Refused)), None)
    if refused is not None:
        return refused
    terms = tuple(one for one in found if isinstance(one, Term))
    if len(terms) == 1 and terms[0].down == terms[0].up == 1:
        return Refused("a single connection: nothing is summed")
    framed = any(term.factor.connection.operator.frame != Frame() for term in terms)
    if not terms or (framed and len(terms) > 1):
        return Refused("projections inside a sum")
    return terms


def _walk(listed: list[tuple[str, Node]]) -> Iterator[Term | Refused]:
    """One chain: [average] connection [repeat], or nothing but a sum of chains."""
    if len(listed) == 1 and isinstance(listed[0][1], Branches):
        path, sum_of = listed[0]
        if sum_of.combine != "sum":  # type: ignore[union-attr]
            yield Refused(f"a {sum_of.combine} is no sum")  # type: ignore[union-attr]
            return
        for branch in sum_of.branches:  # type: ignore[union-attr]
            yield from _walk([(join(path, node.attr), node) for node in branch])
        return
    yield _term(listed)


def _term(listed: list[tuple[str, Node]]) -> Term | Refused:
    term: Term | None = None
    down = 1
    for path, node in listed:
        factor = _factor(node)
        if isinstance(node, Connect) and term is None:
            refused = not_plain(node)
            if refused is not None:
                return refused
            term = Term(Factor(path, node.connection), down)
        elif factor is None:
            return Refused("the target is no sum of connections on smaller maps")
        elif term is None:
            down *= factor
        elif isinstance(node, Element) and node.word == "upsample":
            term = replace(term, up=term.up * factor)
        else:
            return Refused("an average behind a connection")
    return term or Refused("no connection")


def _factor(node: Node) -> int | None:
    """How many positions on a side an element averages or repeats; None for everything else."""
    if not isinstance(node, Element) or node.input.tokens:
        return None
    given = dict(node.arguments)
    if node.word == "avg_pool":
        whole = given["size"] == given["stride"] and given["padding"] == 0 and not given["ceil"]
        size = given["size"]
        return size if whole and isinstance(size, int) else None
    if node.word == "upsample" and given["mode"] == "nearest":
        times = given["factor"]
        return times if isinstance(times, int) else None
    return None


def _on_whole_map(term: Term) -> Axis:
    """The term's space axis over the entries of the map before and behind the elements."""
    connection = term.factor.connection
    own = space_axis(connection)
    inputs = _cells(geometry.as_map(connection.in_grid), term.down)
    outputs = _cells(geometry.as_map(connection.out_grid), term.up)
    if connection.tokens:
        return own
    columns = len(inputs)
    o, i = own.entry // columns, own.entry % columns
    read, made = inputs[i], outputs[o]  # (n, f²) and (n, g²)
    entry = made[:, :, None] * inputs.numel() + read[:, None]
    orbit = own.orbit[:, None, None].expand(entry.shape)
    return Axis(entry.flatten(), orbit.flatten(), own.orbits)


def _cells(grid: tuple[int, int], factor: int) -> Tensor:
    """For each place of a map the f² places of the larger one that it stands for."""
    rows, columns = grid
    places = torch.arange(rows * factor * columns * factor)
    cells = places.reshape(rows, factor, columns, factor).permute(0, 2, 1, 3)
    return cells.reshape(rows * columns, factor**2)


def _side_by_side(axes: list[Axis]) -> Axis:
    orbits, count = [], 0
    for axis in axes:
        orbits.append(axis.orbit + count)
        count += axis.orbits
    return Axis(torch.cat([axis.entry for axis in axes]), torch.cat(orbits), count)


def _overlaps(axis: Axis) -> bool:
    return len(axis.entry.unique()) < len(axis.entry)

"""A linear map as point ∘ core ∘ point, where it is that: what attention is from the inside.

In: a link between known places. Out: links that make it up. The core begins at the last cut up to
which every entry belongs to one input place, and ends at the first from which every entry goes to
one output place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, fx

from relgraph.probe import operations as ops
from relgraph.probe.carry import Way
from relgraph.probe.draws import noise
from relgraph.probe.items import VISIBLE, Link
from relgraph.probe.owners import by_dependence, dependence, is_identity, moved, place_probes, takes
from relgraph.probe.places import Places
from relgraph.probe.tape import Values


def framed(link: Link, context: Values) -> Iterator[Link]:
    """A link as point ∘ core ∘ point, where it is that; a link that does nothing is left out."""
    if is_identity(link.way, context, link.into, link.out):
        return
    point = by_dependence(dependence(link.way, context, link.into), link.out.shape, link.into)
    if point is not None and _product(link) is None:
        yield replace(link, takes=takes(link, context))
        return
    yield from _cut_frame(link, context)


def _cut_frame(link: Link, context: Values) -> Iterator[Link]:
    reading, way = link.way.reading, link.way
    cuts = [
        node for node in reading.cuts(way.start, way.end)[1:-1] if isinstance(context[node], Tensor)
    ]
    order = {node: at for at, node in enumerate(way.nodes)}
    product = _product(link)
    at = None if product is None else order[product]
    before = _last_before(link, context, [n for n in cuts if at is None or order[n] < at])
    behind = _first_behind(link, context, [n for n in cuts if at is None or order[n] >= at])
    start, into = before or (way.start, link.into)
    end, out = behind or (way.end, link.out)
    if order[start] >= order[end]:
        yield link
        return
    if before is not None:
        projected = replace(link, way=Way.of(reading, way.start, start), out=into)
        yield replace(projected, takes=takes(projected, context))
    yield replace(link, way=Way.of(reading, start, end), into=into, out=out)
    if behind is not None:
        yield replace(link, way=Way.of(reading, end, way.end), into=out)


def _product(link: Link) -> fx.Node | None:
    """The matrix product with frozen weights on the link, where there is just one."""
    steps = [
        (node, link.way.reading.step(node)) for node in link.way.nodes if node is not link.way.start
    ]
    found = [node for node, step in steps if step.kind == "product" and step.name in ops.MATRIX]
    return found[0] if len(found) == 1 else None


def _last_before(
    link: Link, context: Values, cuts: Sequence[fx.Node]
) -> tuple[fx.Node, Places] | None:
    """The last cut to which the link is a point connection that does something."""
    if not cuts:
        return None
    found = None
    carried = link.way.carry(context, place_probes(link.into), cuts)
    for node, values in zip(cuts, carried, strict=False):
        made = by_dependence(moved([values]), tuple(context[node].shape), link.into)
        if made is not None:
            found = (node, made)
    if found is None:
        return None
    point = Way.of(link.way.reading, link.way.start, found[0])
    return None if is_identity(point, context, link.into, found[1]) else found


def _first_behind(
    link: Link, context: Values, cuts: Sequence[fx.Node]
) -> tuple[fx.Node, Places] | None:
    """The first cut from which the link is a point connection that does something."""
    found = None
    for node in reversed(cuts):
        made = by_dependence(_read(link, context, node), tuple(context[node].shape), link.out)
        if made is None or _is_moved_only(link, node):
            break
        found = (node, made)
    if found is None:
        return None
    point = Way.of(link.way.reading, found[0], link.way.end)
    return None if is_identity(point, context, found[1], link.out) else found


def _is_moved_only(link: Link, node: fx.Node) -> bool:
    """Whether nothing but the order of entries changes up to `node`: a patch laid out as channels
    is still a patch."""
    between = link.way.reading.between(link.way.start, node)
    return all(ops.name(n) in ops.LAYOUT for n in between if n is not link.way.start)


def _read(link: Link, context: Values, node: fx.Node) -> Tensor:
    """(O, entries of the node): whether an output place depends on an entry, by gradients."""
    way = Way.of(link.way.reading, node, link.way.end)
    features = noise((link.out.channels,), 901)

    def outputs(probe: Tensor) -> Tensor:
        return link.out.read(way.local(context, probe)[way.end][None])[0] @ features

    probe = torch.zeros_like(context[node])
    jacobian: Tensor = torch.func.jacrev(outputs, chunk_size=64)(probe)
    gradient = jacobian.flatten(1).abs()
    return gradient > VISIBLE * gradient.max()

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
from relgraph.probe.owners import by_dependence, by_owner, is_identity, is_real, owned, takes
from relgraph.probe.places import Places
from relgraph.probe.single import WIDE, is_wide, readers
from relgraph.probe.tape import Values


def framed(link: Link, context: Values) -> Iterator[Link]:
    """A link as point ∘ core ∘ point, where it is that; a link that does nothing is left out."""
    if is_identity(link.way, context, link.into, link.out):
        return
    point = owned(link.way, context, link.into)[-1]
    if point is not None and not _products(link):
        yield replace(link, takes=takes(link, context))
        return
    yield from _cut_frame(link, context)


def _cut_frame(link: Link, context: Values) -> Iterator[Link]:
    reading, way = link.way.reading, link.way
    cuts = [node for node in reading.cuts(way.start, way.end)[1:-1] if is_real(context[node])]
    order = {node: at for at, node in enumerate(way.nodes)}
    products = [order[node] for node in _products(link)]
    first, last = min(products, default=len(order)), max(products, default=0)
    behind = _first_behind(link, context, [n for n in cuts if order[n] >= last])
    before = _last_before(link, context, [n for n in cuts if order[n] < first])
    start, into = before or (way.start, link.into)
    end, out = behind or (way.end, link.out)
    if order[start] >= order[end]:
        yield link
        return
    into = _read_channels(
        replace(link, way=Way.of(reading, start, end), into=into, out=out), context
    )
    if before is not None:
        projected = replace(link, way=Way.of(reading, way.start, start), out=into)
        yield replace(projected, takes=takes(projected, context))
    yield replace(link, way=Way.of(reading, start, end), into=into, out=out)
    if behind is not None:
        yield replace(link, way=Way.of(reading, end, way.end), into=out)


def _read_channels(link: Link, context: Values) -> Places:
    """The channels that the link reads: values that were projected together with queries and keys
    are among channels that are none."""
    into = link.into
    read = _pulled(link, context) if is_wide(into) else None
    if read is None:
        probes = torch.zeros(into.channels, into.count, into.channels, dtype=torch.float64)
        channel = torch.arange(into.channels)
        probes[channel, :, channel] = noise((into.channels, into.count), 905)
        moved_by = link.way.response(context, into, link.out, probes).abs().flatten(1).amax(1)
        read = moved_by > VISIBLE * moved_by.max()
    return replace(into, entries=into.entries[:, read]) if bool(read.any()) else into


def _pulled(link: Link, context: Values) -> Tensor | None:
    """(C,): the channels that have a gradient; None where others change something, too."""
    into, shape = link.into, (link.out.count, link.out.channels)

    def outputs(probe: Tensor) -> Tensor:
        return link.out.read(link.way.local(context, probe)[link.way.end][None])[0]

    pull = torch.func.vjp(outputs, torch.zeros_like(context[link.way.start]))[1]
    gradient = into.read(pull(noise(shape, 906))[0][None])[0].abs().amax(0)
    read = gradient > VISIBLE * gradient.max()
    rest = noise((1, into.count, into.channels), 905) * ~read
    quiet = link.way.response(context, into, link.out, rest).abs().max() == 0
    return read if bool(quiet) or bool(read.all()) else None


def _products(link: Link) -> list[fx.Node]:
    """The products on the link of which one operand is frozen: the core is around them."""
    nodes = [node for node in link.way.nodes if node is not link.way.start]
    return [node for node in nodes if link.way.reading.step(node).kind == "product"]


def _last_before(
    link: Link, context: Values, cuts: Sequence[fx.Node]
) -> tuple[fx.Node, Places] | None:
    """A cut behind the last parameters up to which the link is a point connection."""
    order = {node: at for at, node in enumerate(link.way.nodes)}
    limit = len(order)
    for learned in reversed(_learned(link)):
        between = [node for node in cuts if order[learned] <= order[node] < limit]
        limit = order[learned]
        if not between:
            continue
        made = owned(link.way, context, link.into, between)[:-1]
        points = [(node, one) for node, one in zip(between, made, strict=True) if one is not None]
        if points:  # before values are repeated for several heads
            return _narrowest(points)
    return None


def _first_behind(
    link: Link, context: Values, cuts: Sequence[fx.Node]
) -> tuple[fx.Node, Places] | None:
    """A cut before the first parameters from which on the link is a point connection."""
    order = {node: at for at, node in enumerate(link.way.nodes)}
    limit = -1
    for learned in _learned(link):
        between = [node for node in cuts if limit <= order[node] < order[learned]]
        limit = order[learned]
        points = []
        for node in between:
            made = _read(link, context, node)
            if made is not None and not _is_laid_out(link, context, node, made):
                points.append((node, made))
        if points:
            return _narrowest(points)
    return None


def _narrowest(points: Sequence[tuple[fx.Node, Places]]) -> tuple[fx.Node, Places]:
    """The first of the cuts with the fewest channels: values without their queries and keys, and
    before they are laid out as neighbourhoods."""
    return min(points, key=lambda one: one[1].channels)


def _learned(link: Link) -> list[fx.Node]:
    """The nodes on the link that multiply by parameters, in order."""
    nodes = [node for node in link.way.nodes if node is not link.way.start]
    return [node for node in nodes if link.way.reading.is_learned(node)]


def _is_laid_out(link: Link, context: Values, node: fx.Node, made: Places) -> bool:
    """Whether nothing but entries laid out anew stands before `node`: a patch, or a neighbourhood,
    laid out as channels is one still, however it was gathered."""
    way = Way.of(link.way.reading, link.way.start, node)
    if all(ops.name(one) in ops.LAYOUT for one in way.nodes if one is not way.start):
        return True
    if made.channels <= link.into.channels:
        return False
    probe = noise(tuple(context[way.start].shape), 907)
    value = way.local(context, probe)[node]
    return bool((torch.isin(value, probe) | (value == 0)).all())


def _read(link: Link, context: Values, node: fx.Node) -> Places | None:
    """The places of a value each of whose entries is read by exactly one output place, by
    gradients; None where it is not so."""
    way = Way.of(link.way.reading, node, link.way.end)
    shape, features = tuple(context[node].shape), noise((link.out.channels,), 901)

    def outputs(probe: Tensor) -> Tensor:
        return link.out.read(way.local(context, probe)[way.end][None])[0]

    probe = torch.zeros_like(context[node])
    if link.out.count * probe.numel() > WIDE:
        pull = torch.func.vjp(outputs, probe)[1]
        told = readers(lambda own: pull(own)[0], link.out.count, link.out.channels)
        if told.known:
            return by_owner(told, shape, link.out)
    jacobian: Tensor = torch.func.jacrev(lambda one: outputs(one) @ features, chunk_size=64)(probe)
    gradient = jacobian.flatten(1).abs()
    return by_dependence(gradient > VISIBLE * gradient.max(), shape, link.out)

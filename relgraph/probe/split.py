"""A module cut into what is measured by itself: linear maps, elements, sums and gates.

In: a lab. Out: a `Line` of items in order. It is cut where every way of the value passes: at
elements, at sums with a shortcut or with elements on their branches, and at gates (products with
a map that no place alone decides). A linear map with point connections before and behind it is cut
there too, so that attention shows its core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, fx

from relgraph.probe import operations as ops
from relgraph.probe.carry import Way
from relgraph.probe.frames import framed
from relgraph.probe.items import VISIBLE, Element, Gate, Item, Line, Link, Sum
from relgraph.probe.lab import Lab, disturbed, image, sampled
from relgraph.probe.owners import by_channel, dependence, flat, is_real, owned
from relgraph.probe.places import Places, like
from relgraph.probe.tape import Tape, Values


@dataclass(frozen=True, eq=False)
class _Stretch:
    """What is to be cut: from `start` to `end`, whose places are known."""

    lab: Lab
    start: fx.Node
    into: Places
    end: fx.Node
    out: Places | None

    @property
    def context(self) -> Values:
        """Values at one image."""
        return self.lab.at(0, self.start, self.into, image(self.into, 0))


def line(lab: Lab, start: fx.Node, into: Places, end: fx.Node, out: Places | None) -> Line:
    """The items between two nodes."""
    return Line(tuple(_items(_Stretch(lab, start, into, end, out))))


def _items(stretch: _Stretch) -> Iterator[Item]:
    context = stretch.context
    here, into = stretch.start, stretch.into
    marks = [(here, into)]
    for before, node, joint in _joints(stretch, context):
        if before is not here:
            for link in _stages(stretch, here, into, before, None, marks, context):
                yield from framed(link, context)
                into = link.out
            marks.append((before, into))
        made = _branches(stretch, before, into, joint, context)
        if isinstance(made, Sum) and joint.maps:
            link, _ = _link(stretch, before, into, node, None, context)
            made = replace(made, whole=tuple(framed(_at_mark(link, marks, stretch), context)))
        yield made
        here, into = node, _behind(stretch, before, into, node, joint, context)
        marks.append((here, into))
    if here is not stretch.end:
        for link in _stages(stretch, here, into, stretch.end, stretch.out, marks, context):
            yield from framed(link, context)


def _stages(
    stretch: _Stretch,
    start: fx.Node,
    into: Places,
    end: fx.Node,
    out: Places | None,
    marks: list[tuple[fx.Node, Places]],
    context: Values,
) -> Iterator[Link]:
    """The link from `start` to `end`, cut at values of which all that is frozen behind them is
    made: there one operator hands over to the next. Each is a mark for those behind."""
    for nodes in _handed_over(stretch, start, end):
        ways = [Way.of(stretch.lab.reading, start, node) for node in nodes]
        found = next((one for way in ways if (one := _kept(stretch, way, into, context))), None)
        if found is not None:
            link = replace(found, start=stretch.start, start_places=stretch.into)
            yield _at_mark(link, marks, stretch)
            start, into = link.way.end, link.out
            marks.append((start, into))
    link, _ = _link(stretch, start, into, end, out, context)
    yield _at_mark(link, marks, stretch)


def _handed_over(stretch: _Stretch, start: fx.Node, end: fx.Node) -> Iterator[Sequence[fx.Node]]:
    """Between each two frozen products the values of which all that is frozen behind is made, from
    the last before the last parameters on."""
    reading, tape = stretch.lab.reading, stretch.lab.tape
    nodes = [node for node in reading.between(start, end) if node is not start]
    order = {node: at for at, node in enumerate(nodes)}
    products = [node for node in nodes if reading.step(node).kind == "product"]
    cuts = [node for node in reading.cuts(start, end)[1:-1] if is_real(stretch.context[node])]
    for number, (first, second) in enumerate(pairwise(products), 1):
        frozen = [one for node in products[number:] if (one := reading.step(node).frozen)]
        between = nodes[order[first] + 1 : order[second]]
        learned = [node for node in between if reading.is_learned(node)]
        last = order[learned[-1] if learned else second]
        found = [node for node in cuts if order[first] <= order[node] < last]
        yield [
            node
            for node in reversed(found)
            if not any(_goes_round(tape, node, one) for one in frozen)
        ]


def _kept(stretch: _Stretch, way: Way, into: Places, context: Values) -> Link | None:
    """The link to a value of as many places, each of which reads itself at least: so that they are
    where they are said to stand."""
    out = like(tuple(context[way.end].shape), stretch.into, stretch.lab.layout)
    if out is None or out.count != into.count:
        return None
    seen, place = dependence(way, context, into)[:, out.entries], torch.arange(out.count)
    return Link(way, into, out, way.start, into) if bool(seen[place, place].all()) else None


def _at_mark(link: Link, marks: Sequence[tuple[fx.Node, Places]], stretch: _Stretch) -> Link:
    """The link with the last of `marks` that everything frozen on its way goes through."""
    reading = stretch.lab.reading
    steps = [reading.step(node) for node in link.way.nodes if node is not link.way.start]
    frozen = [step.frozen for step in steps if step.frozen is not None]
    for node, places in reversed(marks):
        if not any(_goes_round(stretch.lab.tape, node, one) for one in frozen):
            return replace(link, start=node, start_places=places)
    # What is frozen is made before all of this: images are changed at the input of the module.
    return replace(link, start=stretch.lab.tape.x, start_places=stretch.lab.places)


def _goes_round(tape: Tape, node: fx.Node, target: fx.Node) -> bool:
    """Whether `target` is made of x on a way that does not pass `node`."""
    if node is tape.x:
        return False
    reached = {tape.x}
    for one in tape.nodes:
        if one is not node and any(arg in reached for arg in one.all_input_nodes):
            reached.add(one)
    return target in reached


def _joints(stretch: _Stretch, context: Values) -> Iterator[tuple[fx.Node, fx.Node, _Joint]]:
    """Where the stretch is cut, in order: the cut before, the cut behind, and what is between. A
    gate begins at the last cut that both of its factors descend from."""
    reading = stretch.lab.reading
    every = reading.cuts(stretch.start, stretch.end)
    cuts = [node for node in every if is_real(context[node])]
    found: list[tuple[fx.Node, fx.Node, _Joint]] = []
    at = len(cuts) - 1
    while at > 0:
        joint, begins = _joint(stretch, cuts[at - 1], cuts[at]), at - 1
        frozen = reading.step(cuts[at]).frozen
        if joint is None and frozen is not None:
            passed = set(reading.cuts(stretch.start, frozen))
            shared = [i for i in range(at) if cuts[i] in passed]
            if shared and _is_gate(stretch, cuts[at], context):
                begins = shared[-1]
                joint = _Joint("gate", (reading.step(cuts[at]).sources[0], frozen))
        if joint is not None:
            found.append((cuts[begins], cuts[at], joint))
        at = begins
    return reversed(found)


@dataclass(frozen=True)
class _Joint:
    """Where a line is cut: an element's name, or the ways that meet."""

    kind: str
    ways: tuple[fx.Node, ...] = ()
    name: str = ""
    minus: bool = False
    maps: bool = False


def _joint(stretch: _Stretch, before: fx.Node, node: fx.Node) -> _Joint | None:
    reading = stretch.lab.reading
    step = reading.step(node)
    if ops.name(node) == "getitem" and isinstance(node.args[0], fx.Node):
        step = reading.step(node.args[0])
        if step.kind == "element":
            return _Joint("element", name=step.name)
    if step.kind == "element":
        return _Joint("element", (node,), step.name)
    if ops.name(node) in ops.SUMS and len(step.sources) == 2:
        return _sum(stretch, before, node)
    return None


def _sum(stretch: _Stretch, before: fx.Node, node: fx.Node) -> _Joint | None:
    """A sum is cut where a branch is the shortcut, or where something on a branch is no linear map;
    branches that are linear maps add up to one."""
    first, second = stretch.lab.reading.step(node).sources
    short = [_is_layout(stretch, before, one) for one in (first, second)]
    minus = ops.name(node) != "add"
    if all(short):
        return None
    if any(short):
        return _Joint("sum", (first, second), minus=minus)
    if any(_bends(stretch, before, one) for one in (first, second)):
        maps = not any(_has_elements(stretch, before, one) for one in (first, second))
        return _Joint("sum", (first, second), minus=minus, maps=maps)
    return None


def _is_layout(stretch: _Stretch, start: fx.Node, end: fx.Node) -> bool:
    between = stretch.lab.reading.between(start, end)
    return bool(between) and all(ops.name(n) in ops.LAYOUT for n in between if n is not start)


def _bends(stretch: _Stretch, start: fx.Node, end: fx.Node) -> bool:
    """Whether elements or frozen products stand between; a batch norm is a linear map in eval."""
    reading = stretch.lab.reading
    steps = [reading.step(n) for n in reading.between(start, end) if n is not start]
    return any(s.kind != "linear" and s.name != "batch norm" for s in steps)


def _has_elements(stretch: _Stretch, start: fx.Node, end: fx.Node) -> bool:
    reading = stretch.lab.reading
    steps = [reading.step(n) for n in reading.between(start, end) if n is not start]
    return any(s.kind == "element" and s.name != "batch norm" for s in steps)


def _is_gate(stretch: _Stretch, node: fx.Node, context: Values) -> bool:
    """A product with a map of which other places than the own have a say. A number per channel and
    image, or what the own place decides, is a weight of the connection instead."""
    step, value = stretch.lab.reading.step(node), context[node]
    frozen, out = step.frozen, like(value.shape, stretch.into, stretch.lab.layout)
    if step.name != "mul" or frozen is None or out is None or out.count == 1:
        return False
    if out.count != stretch.into.count:
        return False
    features = out.read(context[frozen].expand_as(value)[None])[0]
    if bool((features - features[:1]).abs().max() == 0):
        return False
    return any(
        _reaches_others(stretch, frozen, place, features, out, value)
        for place in sampled(stretch.into.count)
    )


def _reaches_others(
    stretch: _Stretch, node: fx.Node, place: int, features: Tensor, out: Places, value: Tensor
) -> bool:
    moved = disturbed(image(stretch.into, 0), place)
    other = stretch.lab.at(0, stretch.start, stretch.into, moved)[node].expand_as(value)
    changed = (out.read(other[None])[0] - features).abs().amax(1) > VISIBLE * features.abs().max()
    return bool(changed[torch.arange(len(changed)) != place].any())


def _branches(
    stretch: _Stretch, before: fx.Node, into: Places, joint: _Joint, context: Values
) -> Item:
    if joint.kind == "element":
        return Element(joint.name, any(_over_places(node, into) for node in joint.ways))
    lab = stretch.lab
    made = []
    for end in joint.ways:
        if _is_layout(stretch, before, end) or end is before:
            made.append(Line(()))
        else:
            made.append(line(lab, before, into, end, None))
    return Gate(tuple(made)) if joint.kind == "gate" else Sum(tuple(made), joint.minus)


def _over_places(node: fx.Node, into: Places) -> bool:
    """Whether the node is a softmax whose sums run over the places of what comes in."""
    if ops.name(node) not in ops.SOFTMAX or len(node.args) < 2:
        return False
    place = torch.zeros(into.entries.numel(), dtype=torch.long)
    place[into.entries] = torch.arange(into.count)[:, None]
    along = place.view(into.shape).movedim(int(str(node.args[1])), 0)
    return bool((along != along[0]).any())


def _behind(
    stretch: _Stretch,
    before: fx.Node,
    into: Places,
    node: fx.Node,
    joint: _Joint,
    context: Values,
) -> Places:
    """Places behind an element (as before), a sum (as on its shortcut) or a gate."""
    if joint.kind == "element":
        if tuple(context[node].shape) == into.shape:
            return into
        return like(context[node].shape, into, stretch.lab.layout) or flat(context[node])
    short = [end for end in joint.ways if end is before or _is_layout(stretch, before, end)]
    along = short[0] if short else node
    found = _owned(Way.of(stretch.lab.reading, before, along), context, into, stretch)
    return replace(found, shape=tuple(context[node].shape))


def _owned(way: Way, context: Values, into: Places, stretch: _Stretch) -> Places:
    """Places of the end of a way: by what its entries depend on, else by its shape."""
    if way.is_nothing:
        return into
    shape = tuple(context[way.end].shape)
    return (
        owned(way, context, into)[-1]
        or by_channel(way, context, into)
        or like(shape, stretch.into, stretch.lab.layout)
        or flat(context[way.end])
    )


def _link(
    stretch: _Stretch,
    start: fx.Node,
    into: Places,
    end: fx.Node,
    out: Places | None,
    context: Values,
) -> tuple[Link, Places]:
    way = Way.of(stretch.lab.reading, start, end)
    out = out or _owned(way, context, into, stretch)
    return Link(way, into, out, stretch.start, stretch.into), out

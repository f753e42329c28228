"""From resolved items to instances: a walk over bodies that threads the value's shape.

Each function takes the flow before an item and returns the instance with the flow after it.
Problems are collected, never raised: a guess of the shape lets the walk go on. Attribute names are
given afterwards (`naming`), class by class.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from relgraph import program, resolved
from relgraph.assemble import elements
from relgraph.assemble.connections import connect
from relgraph.assemble.flow import Findings, Flow
from relgraph.assemble.naming import named
from relgraph.errors import Place, counted
from relgraph.program import Scope, Shape


@dataclass(frozen=True)
class Surroundings:
    """What items see of the place where they stand: the number of classes, and the block's
    stochastic depth rate (None outside blocks, where no drop path is placed by itself)."""

    findings: Findings
    classes: int
    rate: float | None = None
    taps: dict[str, Flow] = field(default_factory=dict)


def walk_body(body: resolved.Body, flow: Flow, around: Surroundings) -> tuple[program.Body, Flow]:
    """The instances of a body, and the value after it. After a value that is not known, nothing
    is refused."""
    nodes: list[program.Node] = []
    for item in body:
        made, flow = _walk_item(item, flow, around)
        nodes.extend(made)
    return tuple(nodes), flow


def walk_scope(
    body: resolved.Body,
    flow: Flow,
    around: Surroundings,
    role: program.Role,
    name: str,
    attr: str = "",
    cite: str = "",
    label: str | None = None,
    place: Place | None = None,
) -> tuple[Scope, Flow]:
    """A body that becomes a class of its own, with its attributes named; taps are its own too."""
    with around.findings.used_at(place):
        nodes, after = walk_body(body, flow, replace(around, taps={}))
    scope = Scope(
        input=flow.shape,
        output=after.shape,
        attr=attr,
        label=label,
        place=place,
        name=name,
        role=role,
        body=named(nodes),
        cite=cite,
    )
    return scope, after


def _walk_item(item: resolved.Node, flow: Flow, around: Surroundings) -> tuple[program.Body, Flow]:
    if isinstance(item, resolved.Unknown):
        return (), replace(flow, known=False)
    if not flow.known:
        around = replace(around, findings=Findings())
    if isinstance(item, resolved.Element | resolved.OperatorUse):
        return _walk_leaf(item, flow, around)
    if isinstance(item, resolved.Scope):
        scope, after = walk_scope(
            item.body,
            flow,
            around,
            item.kind,
            item.name,
            cite=item.cite,
            label=item.label,
            place=item.place,
        )
        return (scope,), after
    if isinstance(item, resolved.Residual):
        return _walk_residual(item, flow, around)
    if isinstance(item, resolved.Branches):
        return _walk_branches(item, flow, around)
    if isinstance(item, resolved.Split):
        return _walk_split(item, flow, around)
    return _walk_tap(item, flow, around)


def _walk_leaf(
    item: resolved.Element | resolved.OperatorUse, flow: Flow, around: Surroundings
) -> tuple[program.Body, Flow]:
    """An element or operator. One that was refused and changes the shape leaves an unknown one."""
    told = around.findings.refused
    if isinstance(item, resolved.Element):
        made, after = _walk_element(item, flow, around)
    else:
        inner = partial(walk_body, around=around)
        with around.findings.used_at(item.place):
            made, after = connect(item, flow, around.findings, inner)
    refused = around.findings.refused > told
    return made, replace(after, known=False) if refused and after.shape != flow.shape else after


def _walk_element(
    item: resolved.Element, flow: Flow, around: Surroundings
) -> tuple[program.Body, Flow]:
    after = elements.output_flow(item, flow, around.findings, around.classes)
    node = program.Element(
        input=flow.shape,
        output=after.shape,
        label=item.label,
        place=item.place,
        word=item.word,
        arguments=item.arguments,
        init=item.init,
    )
    return (node,), after


def _element(word: str, shape: Shape, **arguments: resolved.Argument) -> program.Element:
    ordered = tuple(sorted(arguments.items()))
    return program.Element(input=shape, output=shape, word=word, arguments=ordered)


def _walk_residual(
    item: resolved.Residual, flow: Flow, around: Surroundings
) -> tuple[program.Body, Flow]:
    body, after = walk_body(item.body, flow, around)
    if not after.known:
        after = _end_of_shortcut(item, flow, around)
    told = around.findings.refused
    shortcut, joins = _shortcut(item, flow, after, around)
    if around.findings.refused > told and item.shortcut is None:
        # What should have kept its shape is taken to have kept it: blocks that repeat would
        # otherwise shrink the map to nothing, and more would be refused than is wrong.
        after = flow.with_shape(replace(flow.shape, channels=after.shape.channels))
    rate = item.drop_path if item.drop_path is not None else around.rate
    scale = None
    if item.scale is not None:
        scale = _element("scale", after.shape, init=float(item.scale), learned=True)
    drop = None
    if joins and rate is not None:
        follows = item.drop_path is None
        drop = _element("drop_path", after.shape, rate=float(rate), follows_block=follows)
    node = program.Residual(
        input=flow.shape,
        output=after.shape,
        label=item.label,
        place=item.place,
        body=body,
        shortcut=shortcut,
        scale=scale,
        drop_path=drop,
    )
    return (node,), after


def _end_of_shortcut(item: resolved.Residual, flow: Flow, around: Surroundings) -> Flow:
    """Where a body that was refused must end: where what it is added to does."""
    if item.shortcut == "none":
        return replace(flow, known=False)
    return walk_body(item.shortcut or (), flow, around)[1]


def _shortcut(
    item: resolved.Residual, flow: Flow, after: Flow, around: Surroundings
) -> tuple[program.Body | None, bool]:
    """The shortcut's instances (None: no sum), and whether there is a sum."""
    if flow.shape == after.shape:
        return (), True
    if item.shortcut == "none":
        return None, False
    if item.shortcut is None:
        around.findings.refuse(
            "residual-shapes",
            item.place,
            f"a body from {_say(flow.shape)} to {_say(after.shape)}",
            "a body that keeps the shape, since no shortcut is written",
            "write `shortcut: [...]` for the change of shape, or `shortcut: none` to drop the sum",
        )
        return (), True
    body, end = walk_body(item.shortcut, flow, around)
    if end.shape != after.shape:
        around.findings.refuse(
            "shortcut-shape",
            item.place,
            f"a shortcut that ends at {_say(end.shape)}",
            f"the body's {_say(after.shape)}",
        )
    return body, True


def _walk_branches(
    item: resolved.Branches, flow: Flow, around: Surroundings
) -> tuple[program.Body, Flow]:
    walked = [walk_body(branch, flow, around) for branch in item.branches]
    after = _combined(item.combine, [end for _, end in walked], item.place, around.findings)
    node = program.Branches(
        input=flow.shape,
        output=after.shape,
        label=item.label,
        place=item.place,
        combine=item.combine,
        branches=tuple(nodes for nodes, _ in walked),
    )
    return (node,), after


def _walk_split(
    item: resolved.Split, flow: Flow, around: Surroundings
) -> tuple[program.Body, Flow]:
    if sum(item.sizes) != flow.shape.channels:
        around.findings.refuse(
            "split-sizes",
            item.place,
            f"parts of {', '.join(map(str, item.sizes))} channels",
            f"parts that add up to {flow.shape.channels}",
        )
    parts = [flow.with_shape(replace(flow.shape, channels=size)) for size in item.sizes]
    walked = [
        walk_body(branch, part, around) for branch, part in zip(item.branches, parts, strict=True)
    ]
    after = _combined(item.combine, [end for _, end in walked], item.place, around.findings)
    node = program.Split(
        input=flow.shape,
        output=after.shape,
        label=item.label,
        place=item.place,
        sizes=item.sizes,
        branches=tuple(nodes for nodes, _ in walked),
        combine=item.combine,
    )
    return (node,), after


def _walk_tap(item: resolved.Tap, flow: Flow, around: Surroundings) -> tuple[program.Body, Flow]:
    if item.word == "tap":
        around.taps[item.name] = flow
        after = flow
    elif item.name in around.taps:
        after = around.taps[item.name]
    else:
        around.findings.refuse(
            "no-such-tap", item.place, f"from: {item.name}", "a tap written before it"
        )
        after = flow
    node = program.Tap(
        input=flow.shape,
        output=after.shape,
        label=item.label,
        place=item.place,
        word=item.word,
        name=item.name,
    )
    return (node,), after


def _combined(combine: str, ends: list[Flow], place: Place | None, findings: Findings) -> Flow:
    """The value that branches make together. One that is not known is taken to fit."""
    known = [end for end in ends if end.known] or ends
    # A vector beside a map of one position: their product is a map.
    widest = max(known, key=lambda end: (end.shape.grid is not None, *_extent(end.shape)))
    if combine == "concat" and len(known) < len(ends):
        return replace(widest, known=False)
    fits = True
    for one, other in pairwise(end.shape for end in known):
        fits = fits and _fit(combine, one, other)
        if not _fit(combine, one, other):
            findings.refuse(
                f"{combine}-shapes",
                place,
                f"branches that end at {_say(one)} and {_say(other)}",
                _EXPECTED[combine],
            )
    channels = [end.shape.channels for end in known]
    total = sum(channels) if combine == "concat" else max(channels)
    return replace(widest, shape=replace(widest.shape, channels=total), known=fits and widest.known)


def _extent(shape: Shape) -> tuple[int, int]:
    return shape.positions, len(shape.tokens)


_EXPECTED = {
    "sum": "branches of one shape (extra tokens may be missing)",
    "product": "branches of one shape, up to factors of one channel or one position",
    "concat": "branches on one map with the same tokens",
}


def _fit(combine: str, one: Shape, other: Shape) -> bool:
    if combine == "concat":
        return (one.grid, one.tokens) == (other.grid, other.tokens)
    if combine == "sum":
        return (one.grid, one.channels) == (other.grid, other.channels)
    places = one.grid == other.grid or 1 in (one.positions, other.positions)
    return places and (one.channels == other.channels or 1 in (one.channels, other.channels))


def _say(shape: Shape) -> str:
    if shape.grid is None:
        return f"a vector of {counted(shape.channels, 'channel')}"
    tokens = f" with {counted(len(shape.tokens), 'extra token')}" if shape.tokens else ""
    rows, columns = shape.grid
    return f"{counted(shape.channels, 'channel')} on {rows}×{columns}{tokens}"

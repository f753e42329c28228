"""A backbone for images of other channels: what the builder's `in_chans` means for the spec.

In: a resolved backbone and a number of channels. Out: the backbone with every operator of the stem
that reads the images as they come made for that number.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import keeps_width
from relgraph.resolved import (
    Backbone,
    Body,
    Branches,
    Element,
    Node,
    OperatorUse,
    Residual,
    Scope,
)


def with_input_channels(backbone: Backbone, channels: int) -> Backbone:
    """The same backbone reading images of `channels` channels."""
    if channels == backbone.in_chans:
        return backbone
    stem, width = _body(backbone.stem, backbone.in_chans, channels)
    stages = backbone.stages
    if width is not None and stages:  # nothing in the stem changed the width
        first, width = _body(stages[0].downsample, backbone.in_chans, channels)
        stages = (replace(stages[0], downsample=first), *stages[1:])
    return replace(backbone, in_chans=channels, stem=stem, stages=stages)


def _body(body: Body, before: int, after: int) -> tuple[Body, tuple[int, int] | None]:
    """The body for another width, and the widths behind it: None once an operator sets its own."""
    made: list[Node] = []
    widths: tuple[int, int] | None = (before, after)
    for node in body:
        if widths is not None:
            node, widths = _node(node, *widths)
        made.append(node)
    return tuple(made), widths


def _node(node: Node, before: int, after: int) -> tuple[Node, tuple[int, int] | None]:
    if isinstance(node, OperatorUse):
        kept = keeps_width(node.operator) and node.out_channels == before
        leaving = after if kept else node.out_channels
        changed = replace(node, in_channels=after, out_channels=leaving)
        return changed, (before, after) if kept else None
    if isinstance(node, Element) and node.word == "space_to_depth":
        side = node["size"]
        assert isinstance(side, int)
        return node, (before * side**2, after * side**2)
    if isinstance(node, Scope):
        body, widths = _body(node.body, before, after)
        return replace(node, body=body), widths
    if isinstance(node, Residual):
        body, widths = _body(node.body, before, after)
        shortcut = node.shortcut
        if isinstance(shortcut, tuple):
            shortcut, _ = _body(shortcut, before, after)
        return replace(node, body=body, shortcut=shortcut), widths
    if isinstance(node, Branches):
        both = [_body(branch, before, after) for branch in node.branches]
        widths = _joined(node.combine, [one for _, one in both])
        return replace(node, branches=tuple(body for body, _ in both)), widths
    return node, (before, after)


def _joined(combine: str, widths: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """The widths behind branches; None where one of them sets its own."""
    known = [one for one in widths if one is not None]
    if len(known) < len(widths):
        return None
    if combine == "concat":
        return sum(before for before, _ in known), sum(after for _, after in known)
    return known[0]

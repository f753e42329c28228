"""Rows for items that stand alone: new in the target, gone from the source, of other structure.

In: an item, its path and the target's tensors as a new model starts. Out: an `Outcome` with a row,
or without one where nothing is to be said. What is new changes nothing where that is possible.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.program import Element, Node, Residual, Tap
from relgraph.transfer import neutral
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.layer import Layer, Outcome, row
from relgraph.verify.values import join


def new(after: str, target: Node, tensors: Tensors) -> Outcome:
    """An item that the source does not have: neutral if there is a way."""
    made = neutral.identity(target, after, tensors)
    if isinstance(made, Refused):
        return fresh(after, target, f"the source has none; {made.reason}")
    if not made:
        return Outcome()
    return quiet(after, target, made, "the source has none; it changes nothing yet")


def fresh(after: str, target: Node, reason: str) -> Outcome:
    """An item that starts as in a new model."""
    path = join(after, target.attr)
    return Outcome({}, (row(path, "", (None, target), Carried("fresh", {}, reason)),))


def quiet(after: str, target: Node, made: neutral.Made, reason: str) -> Outcome:
    """An item with tensors that make it change nothing."""
    carried = Carried("neutral", made, "; ".join((reason, *neutral.caveats(target))), 0.0)
    return Outcome(made, (row(join(after, target.attr), "", (None, target), carried),))


def as_embedding(outcome: Outcome, reason: str) -> Outcome:
    """Copies of what was changed before, as what they are."""
    told = tuple(
        replace(one, method="embedding", reason=reason) if one.method == "copy" else one
        for one in outcome.layers
    )
    return replace(outcome, layers=told)


def as_partial(outcome: Outcome, reason: str) -> Outcome:
    """Projections that are near nothing, since there is more between their layers than a W."""
    told = tuple(
        replace(one, method="partial", reason=reason) if one.method == "projection" else one
        for one in outcome.layers
    )
    return replace(outcome, layers=told)


def dropped(before: str, source: Node) -> Outcome:
    """A row for an item that has no place; none for what says nothing in evaluation mode."""
    if isinstance(source, Element) and source.word in neutral.PASSING:
        return Outcome()
    if isinstance(source, Tap):
        return Outcome()
    path = join(before, source.attr)
    carried = Carried("dropped", {}, "the target has no place for it")
    return Outcome({}, (row(path, path, (source, None), carried),))


def folded(before: str, source: Residual, after: str) -> Outcome:
    """The row of a layer scale that the layer before it has taken in."""
    assert source.scale is not None, "there was one"
    carried = Carried("embedding", {}, "multiplied into the layer before it", 0.0)
    path = join(before, source.scale.attr)
    return Outcome({}, (row(join(after, source.scale.attr), path, (source.scale, None), carried),))


def remark(before: str, source: Node, after: str, target: Node, what: str) -> Outcome:
    """A row for structure that differs, whatever became of the weights inside."""
    carried = Carried("partial", {}, f"{what} is on one side only")
    layer: Layer = row(after, before, (source, target), carried)
    return Outcome({}, (layer,))

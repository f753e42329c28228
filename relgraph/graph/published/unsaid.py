"""What the label of a published arrow does not say, read off its edits.

In: an arrow with everything that was computed. Out: sentences.
"""

from __future__ import annotations

from collections.abc import Iterator

from relgraph.graph.published.computed import PublishedArrow, frozen
from relgraph.relations.derivation import path


def unsaid(arrow: PublishedArrow) -> tuple[str, ...]:
    """A sentence for each thing that the label leaves out, the edits first."""
    return (
        *(f"also {step.edit.words}" for step in arrow.edits if not step.said),
        *_directions(arrow),
        *_values(arrow),
        *_frame(arrow),
        *_from_models(arrow),
    )


def _directions(arrow: PublishedArrow) -> Iterator[str]:
    """The figure's axis runs down: where the order does not, and where only W's does."""
    if arrow.way == "up":
        yield f"it goes up, {arrow.source.name} lies inside {arrow.target.name}: {arrow.why}"
    elif arrow.way != "down":
        ways = ", ".join(f"{step.edit.relation} {step.way}" for step in arrow.edits)
        yield f"it goes neither down nor up: {ways}"
    elif arrow.functions.direction != "down":
        functions = arrow.functions
        yield f"down with W frozen only; as functions {functions.direction}: {functions.why}"


def _values(arrow: PublishedArrow) -> Iterator[str]:
    """Functions may stay shared where their values do not."""
    ends = (arrow.source.core, arrow.target.core)
    before, after = (frozen(operator).space.share for operator in ends)
    functions = {operator.space.share for operator in ends}
    if before != after and len(functions) == 1:
        yield (
            f"functions stay shared over {functions.pop()}, their values do not: each position has "
            "its own"
        )


def _frame(arrow: PublishedArrow) -> Iterator[str]:
    """Projections that come or go: a frame around the core, no edit of W."""
    before, after = arrow.source.whole.frame, arrow.target.whole.frame
    come = [n for n in ("value", "output") if getattr(after, n) and not getattr(before, n)]
    go = [n for n in ("value", "output") if getattr(before, n) and not getattr(after, n)]
    for names, verb, node in ((come, "come", arrow.target), (go, "go", arrow.source)):
        if names:
            parameters = node.whole_cost.parameters - node.cost.parameters
            macs = node.whole_cost.macs - node.cost.macs
            yield (
                f"{' and '.join(names)} projections {verb}, which are no part of W "
                f"({parameters:,} parameters, {macs:,} multiply-adds)"
            )


def _from_models(arrow: PublishedArrow) -> Iterator[str]:
    """Models that are drawn at the source but stand elsewhere have other edits to make."""
    known = {step.edit.words for step in arrow.edits}
    for model in arrow.source.call_outs:
        if not model.apart or model.node is None:
            continue
        ways = path(model.node, arrow.target.core)
        assert ways, "families with default borders are connected"
        more = [edit.words for edit in ways[0] if edit.words not in known]
        if more:
            yield f"from {model.model} itself: {'; '.join(more)}"

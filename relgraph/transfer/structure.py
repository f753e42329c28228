"""Structure into structure: sums with a shortcut, branches, splits, and what stands inside them on
one side only.

In: two items of which one is no operator and no element, and what matches bodies (`Matching`). Out:
an `Outcome`. What is new is neutral where that is possible; what has no counterpart is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from torch import Tensor

from relgraph.program import Body, Branches, Element, Node, Residual, Scope, Split
from relgraph.transfer import gates, neutral, rows
from relgraph.transfer.carried import Refused, Tensors
from relgraph.transfer.enclosing import alike, enclosed, main_branch
from relgraph.transfer.folding import multiplied_in
from relgraph.transfer.layer import Outcome, joined, words
from relgraph.verify.values import join


class Matching(Protocol):
    """What matches bodies and elements, and the tensors of both models."""

    @property
    def source(self) -> Tensors:
        """All tensors of the source, by their full names."""

    @property
    def fresh(self) -> Tensors:
        """All tensors of the target as a new model starts."""

    def match(self, before: str, source: Body, after: str, target: Body) -> Outcome:
        """One body into another."""

    def element(self, before: str, source: Element, after: str, target: Element) -> Outcome:
        """One element into another."""

    def over(self, tensors: Tensors) -> Matching:
        """The same with these tensors of the source in the place of its own."""


def carry_structure(
    matching: Matching, before: str, source: Node, after: str, target: Node
) -> Outcome:
    """The outcome of two items of which at least one holds others."""
    if isinstance(source, Scope) and isinstance(target, Scope):
        inside = join(before, source.attr), join(after, target.attr)
        return matching.match(inside[0], source.body, inside[1], target.body)
    if isinstance(source, Residual) and isinstance(target, Residual):
        return _residual(matching, before, source, after, target)
    if isinstance(source, Branches) and isinstance(target, Branches):
        return _branches(matching, before, source, after, target)
    if isinstance(source, Split) and isinstance(target, Split):
        return _split(matching, before, source, after, target)
    if isinstance(target, Branches):
        return _into_branches(matching, before, source, after, target)
    if isinstance(source, Branches):
        return _out_of_branches(matching, before, source, after, target)
    if isinstance(source, Residual | Scope) or isinstance(target, Residual | Scope):
        return _unwrapped(matching, before, source, after, target)
    return Outcome()  # a tap and a tap


def _residual(
    matching: Matching, before: str, source: Residual, after: str, target: Residual
) -> Outcome:
    folded = None if target.scale is not None else _folded(matching, before, source)
    own = matching if folded is None else matching.over(folded)
    parts = [own.match(before, source.body, after, target.body)]
    if folded is None:
        parts.append(_scale(matching, before, source, after, target))
    else:
        parts.append(rows.folded(before, source, after))
    if source.shortcut is None or target.shortcut is None:
        if source.shortcut != target.shortcut:
            parts.append(rows.remark(before, source, after, target, "a sum with the shortcut"))
    else:
        parts.append(matching.match(before, source.shortcut, after, target.shortcut))
    return joined(parts)


def _folded(matching: Matching, before: str, source: Residual) -> dict[str, Tensor] | None:
    """The source's tensors with its layer scale in the layer before it."""
    if source.scale is None:
        return None
    numbers = matching.source.get(join(join(before, source.scale.attr), "weight"))
    if numbers is None:
        return None
    return multiplied_in(source.body, before, matching.source, numbers)


def _scale(
    matching: Matching, before: str, source: Residual, after: str, target: Residual
) -> Outcome:
    """A layer scale into a layer scale; one that is new is 1, one that is gone is told."""
    if target.scale is not None and source.scale is not None:
        return matching.element(before, source.scale, after, target.scale)
    if target.scale is not None:
        return rows.new(after, target.scale, matching.fresh)
    return Outcome() if source.scale is None else rows.dropped(before, source.scale)


def _branches(
    matching: Matching, before: str, source: Branches, after: str, target: Branches
) -> Outcome:
    if source.combine != target.combine:
        return rows.fresh(after, target, f"{words(source)} into {words(target)}")
    parts = []
    left = list(range(len(target.branches)))
    for branch in source.branches:
        if not left:
            reason = "a branch that the target does not have"
            parts.append(rows.remark(before, source, after, target, reason))
            continue
        chosen = max(left, key=lambda at: alike(branch, target.branches[at]))
        left.remove(chosen)
        parts.append(matching.match(before, branch, after, target.branches[chosen]))
    return joined([*parts, _others(matching, after, target, set(left))])


def _others(matching: Matching, after: str, target: Branches, new: set[int]) -> Outcome:
    """Branches that the source does not have, set to change nothing."""
    if not new:
        return Outcome()
    kept = tuple(b for at, b in enumerate(target.branches) if at in new)
    rest = replace(target, branches=((), *kept))
    made = neutral.beside(rest, 0, after, matching.fresh)
    if isinstance(made, Refused):
        return joined(rows.fresh(after, node, made.reason) for b in kept for node in b)
    return rows.quiet(after, rest, made, "new branches that change nothing yet")


def _into_branches(
    matching: Matching, before: str, source: Node, after: str, target: Branches
) -> Outcome:
    """Items into the branch that is most like them, the others neutral."""
    body = enclosed(source) or (source,)
    at = main_branch(body, target)
    branch = target.branches[at]
    carried = matching.match(before, body, after, branch)
    rest = _others(matching, after, target, set(range(len(target.branches))) - {at})
    half = gates.half_open(target, at, after, matching.fresh)
    if isinstance(half, Refused) or not rest.is_exact:
        return joined((carried, rest))
    doubled = gates.doubled((branch,), (), after, {**matching.fresh, **carried.tensors})
    if doubled is None:
        return joined((carried, rest))
    return joined((gates.with_doubled(carried, doubled), gates.opened(rest, half)))


def _out_of_branches(
    matching: Matching, before: str, source: Branches, after: str, target: Node
) -> Outcome:
    """The branch that is most like the items of the target; others have no place there."""
    body = enclosed(target) or (target,)
    at = main_branch(body, source)
    carried = matching.match(before, source.branches[at], after, body)
    reason = f"a {source.combine} with other branches"
    gone = any(branch for other, branch in enumerate(source.branches) if other != at)
    told = rows.remark(before, source, after, target, reason if gone else "a sum with its input")
    return joined((carried, told))


def _split(matching: Matching, before: str, source: Split, after: str, target: Split) -> Outcome:
    if (source.sizes, source.combine) != (target.sizes, target.combine):
        return rows.fresh(after, target, f"parts of {source.sizes} and {target.sizes}")
    both = zip(source.branches, target.branches, strict=True)
    return joined(matching.match(before, one, after, other) for one, other in both)


def _unwrapped(matching: Matching, before: str, source: Node, after: str, target: Node) -> Outcome:
    """What stands inside a residual or a class against what stands alone."""
    if isinstance(target, Residual | Scope):
        path = join(after, target.attr) if isinstance(target, Scope) else after
        made = matching.match(before, (source,), path, target.body)
    else:
        assert isinstance(source, Residual | Scope), "what is nothing alike is not paired"
        path = join(before, source.attr) if isinstance(source, Scope) else before
        made = matching.match(path, source.body, after, (target,))
    if isinstance(source, Residual) == isinstance(target, Residual):
        return made
    return joined((made, rows.remark(before, source, after, target, "a sum with the shortcut")))

"""Bodies into bodies: every item of the target gets its weights from the one it stands for.

In: two bodies of programs, the source's tensors and the target's as a new model starts, by full
names. Out: the target's tensors and a row for every item (`Outcome`). Structure that is new is
neutral where that is possible; what has no way starts fresh and says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split, Tap
from relgraph.transfer import neutral
from relgraph.transfer.align import align, is_operator, likeness
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.connection import carry_connection
from relgraph.transfer.elements import carry_element
from relgraph.transfer.layer import Layer, Outcome, joined, row, words
from relgraph.transfer.operators import into_connection
from relgraph.transfer.projection import Operators, project
from relgraph.verify.values import join, under

Inputs = Callable[[str], Tensor | None]
"""Values (B, T + P, C) that enter the source's item at a path, where images were given."""


def no_inputs(path: str) -> Tensor | None:
    """Where no images were given."""
    return None


@dataclass(frozen=True, eq=False)
class Bodies:
    """All tensors of both models, and what enters the source's items."""

    source: Tensors
    fresh: Tensors
    inputs: Inputs = no_inputs

    def match(self, before: str, source: Body, after: str, target: Body) -> Outcome:
        """One body into another; `before` and `after` are the paths of the classes they stand in.

        The shape at each end is the model's affair: an item whose widths differ starts fresh."""
        return joined(self._pair(before, one, after, other) for one, other in align(source, target))

    def _pair(self, before: str, source: Node | None, after: str, target: Node | None) -> Outcome:
        if target is None:
            assert source is not None, "an alignment pairs something"
            return _dropped(before, source)
        if source is None:
            return self._new(after, target)
        if is_operator(source) and is_operator(target):
            return self.operator(before, source, after, target)  # type: ignore[arg-type]
        if isinstance(source, Element) and isinstance(target, Element):
            return self._element(before, source, after, target)
        return self._structure(before, source, after, target)

    def _structure(self, before: str, source: Node, after: str, target: Node) -> Outcome:
        if isinstance(source, Scope) and isinstance(target, Scope):
            inside = join(before, source.attr), join(after, target.attr)
            return self.match(inside[0], source.body, inside[1], target.body)
        if isinstance(source, Residual) and isinstance(target, Residual):
            return self._residual(before, source, after, target)
        if isinstance(source, Branches) and isinstance(target, Branches):
            return self._branches(before, source, after, target)
        if isinstance(source, Split) and isinstance(target, Split):
            return self._split(before, source, after, target)
        if isinstance(source, Tap) and isinstance(target, Tap):
            return Outcome()
        if isinstance(target, Branches):
            return self._into_branches(before, source, after, target)
        return self._unwrapped(before, source, after, target)

    # -- operators and elements ---------------------------------------------------------------

    def operator(self, before: str, source: Operators, after: str, target: Operators) -> Outcome:
        """One operator into another: as it stands, factor by factor, or the nearest."""
        paths = join(before, source.attr), join(after, target.attr)
        own, fresh = under(self.source, paths[0]), under(self.fresh, paths[1])
        made: Carried | Refused = Refused("")
        reduced = self._reduced(source, paths, target)
        if reduced is not None and reduced.is_exact:
            return reduced
        if isinstance(target, Connect):
            made = into_connection(source, target, _core(own), _core(fresh))
            if isinstance(made, Carried) and made.method != "partial":
                return self._one(paths, source, target, made)
        inside = self._inside(before, source, paths[1], target)
        if inside is not None and inside.is_exact:
            return inside
        near = project(source, target, own, fresh, self.inputs(paths[0]))
        if isinstance(near, Carried):
            return self._one(paths, source, target, near)
        if inside is not None and inside.carries:
            return inside
        if isinstance(made, Refused):
            reasons = dict.fromkeys((made.reason, _reason(inside), near.reason))
            made = Carried("fresh", {}, "; ".join(filter(None, reasons)))
        return self._one(paths, source, target, made)

    def _one(
        self, paths: tuple[str, str], source: Operators, target: Operators, made: Carried
    ) -> Outcome:
        """A single row; what makes a map of keys is a body of its own."""
        tensors = {join(paths[1], name): tensor for name, tensor in made.tensors.items()}
        whole = Outcome(tensors, (row(paths[1], paths[0], (source, target), made),))
        if not isinstance(target, Connect) or target.reduce is None:
            return whole
        reduce = source.reduce.body if isinstance(source, Connect) and source.reduce else ()
        keys = self.match(f"{paths[0]}.reduce", reduce, f"{paths[1]}.reduce", target.reduce.body)
        return joined((whole, keys))

    def _reduced(
        self, source: Operators, paths: tuple[str, str], target: Operators
    ) -> Outcome | None:
        """A reduction and what reads it into a connection whose keys read a reduction."""
        if not (isinstance(source, Scope) and isinstance(target, Connect) and target.reduce):
            return None
        *reduction, core = source.body
        if not isinstance(core, Connect):
            return None
        keys_on = core.connection.in_grid
        connection = replace(core.connection, in_grid=source.input.grid, key_grid=keys_on)
        own, fresh = under(self.source, join(paths[0], core.attr)), under(self.fresh, paths[1])
        made = carry_connection(connection, target.connection, own, _core(fresh))
        if isinstance(made, Refused):
            return None
        tensors = {join(paths[1], name): tensor for name, tensor in made.tensors.items()}
        whole = Outcome(tensors, (row(paths[1], paths[0], (source, target), made),))
        inside = f"{paths[1]}.reduce"
        keys = self.match(paths[0], tuple(reduction), inside, target.reduce.body)
        return joined((whole, keys))

    def _inside(
        self, before: str, source: Operators, after: str, target: Operators
    ) -> Outcome | None:
        """Into the factors of the target: one for one, or all of the source into one of them."""
        if not isinstance(target, Scope):
            return None
        whole = self.match(before, (source,), after, target.body)
        if whole.is_exact or not isinstance(source, Scope):
            return whole
        each = self.match(join(before, source.attr), source.body, after, target.body)
        return whole if _lost(whole) < _lost(each) and not each.is_exact else each

    def _element(self, before: str, source: Element, after: str, target: Element) -> Outcome:
        paths = join(before, source.attr), join(after, target.attr)
        own = under(self.source, paths[0]) if source.attr else {}
        fresh = under(self.fresh, paths[1]) if target.attr else {}
        made = carry_element(source, target, own, fresh)
        if made is None:
            return Outcome()
        tensors = {join(paths[1], name): tensor for name, tensor in made.tensors.items()}
        return Outcome(tensors, (row(paths[1], paths[0], (source, target), made),))

    # -- structure ----------------------------------------------------------------------------

    def _residual(self, before: str, source: Residual, after: str, target: Residual) -> Outcome:
        body = self.match(before, source.body, after, target.body)
        parts = [body, self._scale(before, source, after, target)]
        if source.shortcut is None or target.shortcut is None:
            if source.shortcut != target.shortcut:
                parts.append(_remark(before, source, after, target, "a sum with the shortcut"))
        else:
            parts.append(self.match(before, source.shortcut, after, target.shortcut))
        return joined(parts)

    def _scale(self, before: str, source: Residual, after: str, target: Residual) -> Outcome:
        """A layer scale into a layer scale; one that is new is 1, one that is gone is told."""
        if target.scale is not None and source.scale is not None:
            return self._element(before, source.scale, after, target.scale)
        if target.scale is not None:
            return self._new(after, target.scale)
        return Outcome() if source.scale is None else _dropped(before, source.scale)

    def _branches(self, before: str, source: Branches, after: str, target: Branches) -> Outcome:
        if source.combine != target.combine:
            return self._fresh(after, target, f"{words(source)} into {words(target)}")
        parts = []
        left = list(range(len(target.branches)))
        for branch in source.branches:
            if not left:
                reason = "a branch that the target does not have"
                parts.append(_remark(before, source, after, target, reason))
                continue
            chosen = max(left, key=lambda at: _alike(branch, target.branches[at]))
            left.remove(chosen)
            parts.append(self.match(before, branch, after, target.branches[chosen]))
        return joined([*parts, self._others(after, target, set(left))])

    def _others(self, after: str, target: Branches, new: set[int]) -> Outcome:
        """Branches that the source does not have, set to change nothing."""
        if not new:
            return Outcome()
        kept = tuple(b for at, b in enumerate(target.branches) if at in new)
        rest = replace(target, branches=((), *kept))
        made = neutral.beside(rest, 0, after, self.fresh)
        if isinstance(made, Refused):
            return joined(self._fresh(after, node, made.reason) for b in kept for node in b)
        return _neutral(after, target, made, "new branches that change nothing yet")

    def _into_branches(self, before: str, source: Node, after: str, target: Branches) -> Outcome:
        """One item into the branch that is most like it, the others neutral."""
        at = max(range(len(target.branches)), key=lambda at: _alike((source,), target.branches[at]))
        carried = self.match(before, (source,), after, target.branches[at])
        others = set(range(len(target.branches))) - {at}
        return joined((carried, self._others(after, target, others)))

    def _split(self, before: str, source: Split, after: str, target: Split) -> Outcome:
        if (source.sizes, source.combine) != (target.sizes, target.combine):
            return self._fresh(after, target, f"parts of {source.sizes} and {target.sizes}")
        both = zip(source.branches, target.branches, strict=True)
        return joined(self.match(before, one, after, other) for one, other in both)

    def _unwrapped(self, before: str, source: Node, after: str, target: Node) -> Outcome:
        """What stands inside a residual or a class against what stands alone."""
        if isinstance(target, Residual | Scope):
            path = join(after, target.attr) if isinstance(target, Scope) else after
            made = self.match(before, (source,), path, target.body)
        else:
            assert isinstance(source, Residual | Scope), "what is nothing alike is not paired"
            path = join(before, source.attr) if isinstance(source, Scope) else before
            made = self.match(path, source.body, after, (target,))
        if isinstance(source, Residual) == isinstance(target, Residual):
            return made
        return joined((made, _remark(before, source, after, target, "a sum with the shortcut")))

    # -- what stands alone --------------------------------------------------------------------

    def _new(self, after: str, target: Node) -> Outcome:
        """An item that the source does not have: neutral if there is a way."""
        made = neutral.identity(target, after, self.fresh)
        if isinstance(made, Refused):
            return self._fresh(after, target, f"the source has none; {made.reason}")
        if not made:
            return Outcome()
        return _neutral(after, target, made, "the source has none; it changes nothing yet")

    def _fresh(self, after: str, target: Node, reason: str) -> Outcome:
        path = join(after, target.attr)
        return Outcome({}, (row(path, "", (None, target), Carried("fresh", {}, reason)),))


def _core(tensors: Tensors) -> Tensors:
    return {name: t for name, t in tensors.items() if not name.startswith("reduce.")}


def _lost(outcome: Outcome) -> int:
    """How many rows are not exact."""
    return sum(not layer.is_exact for layer in outcome.layers)


def _reason(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return next((layer.reason for layer in outcome.layers if not layer.is_exact), "")


def _alike(source: Body, target: Body) -> float:
    pairs = align(source, target)
    return sum(likeness(a, b) for a, b in pairs if a is not None and b is not None)


def _neutral(after: str, target: Node, made: neutral.Made, reason: str) -> Outcome:
    carried = Carried("neutral", made, reason, 0.0)
    return Outcome(made, (row(join(after, target.attr), "", (None, target), carried),))


def _dropped(before: str, source: Node) -> Outcome:
    """A row for an item that has no place; none for what says nothing in evaluation mode."""
    if isinstance(source, Element) and source.word in neutral.PASSING:
        return Outcome()
    if isinstance(source, Tap):
        return Outcome()
    path = join(before, source.attr)
    carried = Carried("dropped", {}, "the target has no place for it")
    return Outcome({}, (row(path, path, (source, None), carried),))


def _remark(before: str, source: Node, after: str, target: Node, what: str) -> Outcome:
    """A row for structure that differs, whatever became of the weights inside."""
    carried = Carried("partial", {}, f"{what} is on one side only")
    layer: Layer = row(after, before, (source, target), carried)
    return Outcome({}, (layer,))

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
from relgraph.transfer import neutral, rows
from relgraph.transfer.align import Pair, align, is_operator, likeness
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.connection import carry_connection
from relgraph.transfer.elements import carry_element
from relgraph.transfer.folding import multiplied_in
from relgraph.transfer.layer import Outcome, joined, row, words
from relgraph.transfer.opening import level, written_out
from relgraph.transfer.operators import into_average, into_connection
from relgraph.transfer.projection import Operators, project
from relgraph.transfer.request import Objective
from relgraph.transfer.runs import Run, path_of, runs
from relgraph.transfer.widening import sides, stretches, widened
from relgraph.verify.values import join, under

Inputs = Callable[[str], Tensor | None]
"""Values (B, T + P, C) that enter the source's item at a path, where images were given."""


WIDER = "wider inside, {0} into {1}: nothing reads what is new yet"


def no_inputs(path: str) -> Tensor | None:
    """Where no images were given."""
    return None


@dataclass(frozen=True, eq=False)
class Bodies:
    """All tensors of both models, and what enters the source's items. `told` hears of every
    operator of the target. `alone`: neighbouring items are not yet taken together, and may be."""

    source: Tensors
    fresh: Tensors
    inputs: Inputs = no_inputs
    objective: Objective = "outputs"
    told: Callable[[str], None] = lambda path: None
    alone: bool = True

    def match(self, before: str, source: Body, after: str, target: Body) -> Outcome:
        """One body into another; `before` and `after` are the paths of the classes they stand in.

        The shape at each end is the model's affair: an item whose widths differ starts fresh."""
        source, target = level(source, target)
        made = self._aligned(before, source, after, target)
        bare = None if made.is_exact else written_out(source, target)
        if bare is None:
            return made
        other = self._aligned(before, bare[0], after, bare[1])
        return other if _lost(other) < _lost(made) else made

    def _aligned(self, before: str, source: Body, after: str, target: Body) -> Outcome:
        """Item by item; together where only that keeps the function or comes nearer to it."""
        pieces = stretches(align(source, target))
        outcomes = [self._piece(before, piece, after) for piece in pieces]
        if not self.alone:
            return joined(outcomes)
        pairs = [pair for piece in pieces for pair in piece]
        if len(pairs) == len(pieces):
            exact = [outcome.is_exact for outcome in outcomes]
            for several in reversed(runs(pairs, exact)):
                self._together(before, several, after, outcomes)
        return joined(outcomes)

    def _piece(self, before: str, piece: list[Pair], after: str) -> Outcome:
        """One pair, or several between which the target is wider."""
        if len(piece) == 1:
            return self._pair(before, piece[0][0], after, piece[0][1])
        wide = widened(piece, before, self.source)
        own = replace(self, source={**self.source, **wide.tensors}, inputs=no_inputs)
        both = zip(wide.nodes, (target for _, target in piece), strict=True)
        made = joined(own._pair(before, one, after, other) for one, other in both)
        reason = WIDER.format(*sides(piece[0]))
        told = tuple(
            replace(one, method="embedding", reason=reason) if one.method == "copy" else one
            for one in made.layers
        )
        return replace(made, layers=told)

    def _together(
        self, before: str, several: list[Run], after: str, outcomes: list[Outcome]
    ) -> None:
        """The first stretch of neighbours that loses less as one, in the place of its items."""
        for run in several:
            here = slice(run.first, run.end)
            made = self._run(before, run, after)
            if _loss(made) < _loss(joined(outcomes[here])):
                outcomes[here] = [made]
                return

    def _run(self, before: str, run: Run, after: str) -> Outcome:
        """Neighbouring items as one."""
        whole = replace(self, alone=False).operator(before, run.source, after, run.target)
        named = tuple(
            replace(
                one,
                path=path_of(after, run.target) if one.path == after else one.path,
                source=path_of(before, run.source) if one.source == before else one.source,
            )
            for one in whole.layers
        )
        idle = (rows.new(after, node, self.fresh) for node in run.idle)
        return joined((replace(whole, layers=named), *idle))

    def _pair(self, before: str, source: Node | None, after: str, target: Node | None) -> Outcome:
        if target is None:
            assert source is not None, "an alignment pairs something"
            return rows.dropped(before, source)
        if source is None:
            return rows.new(after, target, self.fresh)
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
        self.told(paths[1])
        own, fresh = under(self.source, paths[0]), under(self.fresh, paths[1])
        made: Carried | Refused = Refused("")
        reduced = self._reduced(source, paths, target)
        if reduced is not None and reduced.is_exact:
            return reduced
        if isinstance(target, Connect):
            made = into_connection(source, target, _core(own), _core(fresh))
            if isinstance(made, Carried) and made.method != "partial":
                return self._one(paths, source, target, made)
        if isinstance(target, Scope):
            average = into_average(source, target, own, fresh)
            if isinstance(average, Carried):
                return self._one(paths, source, target, average)
        inside = self._inside(before, source, paths[1], target)
        if inside is not None and inside.is_exact:
            return inside
        near: Carried | Refused = Refused("")
        if not (_predicts(target) and (isinstance(made, Carried) or _placeless(source, target))):
            near = project(source, target, own, fresh, self.inputs(paths[0]), self.objective)
        if isinstance(near, Carried):
            return self._one(paths, source, target, near)
        if inside is not None and inside.carries:
            return inside
        if isinstance(made, Refused):
            reasons = dict.fromkeys((made.reason, _reason(inside), *_said_by(near, made, target)))
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
        factors = replace(self, alone=False)
        whole = factors.match(before, (source,), after, target.body)
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
        folded = None if target.scale is not None else self._folded(before, source)
        own = self if folded is None else replace(self, source={**self.source, **folded})
        parts = [own.match(before, source.body, after, target.body)]
        if folded is None:
            parts.append(self._scale(before, source, after, target))
        else:
            parts.append(rows.folded(before, source, after))
        if source.shortcut is None or target.shortcut is None:
            if source.shortcut != target.shortcut:
                parts.append(rows.remark(before, source, after, target, "a sum with the shortcut"))
        else:
            parts.append(self.match(before, source.shortcut, after, target.shortcut))
        return joined(parts)

    def _folded(self, before: str, source: Residual) -> dict[str, Tensor] | None:
        """The source's tensors with its layer scale in the layer before it."""
        if source.scale is None:
            return None
        numbers = self.source.get(join(join(before, source.scale.attr), "weight"))
        if numbers is None:
            return None
        return multiplied_in(source.body, before, self.source, numbers)

    def _scale(self, before: str, source: Residual, after: str, target: Residual) -> Outcome:
        """A layer scale into a layer scale; one that is new is 1, one that is gone is told."""
        if target.scale is not None and source.scale is not None:
            return self._element(before, source.scale, after, target.scale)
        if target.scale is not None:
            return rows.new(after, target.scale, self.fresh)
        return Outcome() if source.scale is None else rows.dropped(before, source.scale)

    def _branches(self, before: str, source: Branches, after: str, target: Branches) -> Outcome:
        if source.combine != target.combine:
            return rows.fresh(after, target, f"{words(source)} into {words(target)}")
        parts = []
        left = list(range(len(target.branches)))
        for branch in source.branches:
            if not left:
                reason = "a branch that the target does not have"
                parts.append(rows.remark(before, source, after, target, reason))
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
            return joined(rows.fresh(after, node, made.reason) for b in kept for node in b)
        return rows.quiet(after, target, made, "new branches that change nothing yet")

    def _into_branches(self, before: str, source: Node, after: str, target: Branches) -> Outcome:
        """One item into the branch that is most like it, the others neutral."""
        at = max(range(len(target.branches)), key=lambda at: _alike((source,), target.branches[at]))
        carried = self.match(before, (source,), after, target.branches[at])
        others = set(range(len(target.branches))) - {at}
        return joined((carried, self._others(after, target, others)))

    def _split(self, before: str, source: Split, after: str, target: Split) -> Outcome:
        if (source.sizes, source.combine) != (target.sizes, target.combine):
            return rows.fresh(after, target, f"parts of {source.sizes} and {target.sizes}")
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
        return joined((made, rows.remark(before, source, after, target, "a sum with the shortcut")))


def _said_by(near: Refused, made: Refused, target: Operators) -> tuple[str, ...]:
    """Why there is no nearest, where a single connection has not said why it takes nothing."""
    return () if made.reason and isinstance(target, Connect) else (near.reason,)


def _predicts(target: Operators) -> bool:
    """Whether the target's weights change with the image."""
    dynamic = ("pooled", "center", "pair")
    return isinstance(target, Connect) and target.connection.operator.weight.source in dynamic


def _placeless(source: Operators, target: Operators) -> bool:
    """From pairs to pairs without a position bias: all that a mean leaves there is one number."""
    weights = [
        node.connection.operator.weight for node in (source, target) if isinstance(node, Connect)
    ]
    pairs = len(weights) == 2 and all(weight.source == "pair" for weight in weights)
    return pairs and weights[1].position == "none"


def _core(tensors: Tensors) -> Tensors:
    return {name: t for name, t in tensors.items() if not name.startswith("reduce.")}


def _lost(outcome: Outcome) -> int:
    """How many rows are not exact."""
    return sum(not layer.is_exact for layer in outcome.layers)


def _loss(outcome: Outcome) -> tuple[int, float]:
    """How many rows are not exact, and the largest error in W among them."""
    lost = [layer for layer in outcome.layers if not layer.is_exact]
    told = [layer.error_w for layer in lost if layer.error_w is not None]
    return len(lost), max(told, default=float("inf")) if lost else 0.0


def _reason(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return next((layer.reason for layer in outcome.layers if not layer.is_exact), "")


def _alike(source: Body, target: Body) -> float:
    pairs = align(source, target)
    return sum(likeness(a, b) for a, b in pairs if a is not None and b is not None)

"""Bodies into bodies: every item of the target gets its weights from the one it stands for.

In: two bodies of programs, the source's tensors and the target's as a new model starts, by full
names. Out: the target's tensors and a row for every item (`Outcome`). Structure that is new is
neutral where that is possible; what has no way starts fresh and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from relgraph.program import Body, Connect, Element, Node, Scope
from relgraph.relations.weights import carries
from relgraph.transfer import gates, rows
from relgraph.transfer.align import Pair, is_operator
from relgraph.transfer.biases import into_norms
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.connection import carry_connection
from relgraph.transfer.elements import carry_element
from relgraph.transfer.enclosing import pairs as paired
from relgraph.transfer.layer import Outcome, joined, row
from relgraph.transfer.opening import level, written_out
from relgraph.transfer.operators import into_average, into_connection
from relgraph.transfer.projection import Operators, project
from relgraph.transfer.request import Objective
from relgraph.transfer.runs import Run, bent, entering, inside, path_of, runs
from relgraph.transfer.structure import carry_structure
from relgraph.transfer.widening import widened
from relgraph.verify.values import join, under

Inputs = Callable[[str], Tensor | None]
"""Values (B, T + P, C) that enter the source's item at a path, where images were given."""


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
        pairs = paired(source, target)
        made = self._aligned(before, pairs, after)
        if made.is_exact:
            return made
        later = paired(source, target, late=True)
        if later != pairs:
            made = min(made, self._aligned(before, later, after), key=_loss)
        bare = written_out(source, target)
        if bare is None:
            return made
        other = self._aligned(before, paired(*bare), after)
        return other if _lost(other) < _lost(made) else made

    def _aligned(self, before: str, pairs: Sequence[Pair], after: str) -> Outcome:
        """Item by item; together where only that keeps the function or comes nearer to it."""
        moved = into_norms(pairs, before, self.source)
        wide = widened(moved.pairs, before, {**self.source, **moved.tensors})
        own = self.over({**moved.tensors, **wide.tensors})
        outcomes = [own._pair(before, one, after, other) for one, other in wide.pairs]
        for at, reason in (*wide.reasons.items(), *moved.reasons.items()):
            outcomes[at] = rows.as_embedding(outcomes[at], reason)
        if self.alone:
            exact = [outcome.is_exact for outcome in outcomes]
            for several in runs(wide.pairs, exact):
                own._together(before, several, after, outcomes)
            for run in bent(wide.pairs, exact):
                own._apart(before, run, after, outcomes)
        gates.with_half_open(wide.pairs, outcomes, after, self.fresh)
        return joined(outcomes)

    def over(self, tensors: Tensors) -> Bodies:
        """The same with these tensors of the source in the place of its own: what enters is then
        known for no item that has them."""
        if not tensors:
            return self

        def inputs(path: str) -> Tensor | None:
            return None if under(tensors, path) else self.inputs(path)

        return replace(self, source={**self.source, **tensors}, inputs=inputs)

    def _together(
        self, before: str, several: list[Run], after: str, outcomes: list[Outcome]
    ) -> bool:
        """The first stretch of neighbours that loses less as one, in the place of its items, if
        there is one."""
        for run in several:
            here = slice(run.first, run.end)
            made = self._run(before, run, after)
            if made.carries and _loss(made) < _loss(joined(outcomes[here])):
                outcomes[here] = [made, *[Outcome()] * (run.end - run.first - 1)]
                return True
        return False

    def _apart(self, before: str, run: Run, after: str, outcomes: list[Outcome]) -> None:
        """Layers between which something bends: nearest on images, or told to be near nothing."""
        if self._together(before, [run], after, outcomes):
            return
        here = range(run.first, run.end)
        if any(layer.method == "projection" for at in here for layer in outcomes[at].layers):
            lost = self._run(before, run, after)
            for at in here:
                outcomes[at] = rows.as_partial(outcomes[at], _reason(lost))

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
            return self.element(before, source, after, target)
        return carry_structure(self, before, source, after, target)

    def operator(self, before: str, source: Operators, after: str, target: Operators) -> Outcome:
        """One operator into another: as it stands, factor by factor, or the nearest."""
        paths = join(before, source.attr), join(after, target.attr)
        self.told(paths[1])
        own, fresh = inside(source, self.source, before), inside(target, self.fresh, after)
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
        by_factors = self._by_factors(before, source, paths[1], target)
        if by_factors is not None and by_factors.is_exact:
            return by_factors
        near: Carried | Refused = Refused("")
        if not (_predicts(target) and (isinstance(made, Carried) or _placeless(source, target))):
            inputs = self.inputs(entering(before, source))
            near = project(source, target, own, fresh, inputs, self.objective)
        if isinstance(near, Carried):
            return self._one(paths, source, target, near)
        if by_factors is not None and by_factors.carries:
            return rows.as_partial(by_factors, near.reason) if near.needs_images else by_factors
        if isinstance(made, Refused):
            said = _said_by(near, made, source, target)
            reasons = dict.fromkeys((made.reason, _reason(by_factors), *said))
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

    def _by_factors(
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

    def element(self, before: str, source: Element, after: str, target: Element) -> Outcome:
        """One element into another."""
        paths = join(before, source.attr), join(after, target.attr)
        own = under(self.source, paths[0]) if source.attr else {}
        fresh = under(self.fresh, paths[1]) if target.attr else {}
        made = carry_element(source, target, own, fresh)
        if made is None:
            return Outcome()
        tensors = {join(paths[1], name): tensor for name, tensor in made.tensors.items()}
        return Outcome(tensors, (row(paths[1], paths[0], (source, target), made),))


def _said_by(near: Refused, made: Refused, source: Operators, target: Operators) -> tuple[str, ...]:
    """Why there is no nearest, where a single connection has not said why it takes nothing; and
    that images would help, where the relation says so."""
    if not made.reason or not isinstance(target, Connect):
        return (near.reason,)
    if not near.needs_images or not isinstance(source, Connect):
        return ()
    said = carries(source.connection.operator, target.connection.operator, instances=True)
    return (near.reason,) if said.kind == "projection" else ()


def _predicts(target: Operators) -> bool:
    """Whether the target's weights change with the image."""
    dynamic = ("pooled", "center", "pair", "channels")
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

"""From a backbone and a request to variants: states, models, budgets, texts, ranks.

In: a `Request`. Out: `Derived`. States are counted before one of them is assembled; every variant
is understood again from the very text that would be written, and must be the model that its edits
make.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from relgraph.assemble.cost import Cost, cost
from relgraph.derive.answer import Adjusted, Derived, Direction, Lost, Variant
from relgraph.derive.budgets import Budget, nothing_meets
from relgraph.derive.contexts import contexts, numbers
from relgraph.derive.drafts import settled
from relgraph.derive.matching import Columns, Match, closest, columns, matched, nothing_matches
from relgraph.derive.models import Plan, fingerprint, same_here
from relgraph.derive.ranking import Rank, by
from relgraph.derive.siblings import Sibling, siblings
from relgraph.derive.sites import mixes, sites
from relgraph.derive.source import Source, source
from relgraph.derive.steps import Allowed, Reached, reached
from relgraph.derive.words import name
from relgraph.errors import Problem, RelgraphError
from relgraph.graph.bodies import core_of
from relgraph.graph.edges import facts
from relgraph.program import Program
from relgraph.relations.numbers import Numbers
from relgraph.shipped import shipped

Progress: TypeAlias = Callable[[str, int, int], None]
LIMIT = 400
"""How many states are made into models where nobody says it."""


@dataclass(frozen=True)
class Request:
    """What to derive. `stages` count from 0, none means all; of the `kinds` of numbers that were
    said, `said` has the values."""

    backbone: str
    operators: tuple[str, ...] = ()
    stages: tuple[int, ...] = ()
    steps: range = range(1, 2)
    allowed: Allowed = field(default_factory=Allowed)
    said: Numbers = field(default_factory=Numbers)
    kinds: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    match: Match | None = None
    rank: Rank = "distance"
    limit: int = LIMIT


def derive(request: Request, progress: Progress = lambda what, done, total: None) -> Derived:
    """All variants of the request, ranked. `progress` is told what is done now, how many states
    went that far, and of how many: each is assembled first, then written and read back.

    Raises RelgraphError for unknown names, for more states than the limit, where no edit applies,
    and where nothing is within the budget.
    """
    text = source(request.backbone)
    backbone = text.understood.resolution.backbone
    _check_stages(request.stages, len(backbone.stages))
    chosen = sites(backbone, request.operators, request.stages)
    plan = Plan(text.understood, chosen, contexts(chosen, text.understood.program))
    found = _counted(plan, request)
    work = _Work(request, text, plan, progress, siblings(text))
    variants = work.variants(found)
    original = cost(plan.program)
    return Derived(
        original=text.name,
        cost=original,
        sites=tuple(site.address for site in chosen),
        considered=len(found),
        variants=tuple(sorted(variants, key=by(request.rank, original))),
        lost=work.lost,
        siblings=tuple((one.name, one.cost) for one in work.siblings),
    )


def _check_stages(stages: Sequence[int], count: int) -> None:
    for stage in stages:
        if not 0 <= stage < count:
            raise RelgraphError(
                Problem("no-such-stage", f"stage {stage + 1}", f"a stage between 1 and {count}")
            )


def _counted(plan: Plan, request: Request) -> list[Reached]:
    """Every state, if they are some and not too many."""
    may = numbers(plan.places, request.said, request.kinds)
    found = list(reached(plan.places, may, request.steps, request.allowed, request.limit))
    if len(found) > request.limit:
        most = _COUNTED * request.limit
        count = sum(1 for _ in reached(plan.places, may, request.steps, request.allowed, most))
        raise _too_many(count, most, request.limit)
    if not found:
        raise RelgraphError(
            Problem(
                "no-variants",
                "no edit of the kind that was asked for says anything here",
                "a relation that applies",
                "`relgraph neighbours OPERATOR --instance` shows all edits of an operator",
            )
        )
    return found


_COUNTED = 5
"""How many times the limit is counted before it is only said that there are more."""


def _too_many(count: int, most: int, limit: int) -> RelgraphError:
    known = count <= most
    return RelgraphError(
        Problem(
            "too-many-variants",
            f"{count:,} variants" if known else f"more than {most:,} variants",
            f"at most {limit:,}",
            "name --operator, --stages, --relation or --axis, take fewer --steps, or allow more "
            f"with --limit{f' {count}' if known else ''}",
        )
    )


@dataclass(frozen=True)
class _Model:
    """A state that assembles."""

    name: str
    found: Reached
    program: Program


@dataclass
class _Work:
    """The request's way through the stages, with what is lost at each."""

    request: Request
    text: Source
    plan: Plan
    progress: Progress
    siblings: tuple[Sibling, ...]
    lost: Lost = field(default_factory=Lost)
    missed: dict[str, Adjusted] = field(default_factory=dict)
    columns: Columns = field(default_factory=dict)

    def variants(self, found: Sequence[Reached]) -> list[Variant]:
        """The variants that there are, within the budget."""
        models = list(self._models(found))
        budget = self.request.budget
        if self.request.match is None:
            costs = {model.name: cost(model.program) for model in models}
            self._refuse_none(costs)
            models = [one for one in models if not budget.excess(costs[one.name])]
            self.lost = replace(self.lost, over_budget=len(costs) - len(models))
        made = list(self._written(models))
        if self.request.match is not None:
            if not made and self.lost.unmatched:
                raise nothing_matches(self.request.match, self.missed, self.lost.unmatched)
            self._refuse_none({one.name: one.cost for one in made})
            kept = [one for one in made if not budget.excess(one.cost)]
            near = closest(self.missed) if self.missed else ""
            off = f"{near}, is off with {self.missed[near].words}" if near else ""
            self.lost = replace(self.lost, over_budget=len(made) - len(kept), closest=off)
            made = kept
        return made

    def _refuse_none(self, costs: dict[str, Cost]) -> None:
        """Nothing meets the budget: which one is the closest."""
        if costs and all(map(self.request.budget.excess, costs.values())):
            raise nothing_meets(self.request.budget, costs.items())

    def _models(self, found: Sequence[Reached]) -> Iterator[_Model]:
        """The states that assemble, each model once, the shortest path first."""
        refused: Counter[str] = Counter()
        taken = set(shipped("backbones"))
        seen = {same_here(self.plan.program)}
        duplicates = 0
        for number, one in enumerate(found):
            self.progress("assembling", number, len(found))
            try:
                program = self.plan.assembled(one.state)
            except RelgraphError as error:
                refused[error.problems[0].code] += 1
                continue
            mark = same_here(program)
            if mark in seen:
                duplicates += 1
                continue
            seen.add(mark)
            called = name(self.text.name, one.steps, self._suffix, taken)
            taken.add(called)
            yield _Model(called, one, program)
        ranked = tuple(sorted(refused.items(), key=lambda one: (-one[1], one[0])))
        self.lost = replace(self.lost, duplicates=duplicates, refused=ranked)

    @property
    def _suffix(self) -> str:
        digits = "".join(str(stage + 1) for stage in sorted(set(self.request.stages)))
        match = self.request.match
        parts = [f"stage{digits}" if digits else "", f"same_{match.measure}" if match else ""]
        return "_".join(part for part in parts if part)

    def _written(self, models: Sequence[_Model]) -> Iterator[Variant]:
        """The models that a spec says, read back from its files."""
        with tempfile.TemporaryDirectory(prefix="relgraph-derive-") as folder:
            for number, model in enumerate(models):
                self.progress(model.name, number, len(models))
                variant = self._variant(model, Path(folder) / str(number))
                if variant is not None:
                    yield variant

    def _variant(self, model: _Model, folder: Path) -> Variant | None:
        mark = fingerprint(model.program)
        draft = settled(self.text, self.plan, model.found, model.name, folder, mark)
        if draft is None:
            self.lost = replace(self.lost, unwritten=self.lost.unwritten + 1)
            return None
        known = next((one.name for one in self.siblings if one.mark == mark), "")
        steps, way = model.found.steps, self._direction(model.found)
        match = self.request.match
        if match is None:
            own = cost(model.program)
            return Variant(model.name, steps, way, own, draft, None, known, self._mixes(model))
        if not self.columns:
            self.columns = columns(self.text, match.by, folder / "columns")
        other = matched(draft, model.program, self.text, match, self.columns, folder / "matched")
        if other is None or not other.meets(match):
            self.lost = replace(self.lost, unmatched=self.lost.unmatched + 1)
            if other is not None:
                self.missed[model.name] = other.adjusted
            return None
        size, mixing = other.adjusted, self._mixes(model)
        return Variant(model.name, steps, way, other.cost, other.draft, size, mixes=mixing)

    def _mixes(self, model: _Model) -> bool:
        """Whether anything that was edited mixes positions, if anything of it did before."""
        before = any(mixes(place.use) for place in self.plan.places)
        return not before or any(mixes(use) for use in self.plan.uses(model.found.state))

    def _direction(self, found: Reached) -> Direction:
        """The way of all cores that change, if they go one way."""
        pairs = zip(self.plan.places, self.plan.uses(found.state), strict=True)
        ways = {facts(place.core, core_of(use), True).direction for place, use in pairs}
        moved = ways - {"equal"}
        return moved.pop() if len(moved) == 1 else "mixed" if moved else "equal"

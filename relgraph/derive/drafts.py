"""Variants as files: proposed, written into a folder, understood from there.

In: a plan, a state with its steps, the text of the backbone. Out: the first draft that means just
the model that the edits make. What a draft means is read from its files, never assumed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from relgraph.derive.flow import Value
from relgraph.derive.fragments import Change, Fragment, Writing, fragments
from relgraph.derive.models import Plan, fingerprint
from relgraph.derive.source import Source
from relgraph.derive.steps import Reached, Step
from relgraph.derive.text import Heading, backbone_text, comment, stamped
from relgraph.errors import RelgraphError
from relgraph.files import writing
from relgraph.program import Program
from relgraph.relations.table import RELATIONS
from relgraph.resolved import OperatorUse
from relgraph.understanding import understand


@dataclass(frozen=True)
class Draft:
    """A fragment with what stands above it."""

    name: str
    cite: str
    comment: tuple[str, ...]
    fragment: Fragment

    def files(self, extends: str) -> dict[str, str]:
        """Texts by their path in a folder, from which `extends` leads to the original."""
        heading = Heading(self.name, self.cite, extends, self.comment)
        made = {f"{self.name}.yaml": backbone_text(heading, self.fragment)}
        about = "\n".join(
            comment((f"An operator of {self.name}, which tells how it was derived.",))
        )
        for name, text in self.fragment.operators.items():
            made[f"operators/{name}.yaml"] = stamped(f"{about}\n{text}")
        return made

    def with_stages(self, column: Mapping[str, Value], more: str) -> Draft:
        """The draft with another column of stages, and a further line about it."""
        stages = {**column, **self.fragment.stages}
        return replace(
            self, fragment=replace(self.fragment, stages=stages), comment=(*self.comment, more)
        )

    def program(self, source: Source, folder: Path) -> Program:
        """What the files mean, read from `folder`, which is thrown away: nothing waits for a disk.
        Raises RelgraphError."""
        for path, text in self.files(source.extends(folder)).items():
            with writing(folder / path):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(text.encode())
        return understand(str(folder / f"{self.name}.yaml")).program


def drafts(source: Source, plan: Plan, found: Reached, name: str) -> Iterator[Draft]:
    """Drafts of a state, the shortest spec first."""
    by_site: list[list[Fragment]] = []
    after = plan.uses(found.state)
    for at, site in enumerate(plan.sites):
        changes = [
            Change(place, made)
            for place, made in zip(plan.places, after, strict=True)
            if place.site == at
        ]
        if not any(change.is_one for change in changes):
            continue
        called = name if len(plan.sites) == 1 else f"{name}_{at + 1}"
        cite = _operator_cite(changes, found.steps)
        by_site.append(list(fragments(Writing(source, site, changes, called, cite))))
    about = _comment(source, plan, found)
    for chosen in itertools.product(*by_site):
        yield Draft(name, _cite(source), about, _joined(chosen))


def _joined(chosen: Sequence[Fragment]) -> Fragment:
    joined = Fragment()
    for one in chosen:
        joined = Fragment(
            {**joined.set, **one.set},
            {**joined.replace, **one.replace},
            {**joined.define, **one.define},
            {**joined.stages, **one.stages},
            {**joined.operators, **one.operators},
        )
    return joined


def _cite(source: Source) -> str:
    original = source.understood.resolution.backbone
    return f"Derived from {original.name}" + (f": {original.cite}" if original.cite else "")


def _operator_cite(changes: Sequence[Change], steps: Sequence[Step]) -> str:
    """The operator that was edited, and who said the relations first."""
    use: OperatorUse = changes[0].place.use
    said = {(row.name, row.axis): row.cite for row in RELATIONS}
    cites = [said[step.relation, step.kind.axis] for step in steps]
    by = "; ".join(dict.fromkeys(cite for cite in cites if cite))
    origin = use.name + (f" ({use.cite})" if use.cite else "")
    return f"Derived from {origin}" + (f" by relations of {by}" if by else "")


def _comment(source: Source, plan: Plan, found: Reached) -> tuple[str, ...]:
    lines = [f"{source.name} with other operators, by edits of them within their frames:"]
    for number, step in enumerate(found.steps, 1):
        site = plan.sites[step.kind.site]
        lines.append(f"  {number}. {site.word}: {step.words}")
    touched = sorted({place.stage + 1 for place in plan.places})
    if len(touched) < len(plan.understood.resolution.backbone.stages):
        lines.append(f"  only in stage{'s' if touched[1:] else ''} {', '.join(map(str, touched))}")
    return tuple(lines)


def settled(
    source: Source, plan: Plan, found: Reached, name: str, folder: Path, wanted: object
) -> Draft | None:
    """The first draft whose files mean the model with the fingerprint `wanted`."""
    for number, draft in enumerate(drafts(source, plan, found, name)):
        try:
            program = draft.program(source, folder / str(number))
        except RelgraphError:
            continue  # a proposal that means nothing; the next one may
        if fingerprint(program) == wanted:
            return draft
    return None

"""Which mutants there are: for each family and mistake, a few places of the family's text.

In: families and mistakes. Out: `Mutant`s in an order that never changes. The same edit of the same
function is made once, in the first family that has it: norms and stages are the same text in many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.mutants.families import Family, emitted, families
from benchmarks.mutants.mistakes import MISTAKES, OF_WORDS, SPELLED, Mistake
from benchmarks.mutants.source import Edit, Source
from relgraph.files import sha256

PLACES = 2  # of a mistake in one family: the first and the last one


@dataclass(frozen=True)
class Mutant:
    """A mistake made at one place of a family's file. `change` is a digest of the function around
    it and of what becomes of it, the same wherever that function stands."""

    family: str
    mistake: str
    edit: Edit
    change: str

    @property
    def name(self) -> str:
        """Unique among all mutants; the same as long as the changed function is."""
        return f"{self.family}:{self.mistake}:{self.change}"

    @property
    def text(self) -> str:
        """The changed file."""
        return self.edit.applied(emitted(self.family))

    @property
    def shown(self) -> str:
        """The line as it reads after the edit."""
        return self.text.splitlines()[self.edit.line - 1].strip()


def all_mutants() -> tuple[Mutant, ...]:
    """Of every family, in the order of families and mistakes."""
    made, seen = [], set[tuple[str, str]]()
    for family in families():
        for mutant in mutants(family.name, _asked(family)):
            if (mutant.mistake, mutant.change) not in seen:
                seen.add((mutant.mistake, mutant.change))
                made.append(mutant)
    return tuple(made)


def _asked(family: Family) -> tuple[Mistake, ...]:
    if family.general:
        return (*OF_WORDS, *SPELLED)
    if family.later:
        return OF_WORDS
    return tuple(mistake for mistake in MISTAKES if mistake not in SPELLED)


def mutants(family: str, mistakes: Iterable[Mistake] = MISTAKES) -> Iterator[Mutant]:
    """Of one family; no two make the same edit."""
    text = emitted(family)
    source, seen = Source(text), set[tuple[int, int, str]]()
    for mistake in mistakes:
        edits = [edit for edit in dict.fromkeys(mistake(source)) if edit.key not in seen]
        seen.update(edit.key for edit in edits)
        for edit in _spread([edit for edit in edits if edit.applied(text) != text]):
            yield Mutant(family, mistake.__name__, edit, _change(source, family, edit))


def _change(source: Source, family: str, edit: Edit) -> str:
    scope, place = source.around(edit)
    model = "".join(part.capitalize() for part in f"{family}_family".split("_"))
    return sha256(f"{scope.replace(model, '')}\n{place}\n{edit.new}")[:16]


def _spread(edits: list[Edit]) -> list[Edit]:
    return edits if len(edits) <= PLACES else [edits[0], *edits[1 - PLACES :]]

"""Findings as a page: counts by kind, which have a fast form, the rules that refuse the rest.

In: tasks and what was found. Out: markdown. `census` and `refusals` need no findings, and a test
holds the committed page against them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import get_args

from benchmarks.families.judge import Task
from benchmarks.families.variants import fast_forms
from benchmarks.resumable import Found
from relgraph.algebra.families import GRID, connection, families, ranked
from relgraph.algebra.operator import Operator, Source, SpaceConnect
from relgraph.algebra.rules import RULES
from relgraph.graph.closure import closure
from relgraph.lower.table import CONNECTIONS
from relgraph.relations.derivation import MLP
from relgraph.relations.families import family

CENSUS = "## How many there are"
ELSEWHERE = {
    "baked attention": "of trained models alone: `tests/lower`",
    "reduced attention": "of a term with a frame: `tests/lower`",
}
HEAD = """# The complete algebra

Every consistent family of the algebra, compiled and checked by itself.

    python -m benchmarks.families --jobs 2 --resume families.jsonl --page docs/families.md

makes this page, in about a quarter of an hour on two free cores, picks up where it was stopped, and
fails if anything is not as it should be. A slice runs in the test suite.
"""


def page(tasks: Sequence[Task], found: Sequence[Found]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_measured(tasks, found), census(), refusals()])


def refreshed(text: str) -> str:
    """A page with what needs no findings made anew."""
    found, _, _ = text.partition(CENSUS)
    return found + "\n".join([census(), refusals()])


def _measured(tasks: Sequence[Task], found: Sequence[Found]) -> Iterator[str]:
    yield "## What was found\n"
    yield "| asked | of | compared | wrong |"
    yield "|---|--:|--:|--:|"
    atoms, terms = (sum(1 for _ in kind()) for kind in (families, ranked))
    there = {"equality": atoms, "proof": atoms, "term": terms}
    says = {
        "equality": "every form at every size equals the oracle in outputs and all gradients "
        "(float64, 1e-10 of the largest), has the closed form's parameters, and costs its "
        "multiply-adds, which the oracle counts: families, modules",
        "fast": "the same with every frame, bias and predictor that a fast form accepts, "
        "4 channels at both ends, fast and general forms: variants, modules",
        "proof": "declared properties are measured, of the fastest form and of the general one: "
        "families, properties",
        "term": "a file with the operator alone is emitted and proved: families with a rank word, "
        "checks",
    }
    for question, words in says.items():
        own = [one for task, one in zip(tasks, found, strict=True) if task.question == question]
        wrong = sum(bool(one["problems"]) for one in own)
        compared = sum(one["compared"] for one in own)
        of = f" of {there[question]:,}" if len(own) < there.get(question, 0) else ""
        yield f"| {words} | {len(own):,}{of} | {compared:,} | {wrong or 'none'} |"
    yield from _fast(tasks, found)
    sizes = Counter(size for one in found for size in one["sizes"])
    yield "\nSizes of the first two lines, where they fit, by number of families: "
    yield ", ".join(f"{size} ({count:,})" for size, count in sizes.items()) + "."
    yield f"""
The small maps are smaller than every kernel; windows that do not divide a map are completed
(`pad`); the frames (value, output, both, both without biases) and the kinds of bias take turns. On
{GRID[0]}×{GRID[1]} each module also gets one image instead of two, contiguous maps, channels_last
ones and strided views; predictors with a batch norm take a step in training mode. 4 channels, 6
where channels are mixed.
"""


@cache
def census() -> str:
    """How many families there are, by kind, and which have a fast form."""
    return "\n".join(_census())


def _census() -> Iterator[str]:
    atoms, terms = tuple(families()), tuple(ranked())
    nodes = {family(operator) for operator in (*atoms, *terms)}
    yield f"{CENSUS}\n"
    yield (
        f"**{len(atoms):,} atoms**, counted with geometry (strides, dilations, shifts, even sizes, "
        f"padding, what completes a map), borders, sharing, channels, source, normalisation and "
        f"position bias, each once in its canonical form, without frame; and **{len(terms):,} "
        f"terms** with one rank word. Without their numbers these are {len(nodes):,} nodes of the "
        f"relation graph; edits reach {len(closure((MLP,))):,} from `mlp` (`relgraph graph`).\n"
    )
    yield "Atoms; in brackets those that a fast form accepts, too.\n"
    yield from _crossed(atoms)
    yield "\nTerms, by rank word; their parts are atoms.\n"
    words = [rank.word for o in terms if (rank := o.space.rank or o.channel.rank) is not None]
    yield "| " + " | ".join(dict.fromkeys(words)) + " |"
    yield "|" + "--:|" * len(set(words))
    yield "| " + " | ".join(f"{count:,}" for count in Counter(words).values()) + " |"
    yield ""


def _crossed(atoms: Sequence[Operator]) -> Iterator[str]:
    sources = get_args(Source)
    yield "| connectivity | " + " | ".join(sources) + " | all |"
    yield "|---" * (len(sources) + 2) + "|"
    every = Counter((o.space.connect, o.weight.source) for o in atoms)
    quick = Counter((o.space.connect, o.weight.source) for o in atoms if fast_forms(connection(o)))
    for connect in get_args(SpaceConnect):
        cells = [_cell(every[connect, s], quick[connect, s]) for s in sources]
        total = sum(every[connect, s] for s in sources), sum(quick[connect, s] for s in sources)
        yield f"| {connect} | {' | '.join(cells)} | {_cell(*total)} |"
    cells = [_cell(_of(every, s), _of(quick, s)) for s in sources]
    yield f"| all | {' | '.join(cells)} | {_cell(every.total(), quick.total())} |"


def _of(counts: Counter[tuple[SpaceConnect, Source]], source: Source) -> int:
    return sum(count for (_, own), count in counts.items() if own == source)


def _cell(every: int, quick: int) -> str:
    return f"{every:,}" + (f" ({quick:,})" if quick else "") if every else ""


def _fast(tasks: Sequence[Task], found: Sequence[Found]) -> Iterator[str]:
    """Each form of the table, and how many variants it was compared on."""
    asked = zip(tasks, found, strict=True)
    accepted = Counter(
        form for task, one in asked if task.question == "fast" for form in one["forms"]
    )
    yield "\nThe first form that accepts a connection is emitted. Compared on variants:\n"
    yield "| form | compared on |"
    yield "|---|--:|"
    for row in CONNECTIONS[:-1]:
        yield f"| {row.name} | {accepted[row.name] or ELSEWHERE.get(row.name, 'none')} |"
    yield "| general | all |"


def refusals() -> str:
    """The rules of consistency with their reasons, and what is not supported yet."""
    return "\n".join(_refusals())


def _refusals() -> Iterator[str]:
    yield "## What is refused\n"
    yield "A combination of two properties that one of these rules forbids is no operator. An error"
    yield "names both lines, the rule and its reason.\n"
    yield "| rule | property | with | reason |"
    yield "|--:|---|---|---|"
    for rule in RULES:
        if rule.kind == "E":
            one, other = rule.properties
            yield f"| {rule.number} | `{one}` | `{other}` | {rule.reason} |"
    yield "\n### Without an agreed meaning, or not supported yet\n"
    yield "| rule | property | with | reason |"
    yield "|--:|---|---|---|"
    for rule in RULES:
        if rule.kind == "U":
            one, other = rule.properties
            yield f"| {rule.number} | `{one}` | `{other}` | {rule.reason} |"
    yield ""

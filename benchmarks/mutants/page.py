"""Verdicts as a page: counts by mistake and by family, survivors and equal ones with reasons.

In: rows. Out: markdown, the same for the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from benchmarks.mutants import mistakes
from benchmarks.mutants.equal import EQUAL, SURVIVORS, reason
from benchmarks.mutants.mistakes import MISTAKES
from benchmarks.mutants.run import Row

GROUPS = (
    ("Windows", mistakes.WINDOWS),
    ("What is read", mistakes.READING),
    ("What is shared", mistakes.SHARING),
    ("Where weights come from", mistakes.WEIGHTING),
    ("Cosines, mixtures, bands of channels", mistakes.NEWER),
    ("Words that came later", mistakes.WORDS),
    ("Keys that heads share, filters of a whole map", mistakes.KEYS),
    ("What the general form spells out", mistakes.SPELLED),
    ("Elements and axes", mistakes.ELEMENTS),
    ("Wiring", mistakes.WIRING),
    ("Training, start, other sizes, what is offered", mistakes.RUNNING),
)
HEAD = """# The verifier, verified

Emitted files are changed as people change such code by mistake, and `relgraph verify` is asked
about each of them. A *mistake* is a function of `benchmarks/mutants/mistakes/`, a *mutant* is one
mistake made at one place of one file; files are small backbones, one for each shipped operator and
some for operators that nobody shipped (`benchmarks/mutants/families.py`). What the proof accepts is
held against the file it was made from in more ways than the proof asks (other sizes, larger
numbers, memory formats, every gradient, both modes, float32 and bf16: `differs.py`): if nothing
tells the two apart, the mutant is *equal* and has a reason below; if something does, it *survived*.

    python -m benchmarks.mutants --jobs 2 --resume mutants.jsonl --page docs/mutants.md

makes this page, in about half an hour on two free cores, and picks up where it was stopped. The
same edit of the same function is made once, in the first family whose file has it; in the families
of later words (from cosine_attention on below) only the mistakes about those are made, and the last
ones (`general_…`) are such a family's file in the general form. A slice runs in the test suite.
With `--control` nothing but a comment is changed in each family's file, and nothing is rejected.
"""


def rate(rows: Sequence[Row]) -> float:
    """The share of mutants rejected, of those that are another function."""
    other = [row for row in rows if row.verdict.outcome != "equal"]
    return sum(row.verdict.outcome == "rejected" for row in other) / max(1, len(other))


def unexplained(rows: Sequence[Row]) -> list[Row]:
    """Equal mutants and survivors that have no reason in `equal`."""
    tables = {"equal": EQUAL, "survived": SURVIVORS}
    return [
        row
        for row in rows
        if row.verdict.outcome in tables
        and reason(tables[row.verdict.outcome], row.mutant.family, row.mutant.mistake) is None
    ]


def page(rows: Sequence[Row]) -> str:
    """The whole page."""
    return "\n".join(_lines(rows)) + "\n"


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    count = Counter(row.verdict.outcome for row in rows)
    made = len({row.mutant.mistake for row in rows})
    yield HEAD
    families = len({row.mutant.family for row in rows})
    yield f"**{len(rows):,} mutants of {families} families by {made} mistakes:"
    yield f"{count['rejected']:,} rejected, {count['equal']} equal, {count['survived']} survived;"
    yield f"{rate(rows):.2%} of those that are another function are rejected.**\n"
    yield from _survivors(rows)
    yield from _by_check(rows)
    yield from _by_family(rows)
    yield "## By mistake\n"
    yield "*first* is the check that failed first, most often.\n"
    for title, group in GROUPS:
        yield from _by_mistake(title, group, rows)
    yield from _equal(rows)


def _survivors(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Survivors\n"
    found = [row for row in rows if row.verdict.outcome == "survived"]
    if not found:
        yield "None.\n"
        return
    yield "| family | mistake | line | what tells them apart | why it is not noticed |"
    yield "|---|---|---|---|---|"
    for row in found:
        why = reason(SURVIVORS, row.mutant.family, row.mutant.mistake) or "not known yet"
        told = ": ".join(row.verdict.example.split(": ")[:2])
        made = f"{row.mutant.family} | {_words(row.mutant.mistake)} | `{_cell(row.mutant.shown)}`"
        yield f"| {made} | {told} | {why} |"
    yield ""


def _by_check(rows: Sequence[Row]) -> Iterator[str]:
    yield "## What notices\n"
    yield "| check that fails first | mutants | an example |"
    yield "|---|--:|---|"
    first = Counter(row.verdict.check for row in rows if row.verdict.check)
    for name, times in first.most_common():
        one = next(row for row in rows if row.verdict.check == name)
        example = f"{_words(one.mutant.mistake)} in {one.mutant.family}: {one.verdict.example}"
        yield f"| {name} | {times:,} | {_cell(example)[:220]} |"
    yield ""


def _by_family(rows: Sequence[Row]) -> Iterator[str]:
    yield "## By family\n"
    yield "| family | mutants | rejected | equal | survived |"
    yield "|---|--:|--:|--:|--:|"
    for family in dict.fromkeys(row.mutant.family for row in rows):
        yield f"| {family} | {_counts([row for row in rows if row.mutant.family == family])} |"
    yield ""


def _by_mistake(
    title: str, group: Sequence[Callable[..., object]], rows: Sequence[Row]
) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| mistake | who makes it | mutants | rejected | equal | survived | first |"
    yield "|---|---|--:|--:|--:|--:|---|"
    for mistake in group:
        own = [row for row in rows if row.mutant.mistake == mistake.__name__]
        checks = Counter(row.verdict.check for row in own if row.verdict.check)
        first = checks.most_common(1)[0][0] if checks else ""
        said = _cell(mistake.__doc__ or "")
        yield f"| {_words(mistake.__name__)} | {said} | {_counts(own)} | {first} |"
    yield ""


def _equal(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Equal ones\n"
    yield "| mistake | families | why no input tells them apart |"
    yield "|---|---|---|"
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.verdict.outcome == "equal":
            why = reason(EQUAL, row.mutant.family, row.mutant.mistake) or "not known yet"
            found.setdefault((row.mutant.mistake, why), []).append(row.mutant.family)
    for (mistake, why), own in found.items():
        yield f"| {_words(mistake)} | {', '.join(dict.fromkeys(own))} | {why} |"


def _counts(rows: Sequence[Row]) -> str:
    count = Counter(row.verdict.outcome for row in rows)
    numbers = [len(rows), count["rejected"], count["equal"], count["survived"]]
    return " | ".join(f"{number}" if number else "" for number in numbers)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


assert sum(len(group) for _, group in GROUPS) == len(MISTAKES), "a group is missing"

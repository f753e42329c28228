"""Specs at random: valid ones are understood, damaged ones refused with a place, nothing else.

Numbered cases come first, then Hypothesis, which looks for a small one where something is wrong,
and every case that ever went wrong.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.specs_fuzz import judge
from benchmarks.specs_fuzz.backbones import backbone
from benchmarks.specs_fuzz.cases import Numbered, case, ground, judged, of, spoilt
from benchmarks.specs_fuzz.children import child, grown
from benchmarks.specs_fuzz.damage import KINDS
from benchmarks.specs_fuzz.items import KEEPING
from benchmarks.specs_fuzz.page import codes, placed, table
from benchmarks.specs_fuzz.run import PART, State, judged_part, keep, kept_cases, run
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.shipped import shipped
from relgraph.spec.words import NOT_YET, WORDS

CORPUS = Path(__file__).parent.parent / "corpus" / "specs"
VALID, INVALID = 500, 20_000  # `python -m benchmarks.specs_fuzz` takes as many as are wanted

sources = st.randoms(use_true_random=False)
quiet = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specs") / "case"


@pytest.mark.parametrize("part", range(5))
def test_valid_specs_are_understood(part: int, folder: Path) -> None:
    for number in range(part, VALID, 5):
        verdict = judged(case("valid", number), folder)
        assert verdict.outcome == "valid", f"valid case {number}: {verdict}"


@pytest.mark.parametrize("part", range(INVALID // PART))
def test_damaged_specs_are_refused_with_a_place(part: int, tmp_path: Path) -> None:
    counts, _ = judged_part("invalid", part, INVALID, tmp_path)
    assert [path.read_text() for path in sorted(tmp_path.glob("*/about.json"))] == []
    found = sum(counts.values(), Counter[str]())
    assert found["refused"] + found["valid"] == PART
    assert found["refused"] > 2 * found["valid"], "the damage is too gentle to test anything"


@quiet
@given(sources)
def test_what_grows_from_any_source_is_valid(folder: Path, source: random.Random) -> None:
    verdict = judged(of(grown(source), 0, "valid", source), folder)
    assert verdict.outcome == "valid", verdict


@quiet
@given(sources, st.integers(0, len(KINDS) - 1))
def test_what_is_spoilt_by_any_source_is_no_failure(
    folder: Path, source: random.Random, number: int
) -> None:
    verdict = judged(spoilt(ground(source), number, source), folder)
    assert verdict.outcome != "failed", verdict


@pytest.mark.parametrize("one", [*kept_cases(CORPUS)], ids=lambda one: f"{one.kind}-{one.number}")
def test_what_once_went_wrong_does_not_again(one: Numbered, folder: Path) -> None:
    verdict = judged(one, folder)
    assert verdict.outcome == "valid" if one.kind == "valid" else verdict.outcome != "failed"


def test_a_case_is_its_number() -> None:
    for number in (0, 7, 1234):
        assert case("valid", number) == case("valid", number)
        assert case("invalid", number) == case("invalid", number)


def test_the_whole_grammar_is_written() -> None:
    text = "\n".join(
        text.decode() for number in range(400) for text in case("valid", number).texts.values()
    )
    uses = {item.__name__ for item in KEEPING} & {*shipped("operators")}
    assert len(uses) > 15
    assert {word for word in {*WORDS, *uses} - {*NOT_YET} if word not in text} == set()
    keys = "extends replace set define defaults params first after downsample cycle block stages"
    places = "$in $channels $stride space channel weight frame rank predictor label shortcut"
    assert {word for word in f"{keys} {places}".split() if word not in text} == set()


def test_all_kinds_of_damage_are_done() -> None:
    assert {case("invalid", number).kind for number in range(len(KINDS))} == set(KINDS)


def test_children_edit_their_parents() -> None:
    made = [child(backbone(random.Random(seed)), random.Random(seed)) for seed in range(240)]
    edits = Counter(word for one in made for word in tuple(one.files[one.top]))
    assert edits["replace"] > 10 and edits["set"] > 2 and edits["stages"] > 5


def problem(*places: Place | None) -> RelgraphError:
    return RelgraphError([Problem("odd", "something", place=place) for place in places])


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyError("block"), "KeyError"),
        (AssertionError("no literal"), "no literal"),
        (problem(None), "no place"),
        (problem(Place("elsewhere.yaml", 1, 1)), "no place in the case's own files"),
        (problem(Place("OWN", 99, 1)), "outside its file"),
        (problem(Place("OWN", 1, 99)), "outside its file"),
    ],
)
def test_the_judge_takes_nothing_else_for_a_refusal(
    error: Exception, why: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge.write(folder, {"spec": b"backbone: spec\n"})
    own = str(folder / "spec.yaml")

    def raising(path: str) -> object:
        if isinstance(error, RelgraphError):
            raise _at(error, own)
        raise error

    monkeypatch.setattr(judge, "understand", raising)
    verdict = judge.judge_damaged(folder / "spec.yaml")
    assert verdict.outcome == "failed" and why in verdict.why


def _at(error: RelgraphError, own: str) -> RelgraphError:
    """The same problems, those at OWN in the file `own`."""
    return RelgraphError(
        Problem(one.code, one.found, place=_moved(one.place, own)) for one in error.problems
    )


def _moved(place: Place | None, own: str) -> Place | None:
    if place is None or place.file != "OWN":
        return place
    return Place(own, place.line, place.column)


def test_the_judge_counts_what_takes_too_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(path: str) -> object:
        while True:
            _nothing()

    judge.write(folder, {"spec": b"backbone: spec\n"})
    monkeypatch.setattr(judge, "understand", endless)
    monkeypatch.setattr(judge, "SUSPICIOUS", 0.01)
    monkeypatch.setattr(judge, "MOST_CALLS", 10_000)
    verdict = judge.judge_damaged(folder / "spec.yaml")
    assert (verdict.outcome, verdict.why) == ("failed", "more than 10,000 calls")


def _nothing() -> None:
    pass


def test_a_run_that_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.specs_fuzz.run.PART", 8)
    kept = tmp_path / "state.json"
    whole, first = State("invalid"), State("invalid")
    run(whole, 30, 1, None, tmp_path / "corpus", lambda done, all_: None)
    run(first, 16, 1, kept, tmp_path / "corpus", lambda done, all_: None)
    again = State.read("invalid", kept)
    assert (again.cases, again.done) == (16, {0, 1})
    run(again, 30, 1, kept, tmp_path / "corpus", lambda done, all_: None)
    assert (again.counts, again.codes, again.cases) == (whole.counts, whole.codes, 30)
    with pytest.raises(SystemExit, match="another run"):
        State.read("valid", kept)


def test_failures_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.specs_fuzz.run.PART", 3)
    failed = judge.Verdict("failed", why="on purpose")
    monkeypatch.setattr("benchmarks.specs_fuzz.run.judged", lambda one, folder: failed)
    counts, _ = judged_part("invalid", 0, 3, tmp_path)
    assert sum(found["failed"] for found in counts.values()) == 3
    assert [one.texts for one in kept_cases(tmp_path)] == [
        case("invalid", number).texts for number in range(3)
    ]


def test_the_table_adds_up() -> None:
    state = State("invalid")
    state.add(0, {"lines": Counter(refused=3, valid=1), "cut": Counter(refused=2)}, Counter(odd=5))
    assert state.cases == 6 and state.failures == 0
    assert table(state).splitlines()[-1] == "| **all** | 6 | 5 | 1 | 0 |"
    assert "`odd` 5" in codes(state)
    page = "a\n<!-- begin: invalid -->\nold\n<!-- end: invalid -->\nb\n"
    assert placed(page, "invalid", "new\n") == page.replace("old", "new")


def test_kept_cases_say_what_went_wrong(tmp_path: Path) -> None:
    one = Numbered(5, "lines", dict(MappingProxyType({"a": b"x: 1\n"})), "a")
    folder = keep(one, judge.Verdict("failed", why="KeyError: x"), tmp_path)
    assert "KeyError: x" in (folder / "about.json").read_text()
    assert list(kept_cases(tmp_path)) == [one]

"""The verifier, verified: files that are changed by mistake are rejected. A slice of all mutants;
`python -m benchmarks.mutants` judges the rest, its table is docs/mutants.md."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache

import pytest

from benchmarks.mutants.differs import first_difference
from benchmarks.mutants.equal import EQUAL, SURVIVORS
from benchmarks.mutants.families import emitted, families
from benchmarks.mutants.harvest import Mutant, all_mutants
from benchmarks.mutants.judge import Verdict, false_alarm
from benchmarks.mutants.mistakes import MISTAKES
from benchmarks.mutants.page import page, rate, unexplained
from benchmarks.mutants.run import Row, run
from benchmarks.mutants.source import Edit
from relgraph.verify import verify_text
from relgraph.verify.report import fails

PARTS = 2
EVERY = 34 * PARTS


@cache
def mutants() -> tuple[Mutant, ...]:
    return all_mutants()


def test_there_are_many_mistakes_in_many_families() -> None:
    made = Counter(mutant.mistake for mutant in mutants())
    assert len(made) >= 60
    assert len({mutant.family for mutant in mutants()}) >= 20
    assert {mistake.__name__ for mistake in MISTAKES} == set(made), "a mistake nobody can make"
    assert all(mistake.__doc__ for mistake in MISTAKES)


def test_mutants_parse_and_are_told_apart() -> None:
    names = [mutant.name for mutant in mutants()]
    assert len(set(names)) == len(names)
    for mutant in mutants()[::29]:
        ast.parse(mutant.text)
        assert mutant.text != emitted(mutant.family)


def test_reasons_are_of_mistakes_and_families_that_exist() -> None:
    known = {mutant.mistake for mutant in mutants()}
    own = {f"{family.name}:{name}" for family in families() for name in known}
    assert {*EQUAL, *SURVIVORS} <= known | own


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants_are_rejected(part: int) -> None:
    rows = run(mutants()[part * EVERY // PARTS :: EVERY])
    assert unexplained(rows) == []
    assert rate(rows) >= 0.95
    assert all(row.verdict.example for row in rows if row.verdict.outcome == "rejected")


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        ("self.num_features = 12", "self.num_features = 13", "surface"),
        (".softmax(dim=-1)", ".softmax(dim=-2)", "halves"),
        ("return self.proj(merge_heads(F.", "return self.proj(1.001 * merge_heads(F.", "inference"),
        ("nn.init.zeros_(self.bias)", "nn.init.ones_(self.bias)", "start"),
        ("std=0.02", "std=0.03", "start"),
        ("fresh = Linear(12, num_classes)", "fresh = Linear(12, 5)", "options"),
    ],
    ids=["surface", "halves", "inference", "constants", "spread", "options"],
)
def test_what_the_proof_accepts_is_asked_in_more_ways(old: str, new: str, way: str) -> None:
    text = emitted("vit")
    assert old in text, "the emitted text has changed: mend the edit"
    told = first_difference(text, text.replace(old, new))
    assert told is not None
    assert told.startswith(way)


@pytest.mark.parametrize(
    ("family", "old", "new"),
    [
        ("cosine_attention", ".clamp(max=math.log(100))", ""),
        ("neighbourhood_attention", "torch.finfo(w.dtype).min", "-100.0"),
    ],
    ids=["a bound that draws do not reach", "a mask that is a number"],
)
def test_bounds_that_show_far_out_are_reached(family: str, old: str, new: str) -> None:
    text = emitted(family)
    assert old in text, "the emitted text has changed: mend the edit"
    report = verify_text(text.replace(old, new), f"{family}.py", until=fails)
    assert [check.name for check in report.failures] == ["large values"]


def test_a_harmless_edit_is_the_same_model() -> None:
    text = emitted("vit")
    same = text.replace("fresh = ", "made = ").replace("fresh.", "made.")
    assert same != text
    assert first_difference(text, same) is None


def test_another_comment_is_no_mistake() -> None:
    assert false_alarm("poolformer") == ""


def test_another_form_is_what_relgraph_writes_itself() -> None:
    report = verify_text(emitted("general_continuous"), "general.py", until=fails)
    assert not report.edited
    assert report.failures == ()


def test_a_page_tells_survivors_and_reasons() -> None:
    mutant = mutants()[0]
    rows = [
        Row(mutant, Verdict("rejected", "logits", "model: logit 1")),
        Row(mutant, Verdict("survived", example="inference: scale 1: (1,) and (2,)")),
    ]
    assert rate(rows) == 0.5
    assert unexplained(rows) == rows[1:]
    text = page(rows)
    assert "2 mutants of 1 families by 1 mistakes" in text
    assert "| swin | shift the other way |" in text
    assert "not known yet" in text


def test_an_edit_counts_bytes() -> None:
    assert Edit(4, 5, "b", 1).applied("√ a") == "√ b"

"""A slice of every consistent family, asked as `python -m benchmarks.families` asks them all; and
its page, docs/families.md, where it needs no run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.families.instances import BEYOND, instances
from benchmarks.families.judge import Question, Task, judge
from benchmarks.families.page import census, page, refreshed, refusals
from benchmarks.families.variants import accepted
from benchmarks.resumable import Found
from relgraph.algebra.families import families, ranked
from relgraph.algebra.operator import Channel, Operator, Rank, Space, Weight

PAGE = Path(__file__).parents[2] / "docs" / "families.md"


def asked(question: Question, operators: Iterable[Operator]) -> list[Found]:
    return [judge(Task(question, number, one)) for number, one in enumerate(operators)]


def test_families_equal_the_oracle_at_awkward_sizes() -> None:
    found = asked("equality", families()[11::97])
    assert [one["problems"] for one in found if one["problems"]] == []
    met = {size for one in found for size in one["sizes"]}
    assert {"4×6", "5×7", "1×2", "2×1", "in a frame", "dilation beyond the map"} <= met


def test_fast_forms_equal_the_oracle() -> None:
    chosen = [one for family in families()[::37] for one in accepted(family)]
    found = asked("fast", chosen[::2])
    assert [one["problems"] for one in found if one["problems"]] == []
    assert len({form for one in found for form in one["forms"]}) > 3


def test_terms_are_proved() -> None:
    found = asked("term", ranked()[5:200:190])
    assert [one["problems"] for one in found if one["problems"]] == []
    assert all(one["compared"] > 20 for one in found)


def test_weights_that_lead_from_a_reduced_map_follow_the_image() -> None:
    full = Space("full", rank=Rank("reduce", (2,)))
    pair = Weight("pair", position="absolute")
    found = asked(
        "term", [Operator(full, bias="both"), Operator(full, Channel("separate"), pair, "none")]
    )
    assert [one["problems"] for one in found if one["problems"]] == []


def test_properties_are_proved() -> None:
    found = asked("proof", families()[3::251])
    assert [one["problems"] for one in found if one["problems"]] == []


def test_a_wrong_family_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from relgraph.verify import oracle

    honest = oracle.connect
    monkeypatch.setattr(oracle, "connect", lambda *given, **how: 1.001 * honest(*given, **how))
    (found,) = asked("equality", [Operator(Space("full"), Channel("separate"), Weight())])
    assert any("output differs by" in told for told in found["problems"])
    assert any("gradient of weight differs" in told for told in found["problems"])


def test_instances_of_a_stencil() -> None:
    operator = Operator(Space("local", (3, 3)), Channel("separate"), Weight())
    found = {one.what: one.connection for one in instances(operator, 1)}
    assert found["2×1"].in_grid == (2, 1)
    assert found["dilation beyond the map"].operator.space.dilation == BEYOND
    assert found["in a frame"].operator.frame.output


def test_the_page_counts_what_there_is() -> None:
    text = PAGE.read_text()
    assert census() in text, "python -m benchmarks.families --refresh docs/families.md"
    assert refreshed(text) == text
    assert refusals() in text, "python -m benchmarks.families --refresh docs/families.md"


def test_a_page_counts_what_was_found() -> None:
    operator = families()[0]
    tasks = [Task("equality", 0, operator), Task("fast", 0, operator)]
    found = [
        {"compared": 3, "forms": [], "sizes": ["4×6"], "problems": []},
        {"compared": 2, "forms": ["conv"], "sizes": ["4×6"], "problems": ["output differs"]},
    ]
    text = page(tasks, found)
    assert re.search(r"families, modules \| 1 of [\d,]+ \| 3 \| none \|", text)
    assert "variants, modules | 1 | 2 | 1 |" in text
    assert "| conv | 1 |" in text

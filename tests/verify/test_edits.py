"""Edits of emitted text: what changes the meaning fails the right check, the rest passes."""

from __future__ import annotations

import pytest

from tests.verify.edits import MEANINGFUL, Edit
from tests.verify.edits_elsewhere import BEGINNING, ELSEWHERE, FORWARD, HARMLESS, OFFERED
from tests.verify.models import emitted, verified


@pytest.mark.parametrize(
    "change", (*MEANINGFUL, *ELSEWHERE, *BEGINNING, *OFFERED), ids=lambda change: change.name
)
def test_an_edit_that_changes_the_meaning_is_rejected(change: Edit) -> None:
    text = emitted(change.model)
    assert change.old in text, "the emitted text has changed: mend the edit"
    report = verified(text.replace(change.old, change.new), change.caught)
    failed = {check.name for check in report.failures}
    assert report.edited
    assert change.caught <= failed
    assert all(check.counter_example or check.measured for check in report.failures)


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_an_edit_that_keeps_the_meaning_is_said_and_accepted(change: Edit) -> None:
    text = emitted(change.model)
    assert change.old in text, "the emitted text has changed: mend the edit"
    report = verified(text.replace(change.old, change.new))
    assert report.edited
    assert report.failures == ()


def test_a_question_under_an_imported_name_is_answered() -> None:
    text = emitted("tiny_swin").replace(
        "import math\n", "import math\nfrom torch.compiler import is_exporting as asked\n"
    )
    text = text.replace(FORWARD, f"x = 2 * x if asked() else x\n        {FORWARD}")
    assert {check.name for check in verified(text).failures} == {"forms"}


def test_a_fresh_file_is_not_said_to_be_edited() -> None:
    report = verified(emitted("tiny_vit"))
    assert not report.edited
    assert report.ok


def test_counter_examples_name_the_entry() -> None:
    change = next(one for one in MEANINGFUL if one.name == "no cut at the border")
    report = verified(emitted(change.model).replace(change.old, change.new))
    found = next(check for check in report.failures if check.name == "connectivity")
    assert "depends on input pixel" in found.counter_example
    assert found.subject.startswith("stages.0.blocks.1.local_attention")


class TestThePapersOfficialCode:
    """In its published code the pooled-dynamic convolution is overwritten by a static one, so the
    model it calls dynamic is not: the counts agree with the static model, the text does not."""

    def test_a_static_convolution_in_place_of_the_dynamic_one(self) -> None:
        text = emitted("tiny_dynamic")
        dynamic = "DynamicDepthwiseConv2d(dim, kernel_size=3, reduction=4)"
        assert dynamic in text
        static = "Conv2d(dim, dim, kernel_size=3, padding=1, groups=dim)"
        report = verified(text.replace(dynamic, static))
        assert {"parameters", "runs", "cost"} <= {check.name for check in report.failures}
        seen = next(check for check in report.failures if check.name == "runs")
        assert "pooled" in seen.declared
        assert "static: one W for every image" in seen.measured

    def test_a_static_kernel_behind_the_dynamic_ones_parameters(self) -> None:
        """The same mistake where every parameter is still there: only its use is gone."""
        text = emitted("tiny_dynamic")
        predicted = "return self.expand(hidden).unflatten("
        assert predicted in text
        static = "return self.expand.bias.expand(x.shape[0], -1).unflatten("
        report = verified(text.replace(predicted, static))
        assert next(check for check in report.checks if check.name == "parameters").ok
        found = next(check for check in report.failures if check.name == "dynamism")
        assert found.declared == "dynamic: W changes with the image, not with the position"
        assert found.measured == "static: one W for every image"

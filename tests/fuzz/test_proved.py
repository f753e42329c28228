"""A slice of the grown specs is proved as a whole: emitted, built, run, and held against the
reference. Small ones: a proof takes as long as a hundred other cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.specs_fuzz.cases import case
from benchmarks.specs_fuzz.judge import write
from relgraph.verify import verify_backbone

# The first ones whose logits are not the same for every image: where they are, the proof has no
# scale to compare on.
NUMBERS = (8, 9, 11, 12)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_grown_spec_is_proved(number: int, tmp_path: Path) -> None:
    made = case("valid", number)
    write(tmp_path / "case", made.texts)
    report = verify_backbone(str(tmp_path / "case" / f"{made.top}.yaml"))
    assert report.ok, [check for check in report.checks if not check.ok]


@pytest.mark.parametrize("item", ["relu6", "space_to_depth: 2"])
def test_a_head_that_alone_calls_functions_has_them(tmp_path: Path, item: str) -> None:
    """Found by running grown specs: parsing an emitted file is not running it."""
    path = tmp_path / "plain.yaml"
    path.write_text(
        "backbone: plain\ninput: {size: 8}\nclasses: 2\nstem: [patchify: {size: 2, channels: 4}]\n"
        "stages: [{depth: 1, channels: 4}]\nblock: [pointwise]\n"
        f"head: [{item}, global_pool, classifier]\n"
    )
    report = verify_backbone(str(path))
    assert report.ok, [check for check in report.checks if not check.ok]

"""Talking heads are proved, and files and classes in which heads do not hear what they should are
rejected, in words about heads."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Normalize,
    Operator,
    Space,
    Talking,
    Weight,
)
from relgraph.emit import emit
from relgraph.emitted import load_text
from relgraph.verify import alone, verify_text
from relgraph.verify.alone import check_connection
from relgraph.verify.operators import operator_program
from relgraph.verify.report import fails


@cache
def text_of(operator: str) -> str:
    return emit(operator_program(operator))


LACKING = {
    "both mixed before the softmax": (
        "mix_heads(self.proj_w, mix_heads(self.proj_l, logits).softmax(dim=-1))",
        "mix_heads(self.proj_w, mix_heads(self.proj_l, logits)).softmax(dim=-1)",
    ),
    "logits mixed by the matrix of weights": (
        "mix_heads(self.proj_l, logits)",
        "mix_heads(self.proj_w, logits)",
    ),
}


@pytest.mark.parametrize("what", LACKING)
def test_a_file_in_which_heads_talk_otherwise_is_rejected(what: str) -> None:
    old, new = LACKING[what]
    text = text_of("talking_heads_attention")
    assert old in text
    assert not verify_text(text.replace(old, new), "talking.py", until=fails).ok


def talking(how: Talking, normalize: Normalize = "softmax") -> Connection:
    """Heads that are mixed in windows that a shift cuts."""
    space = Space("window", (2, 3), shift=(1, 1), border="mask")
    weight = Weight("pair", normalize, "relative", talking_heads=how)
    heads = Channel("separate", share="heads", heads=2)
    operator = Operator(space, heads, weight, "none", Frame(True, True))
    return Connection(operator, 8, 8, (4, 9), (4, 9))


WEIGHT = "layer.weight.expand"


@pytest.mark.parametrize("how", get_args(Talking)[1:])
def test_what_heads_hear_is_measured(how: Talking) -> None:
    checks = {check.name: check for check in check_connection(talking(how))}
    assert all(check.ok for check in checks.values())
    words = {"both": "logits and by their weights"}.get(how, how)
    assert checks["heads"].measured == f"heads hear all others, by their {words}"


@pytest.mark.parametrize(
    ("how", "normalize", "old", "new", "said"),
    [
        ("both", "softmax", WEIGHT, "layer.weight.diagonal().diag().expand", "hear head 2"),
        ("logits", "softmax", WEIGHT, "layer.weight.T.expand", "as proj_l says"),
        ("logits", "sigmoid", WEIGHT, "layer.weight.T.expand", "as proj_l says"),
        ("logits", "l1", WEIGHT, "layer.weight.T.expand", "as proj_l says"),
        ("weights", "softmax", WEIGHT, "layer.weight.T.expand", "as proj_w says"),
        ("weights", "softmax", "w * (mask == 0)", "w", "as proj_w says"),
    ],
)
def test_what_heads_do_not_hear_is_told(
    how: Talking,
    normalize: Normalize,
    old: str,
    new: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def changed(text: str, name: str) -> object:
        assert old in text
        return load_text(text.replace(old, new), name)

    monkeypatch.setattr(alone, "load_text", changed)
    checks = {check.name: check for check in check_connection(talking(how, normalize))}
    assert not checks["composition"].ok
    assert said in checks["heads"].counter_example


SIGNS = """
operator: signs
space:   {connect: full, rank: {reduce: 2}}
channel: {connect: separate}
weight:  {dynamic: pair, normalize: l1, talking_heads: weights}
bias:    false
"""


def test_heads_of_one_channel_are_heard_by_their_signs(tmp_path: Path) -> None:
    """Over their sum of magnitudes, all that one channel's products keep of a query is its sign."""
    spec = tmp_path / "signs.yaml"
    spec.write_text(SIGNS)
    report = verify_text(text_of(str(spec)), "signs.py")
    assert report.ok, report.failures

"""Expressions nested into expressions mean what the nodes mean, whatever operator they end in.

Judged by the reference interpreter, which reads no emitted text.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.pipeline import compile_backbone
from relgraph.verify import verify_text
from tests.designs import small

NESTED = (
    # `a / 6.0[:, :, None, None]` would index the number, not the quotient.
    "- product: [[], [global_pool, hardsigmoid]]",
    "- [add_token: class, product: [[], [select: class, hardsigmoid]], select: map]",
    # `-2.0 * f(x).amax((2, 3))` would be the least value where the greatest is asked for.
    "- product: [[], [relu, scale: {init: -2.0, learned: false}, global_pool: max]]",
    "- product: [[], [hardsigmoid, global_pool]]",
    # `torch.cat((x), dim=1)` would be no tuple.
    "- [concat: [[]], concat: [[relu, affine]]]",
    "- sum: [[], [sum: [[], [relu]], scale: {init: 0.5, learned: false}]]",
)


@pytest.mark.parametrize("block", NESTED)
def test_nested_expressions_keep_their_meaning(tmp_path: Path, block: str) -> None:
    compiled = compile_backbone(str(small(tmp_path, block)))
    assert verify_text(compiled.text, "example.py").failures == ()

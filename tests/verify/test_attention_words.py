"""Words of attention beside the plain one: files that lack what the word says are rejected."""

from __future__ import annotations

from functools import cache

import pytest

from relgraph.emit import emit
from relgraph.verify import verify_text
from relgraph.verify.operators import operator_program
from relgraph.verify.report import fails


@cache
def text_of(operator: str) -> str:
    return emit(operator_program(operator))


LACKING = {
    "keys as they are": ("linear_attention", "F.relu(q), F.relu(k)", "F.relu(q), k"),
    "no sum to divide by": ("linear_attention", "y = y / total.clamp(min=1e-12)", "y = y"),
    "values of one head for each": (
        "multi_query_attention",
        "v = shared_heads(v",
        "v = shared_heads(k",
    ),
    "keys that only share their sizes": (
        "multi_query_attention",
        "    return x.expand(*x.shape[:-3], times, *x.shape[-2:]).flatten(-4, -3)",
        "    x = x.expand(*x.shape[:-3], times, *x.shape[-2:]).flatten(-4, -3)\n"
        "    return x * torch.arange(1, x.shape[-3] + 1, device=x.device)[:, None, None]",
    ),
    "another sum than the weights'": ("linear_attention", "k.sum(dim=-2)", "k.mean(dim=-2)"),
}


@pytest.mark.parametrize("what", LACKING)
def test_a_file_that_lacks_the_word_is_rejected(what: str) -> None:
    operator, old, new = LACKING[what]
    text = text_of(operator)
    assert old in text
    assert not verify_text(text.replace(old, new), f"{operator}.py", until=fails).ok

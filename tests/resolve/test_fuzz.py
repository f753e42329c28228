"""Shipped specs with random damage: resolved, or refused with a place, never a traceback."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.resolve import resolve_backbone, resolve_operator
from relgraph.shipped import shipped

SPECS = {**shipped("backbones"), **shipped("operators")}
_SCRAPS = """
[ ] { } : , - $in $channels $nobody none 3 0 -1 1e-3 1e400 true half conv residual relu label ~ ''
&a *a !t rest 0.5 [] [[]] {a:1} stage1.conv params body define channels sum split fit tap from
window pair swin_tiny
"""
SCRAPS = _SCRAPS.split()


def damaged(text: str, chance: random.Random) -> str:
    """The text after one to three small edits: a token replaced, lost, doubled, or a line moved."""
    for _ in range(chance.randint(1, 3)):
        tokens = list(re.finditer(r"[\w$.]+|[\[\]{}:,-]", text))
        token, other = chance.choice(tokens), chance.choice(tokens)
        new = chance.choice(["", chance.choice(SCRAPS), other.group(), token.group() * 2])
        text = text[: token.start()] + new + text[token.end() :]
        if chance.random() < 0.2:
            lines = text.splitlines(keepends=True)
            lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
            text = "".join(lines)
        if not re.search(r"\w", text):
            return text
    return text


@pytest.mark.parametrize("seed", range(4))
def test_mutants(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / "mutant.yaml"
    refused = 0
    for _ in range(50):
        source = chance.choice(sorted(SPECS))
        path.write_text(damaged(SPECS[source].read_text(), chance))
        try:
            if source in shipped("operators"):
                resolve_operator(path, 64)
            else:
                resolve_backbone(path)
        except RelgraphError as error:
            refused += 1
            assert all(problem.place is not None for problem in error.problems), str(error)
    assert refused > 15, "the damage is too gentle to test anything"

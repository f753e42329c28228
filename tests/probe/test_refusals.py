"""What cannot be probed is refused with a code and what was found, never with a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from relgraph.errors import RelgraphError
from relgraph.probe import probe
from relgraph.probe.target import find
from tests.probe import handwritten as own

MAP = (1, 8, 4, 4)

MODULES: dict[str, tuple[nn.Module, tuple[int, ...], dict[str, Any]]] = {
    "not-deterministic": (own.Noisy(), MAP, {}),
    "not-differentiable": (own.Rounded(), MAP, {}),
    "not-recordable": (own.Decides(), MAP, {}),
    "mixes-images": (own.MixesImages(), MAP, {}),
    "wrong-input": (nn.Conv2d(6, 6, 3), MAP, {}),
    "wrong-layout": (nn.Linear(8, 8), (1, 16, 8), {"grid": (3, 5)}),
    "no-product": (nn.Linear(8, 8), (1, 16, 8), {"turn": (1,)}),
    "too-large": (nn.Identity(), (1, 64, 56, 56), {}),
}


@pytest.mark.parametrize("code", MODULES)
def test_refused_with_a_code(code: str) -> None:
    module, shape, told = MODULES[code]
    with pytest.raises(RelgraphError) as refused:
        probe(module, shape, **told)
    (problem,) = refused.value.problems
    assert problem.code == code
    assert problem.found
    assert problem.expected


def test_an_output_that_nothing_changes_has_no_gradient() -> None:
    with pytest.raises(RelgraphError, match="not-differentiable"):
        probe(own.Constant(), MAP)


WORDS = {
    "nothing": "no-module",
    "no.such.package:Thing": "no-module",
    "missing.py:Thing": "no-module",
    "torch.nn:NoSuchLayer": "no-attribute",
    "torch.nn:functional": "no-module",
    "torch.nn:Conv2d": "cannot-build",
    "timm:no_such_model": "no-module",
}


@pytest.mark.parametrize("word", WORDS)
def test_words_that_name_no_module(word: str) -> None:
    with pytest.raises(RelgraphError) as refused:
        find(word)
    assert refused.value.problems[0].code == WORDS[word]


def test_code_that_breaks_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('what was I thinking')")
    with pytest.raises(RelgraphError, match="what was I thinking"):
        find(f"{tmp_path / 'broken.py'}:Thing")


def test_the_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    probe(module, MAP)
    assert module.training
    after = module.state_dict()
    assert all(after[name].dtype == value.dtype for name, value in before.items())
    assert all(bool((after[name] == value).all()) for name, value in before.items())

"""The specs in examples/ compute what timm's models compute: the tolerances of `test_parity`."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from tests.parity.example_ports import TWINS_OF, Twin, in_order
from tests.parity.ports import port
from tests.parity.test_parity import SEED, Pair, logits, randomize, spread

FOLDER = Path(__file__).parent.parent.parent / "examples"


def carried(name: str, twin: Twin) -> Pair:
    generator = torch.Generator().manual_seed(SEED)
    options = dict.fromkeys(twin.without, False)
    theirs = timm.create_model(twin.timm, pretrained=False, **options).eval()
    randomize(theirs, generator, twin.gain)
    module = load_text(compile_backbone(str(FOLDER / f"{name}.yaml")).text, f"{name}.py")
    ours = getattr(module, module.BUILDER)().eval()
    load(ours, theirs, twin)
    return Pair(theirs, ours, torch.randn(2, 3, *twin.sides[0], generator=generator))


def load(ours: nn.Module, theirs: nn.Module, twin: Twin) -> None:
    own, other = ours.state_dict(), theirs.state_dict()
    ours.load_state_dict(port(twin.rows, own, other) if twin.rows else in_order(own, other))


@pytest.mark.parametrize("name", TWINS_OF)
def test_logits_equal_timms(name: str) -> None:
    twin = TWINS_OF[name]
    pair = carried(name, twin)
    expected, found = logits(pair.theirs, pair.images), logits(pair.ours, pair.images)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()

    theirs, ours = pair.theirs.double(), pair.ours.double()
    load(ours, theirs, twin)  # what a layout computes was rounded
    for rows, columns in twin.sides:
        images = torch.randn(2, 3, rows, columns, generator=torch.Generator().manual_seed(SEED))
        expected, found = logits(theirs, images), logits(ours, images)
        assert spread(expected) > 1e-3 * expected.abs().max(), "logits that tell images apart"
        assert (found - expected).abs().max() <= twin.tolerance * spread(expected)

"""Operators over channels under proof: what is emitted for them passes, mistakes in it do not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.resolve import resolve_backbone
from relgraph.verify import verify_text
from tests.verify.models import until

DESIGNS = {
    "band": """
block:
  - efficient_channel_attention: 4
  - channel_conv: {size: 3, bias: true}
  - channel_conv: {size: 3, share: none}
""",
    "between": """
block:
  - residual: [layer_norm, cross_covariance_attention: {heads: 2}]
""",
}
AROUND = """\
backbone: {name}
cite: "A test"
input: {{size: 8, channels: 3}}
classes: 3
stem: [conv: {{size: 3, channels: $channels, stride: 2}}]
stages: [{{depth: 1, channels: 8}}]
head: [global_pool, classifier]
"""


@cache
def emitted(name: str) -> str:
    """The text of a small backbone whose blocks are the design's."""
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.yaml")
        path.write_text(AROUND.format(name=name) + DESIGNS[name])
        return emit(assemble(resolve_backbone(path).backbone))


@pytest.mark.parametrize("name", DESIGNS)
def test_what_is_emitted_is_proved(name: str) -> None:
    report = verify_text(emitted(name), f"{name}.py")
    assert report.ok, [check for check in report.checks if not check.ok]


MISTAKES = {
    "a softmax over outputs": (
        "between",
        "self.temperature).softmax(dim=-1)",
        "self.temperature).softmax(dim=-2)",
        {"values", "logits"},
    ),
    "products that are no cosines": (
        "between",
        "q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)",
        "q, k = q, F.normalize(k, dim=-1)",
        {"values", "logits"},
    ),
    "lengths over the channels of a head": (
        "between",
        "q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)",
        "q, k = F.normalize(q, dim=-2), F.normalize(k, dim=-2)",
        {"values", "logits"},
    ),
    "temperatures above zero": (
        "between",
        "k.transpose(-2, -1) * self.temperature)",
        "k.transpose(-2, -1) * self.temperature.abs())",
        {"values", "logits"},
    ),
    "one temperature": (
        "between",
        "k.transpose(-2, -1) * self.temperature)",
        "k.transpose(-2, -1) * self.temperature[:1])",
        {"values", "logits"},
    ),
    "all channels are one head": (
        "between",
        "w @ v",
        "w.mean(1, keepdim=True) @ v",
        {"logits"},
    ),
    "the same for every image": (
        "between",
        "q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)",
        "q, k = torch.ones_like(q), F.normalize(torch.ones_like(k), dim=-1)",
        {"dynamism", "logits"},
    ),
    "the extra tap on the other side": (
        "band",
        "self.beside = ((band_size - 1) // 2, band_size // 2)",
        "self.beside = (band_size // 2, (band_size - 1) // 2)",
        {"connectivity", "logits"},
    ),
    "taps in the opposite order": (
        "band",
        "F.conv1d(rows, self.weight[None, None])",
        "F.conv1d(rows, self.weight.flip(0)[None, None])",
        {"values", "logits"},
    ),
    "channels go round": (
        "band",
        "rows = F.pad(x.flatten(2).unsqueeze(1), (0, 0, *self.beside))",
        'rows = F.pad(x.flatten(2).unsqueeze(1), (0, 0, *self.beside), mode="circular")',
        {"connectivity", "logits"},
    ),
    "one number for a tap of a band with its own": (
        "band",
        "F.pad(w, (0, 0, 0, 0, 0, 0, 0, 1))[band]",
        "F.pad(w, (0, 0, 0, 0, 0, 0, 0, 1))[band][[1] * len(band)]",
        {"sharing", "logits"},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(mistake: str) -> None:
    name, old, new, caught = MISTAKES[mistake]
    text = emitted(name)
    assert text.count(old) == 1
    report = verify_text(text.replace(old, new), f"{name}.py", until=until(caught))
    assert not report.ok
    assert caught <= {check.name for check in report.checks if not check.ok}

"""Small backbones of one family each, emitted once per test session; proofs of edited text."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.resolve import resolve_backbone
from relgraph.verify import Report, verify_text
from relgraph.verify.report import Check, Enough

_HEAD = """
cite: "A test"
input: {size: 16, channels: 3}
classes: 5
"""
_STAGES = """
stages:
  - {depth: 2, channels: 8}
  - {depth: 1, channels: 16}
downsample: [space_to_depth: 2, layer_norm, pointwise: {channels: $channels, bias: false}]
head: [layer_norm, global_pool, classifier]
drop_path: 0.2
"""

DESIGNS = {
    "tiny_swin": _HEAD
    + _STAGES
    + """
stem: [patchify: 2, layer_norm]
define:
  swin:
    params: {shift: 0}
    body:
      - residual: [layer_norm, local_attention: {window: 4, heads: 2, shift: $shift}]
      - residual: [layer_norm, feed_forward: 2]
cycle: [swin, swin: {shift: half}]
""",
    "tiny_dynamic": _HEAD
    + _STAGES
    + """
stem: [conv: {size: 3, channels: $channels, stride: 2}, batch_norm]
block:
  - residual:
      - [pointwise: {bias: false}, batch_norm, relu]
      - dynamic_depthwise_conv: {size: 3, reduction: 4}
      - [batch_norm, relu, pointwise: {bias: false}, batch_norm]
  - residual: [batch_norm, feed_forward: 2]
""",
    "tiny_depthwise": _HEAD
    + _STAGES
    + """
stem: [conv: {size: 3, channels: $channels, stride: 2}, batch_norm]
block:
  - residual: [depthwise_conv: 3, batch_norm, relu]
  - residual: [batch_norm, feed_forward: 2]
""",
    "tiny_vit": _HEAD
    + """
stages: [{depth: 2, channels: 12, heads: 3}]
stem: [patchify: 4, add_token: class, position: learned]
block:
  - residual: [layer_norm, global_attention: {heads: $heads}]
  - residual: [layer_norm, feed_forward: 2]
head: [layer_norm, select: class, classifier]
""",
    "tiny_inhomogeneous": _HEAD
    + _STAGES
    + """
stem: [patchify: 2, layer_norm]
block:
  - residual: [inhomogeneous_depthwise_conv: {size: 3, reduction: 4, group_channels: 2}]
  - residual: [layer_norm, feed_forward: 2]
""",
}


def until(caught: Collection[str]) -> Enough:
    """Enough of a proof: a check of each of these names has failed."""
    missing = set(caught)

    def enough(check: Check) -> bool:
        if not check.ok:
            missing.discard(check.name)
        return not missing

    return enough


@cache
def emitted(name: str) -> str:
    """The emitted text of one of DESIGNS, or of a shipped backbone."""
    if name not in DESIGNS:
        return emit(assemble(resolve_backbone(name).backbone))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(f"backbone: {name}\n" + textwrap.dedent(DESIGNS[name]))
        return emit(assemble(resolve_backbone(path).backbone))


def verified(text: str, caught: Collection[str] = ()) -> Report:
    """The proof of a text; only as far as it needs to fail in all the ways that are `caught`."""
    return verify_text(text, "edited.py", until=until(caught) if caught else None)

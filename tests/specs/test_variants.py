"""Variants of shipped backbones whose counts are known: what an edit reaches, and what it leaves.

The numbers are derived from the paper's: they tell apart edits that look alike.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.assemble.cost import cost
from tests.designs import program, write_spec

VARIANTS = {
    # Swin's norm before the attention stays: 8,832 more than DWNet-T.
    "attention_alone": (
        24_181_576,
        """
        extends: swin_tiny
        define:
          mixer: [pointwise: {bias: false}, batch_norm, relu, depthwise_conv: 7, batch_norm, relu,
                  pointwise: {bias: false}, batch_norm]
        replace: {local_attention: mixer}
        """,
    ),
    # Windows cut at the border have fewer entries than those that wrap round.
    "static_cut": (
        25_876_504,
        """
        extends: swin_tiny_static
        set: {static_local_attention: {border: mask}}
        """,
    ),
    "static_shared": (
        24_274_450,
        """
        extends: swin_tiny_static
        set: {static_local_attention: {share: windows}}
        """,
    ),
    "static_bare": (
        21_810_904,
        """
        extends: swin_tiny_static
        set: {static_local_attention: {projections: false}}
        """,
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_counts_of_variants(name: str, tmp_path: Path) -> None:
    parameters, text = VARIANTS[name]
    path = write_spec(tmp_path, f"        backbone: {name}{text}", name)
    assert cost(program(path)).parameters == parameters

"""Specs written in tests: a folder of YAML, resolved and assembled."""

from __future__ import annotations

import textwrap
from pathlib import Path

from relgraph.assemble import assemble
from relgraph.program import Program
from relgraph.resolve import resolve_backbone

SMALL = """
backbone: {name}
cite: "A test"
input: {{size: {size}, channels: 3}}
classes: 5
stem: [conv: {{size: 3, channels: $channels, stride: 2}}]
stages:
  - {{depth: 1, channels: 8}}
block:
{block}
head: [global_pool, classifier]
"""


def write_spec(folder: Path, text: str, name: str = "example") -> Path:
    """A spec file in `folder`."""
    path = folder / f"{name}.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def small(folder: Path, block: str, size: int = 16, name: str = "example") -> Path:
    """A backbone of one stage, 8 channels on size/2, whose block is the given items."""
    body = textwrap.indent(textwrap.dedent(block).strip(), "  ")
    return write_spec(folder, SMALL.format(name=name, size=size, block=body), name)


def program(path: Path | str) -> Program:
    """The assembled program of a spec file or of a shipped name."""
    return assemble(resolve_backbone(str(path)).backbone)

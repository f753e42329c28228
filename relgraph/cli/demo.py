"""`demo`: the whole idea on real images, in a few minutes, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relgraph.cli import output
from relgraph.cli.requirements import require


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo; run again to go on.")] = Path(
        "demo"
    ),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever the folder holds.")
    ] = False,
) -> None:
    """Check, generate, prove and train two small models, and write a report page (≤ 6 minutes)."""
    require("lightning_fabric", "train", "train the demo's models")
    from relgraph.demo.run import run_demo

    outcome = run_demo(out, fresh=fresh, say=output.remark)
    raise NotImplementedError(outcome)

"""The command line: thin commands over the Python API, and what a person reads.

In: arguments. Out: an exit code; everything printed goes through `relgraph.cli.output`. No command
computes anything itself, and no module here imports torch, numpy or networkx when it is imported.
"""

from __future__ import annotations

from relgraph.cli.process import main

__all__ = ["main"]

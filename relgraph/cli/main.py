"""From arguments to an exit code."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `relgraph` command."""
    sys.exit(0)

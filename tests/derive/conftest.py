"""Commands run in this process, from an empty folder; what they print is caught."""

from __future__ import annotations

from tests.cli.conftest import folder, relgraph

__all__ = ["folder", "relgraph"]

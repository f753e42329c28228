"""The proof turned round: any torch module measured, and placed in the relation graph.

In: a module that nobody described, and the shape that it takes. Out: `Probed`: what it is made of,
each operator's connectivity, sharing, rank and dynamism with the numbers that say so, and its place
among the operators that have names. It runs the module; it never reads its source.
"""

from __future__ import annotations

from relgraph.probe.probed import Placed, Probed
from relgraph.probe.run import probe

__all__ = ["Placed", "Probed", "probe"]

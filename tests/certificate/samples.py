"""Certificates to compare and to spoil, without a proof."""

from __future__ import annotations

from relgraph.certificate import Certificate, Property, Versions

GOOD = Property("sharing", "stem.conv", "9 learned things", "9 different things", 1e-9, True)
BAD = Property("cost", "model", "12 MACs", "13 MACs", None, False, "stem makes 13 products", 3)
KEPT = Certificate(
    name="swin",
    spec="5" * 64,
    file="f" * 64,
    edited=False,
    versions=Versions("0.1.0", "3.11.7", "2.4.1+cpu"),
    properties=(GOOD, BAD),
)

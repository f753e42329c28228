"""Properties that hold where little is left of what they speak of: one place, one hidden unit."""

from __future__ import annotations

import pytest

from relgraph.algebra.families import connection
from relgraph.algebra.operator import Channel, Operator, Predictor, Space, Weight
from relgraph.verify.alone import check_connection

OWN = Channel("separate")
ALONE = Space("grid", size=(1, 1))
CORNERS = {
    "heads that talk about a single place": Operator(
        ALONE, OWN, Weight("pair", normalize="softmax", talking_heads="both")
    ),
    "a network of one hidden unit, which gives nothing on one side": Operator(
        Space("full"),
        OWN,
        Weight("pair", normalize="softmax", position="continuous", hidden=1, score="cosine"),
    ),
    "a region around a single place": Operator(
        ALONE,
        Channel("full"),
        Weight("center", normalize="sigmoid", extent=9, predictor=Predictor()),
    ),
}


@pytest.mark.parametrize("what", CORNERS)
def test_corners_are_proved(what: str) -> None:
    failed = [check for check in check_connection(connection(CORNERS[what])) if not check.ok]
    assert failed == []

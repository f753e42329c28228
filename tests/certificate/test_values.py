"""A certificate's text holds all of it, is the same for equal ones, and says no more."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relgraph.certificate import Certificate, Counts, Property, Versions, dump, parse
from tests.certificate.samples import GOOD, KEPT

WORDS = st.text(max_size=20).filter(str.isprintable)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
TOLERANCES = st.none() | st.floats(min_value=0, exclude_min=True, allow_infinity=False)
PROPERTIES = st.builds(
    Property, WORDS, WORDS, WORDS, WORDS, TOLERANCES, st.booleans(), WORDS, st.integers(0, 10**6)
)
CERTIFICATES = st.builds(
    Certificate,
    WORDS,
    HASHES,
    HASHES,
    st.booleans(),
    st.builds(Versions, WORDS, WORDS, WORDS),
    st.lists(PROPERTIES, max_size=4).map(tuple),
)


@given(CERTIFICATES)
def test_what_is_written_is_what_is_read(certificate: Certificate) -> None:
    assert parse(dump(certificate), "c.json") == certificate
    assert dump(parse(dump(certificate), "c.json")) == dump(certificate)


def test_another_layout_of_the_same_json_is_the_same_certificate() -> None:
    assert parse(json.dumps(json.loads(dump(KEPT))), "c.json") == KEPT


def test_the_verdict_and_the_counts_follow_from_the_properties() -> None:
    assert not KEPT.ok
    assert KEPT.counts == Counts(2, 1)
    assert replace(KEPT, properties=(GOOD,)).ok
    assert not replace(KEPT, properties=()).ok, "without properties nothing is proved"


def test_every_field_is_sealed() -> None:
    others = [
        replace(KEPT, name="swan"),
        replace(KEPT, spec="6" * 64),
        replace(KEPT, file="e" * 64),
        replace(KEPT, edited=True),
        replace(KEPT, versions=Versions("0.1.0", "3.11.7", "2.5.0")),
        *(
            replace(KEPT, properties=(replace(GOOD, **change), *KEPT.properties[1:]))
            for change in ({"measured": "8"}, {"tolerance": 1e-3}, {"ok": False}, {"covers": 2})
        ),
    ]
    seals = {json.loads(dump(one))["seal"] for one in (KEPT, *others)}
    assert len(seals) == 1 + len(others)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_tolerance_that_is_no_number_is_never_written(wrong: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump(replace(KEPT, properties=(replace(GOOD, tolerance=wrong),)))

"""A new proof beside a certificate: hashes and verdicts are judged, versions and rounding told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relgraph.certificate import Certificate, Versions, compare
from tests.certificate.samples import BAD, GOOD, KEPT


def with_first(**change: Any) -> Certificate:
    return replace(KEPT, properties=(replace(GOOD, **change), BAD))


def test_the_same_proof_is_as_certified() -> None:
    found = compare(KEPT, KEPT)
    assert found.same
    assert found.notes == ()
    assert [line.what for line in found.lines] == [
        "name",
        "file",
        "spec",
        "edited by hand",
        "sharing of stem.conv",
        "cost of model",
    ]
    assert [line.now for line in found.lines[4:]] == ["ok", "FAIL"]


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (replace(KEPT, name="swan"), ("name", "swin", "swan")),
        (replace(KEPT, file="0" * 64), ("file", "f" * 64, "0" * 64)),
        (replace(KEPT, spec="0" * 64), ("spec", "5" * 64, "0" * 64)),
        (replace(KEPT, edited=True), ("edited by hand", "no", "yes")),
        (with_first(ok=False), ("sharing of stem.conv", "ok", "FAIL")),
        (with_first(declared="8"), ("sharing of stem.conv", "9 learned things", "8")),
        (with_first(covers=2), ("sharing of stem.conv", "×1", "×2")),
        (
            with_first(tolerance=None),
            ("sharing of stem.conv", "tolerance 1e-09", "no tolerance"),
        ),
        (replace(KEPT, properties=(BAD,)), ("sharing of stem.conv", "ok", "not measured")),
    ],
)
def test_what_is_judged(now: Certificate, line: tuple[str, str, str]) -> None:
    found = compare(KEPT, now)
    assert not found.same
    assert [(one.what, one.certified, one.now) for one in found.differences] == [line]


def test_what_is_measured_beyond_the_certificate_is_a_difference() -> None:
    found = compare(replace(KEPT, properties=(BAD,)), KEPT)
    assert [(one.certified, one.now) for one in found.differences] == [("not measured", "ok")]


def test_versions_and_rounding_are_told_and_not_judged() -> None:
    now = replace(with_first(measured="9"), versions=Versions("0.1.0", "3.12.1", "2.9"))
    found = compare(KEPT, now)
    assert found.same
    assert found.notes == (
        "certified with python 3.11.7, proved now with 3.12.1",
        "certified with torch 2.4.1+cpu, proved now with 2.9",
        "sharing of stem.conv: 9, the certificate has 9 different things",
    )


def test_properties_of_one_name_are_told_apart_by_their_order() -> None:
    def of(*verdicts: bool) -> Certificate:
        return replace(KEPT, properties=tuple(replace(BAD, ok=ok) for ok in verdicts))

    (line,) = compare(of(True, True), of(True, False)).differences
    assert (line.what, line.certified, line.now) == ("cost of model (2)", "ok", "FAIL")


def test_json_holds_every_line() -> None:
    said = json.loads(json.dumps(compare(KEPT, with_first(ok=False)).to_json()))
    assert said["same"] is False
    assert len(said["lines"]) == 6
    assert said["lines"][4]["same"] is False

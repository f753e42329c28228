"""What is not as relgraph wrote it is refused by key, all of it at once; never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relgraph.certificate import dump, load, parse
from relgraph.certificate.reading import SHAPE
from relgraph.errors import Problem, RelgraphError
from tests.certificate.samples import KEPT

TEXT = dump(KEPT)


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(RelgraphError) as caught:
        parse(text, "c.json")
    for problem in caught.value.problems:
        assert problem.place is not None
        assert problem.place.file == "c.json"
    return caught.value.problems


def changed(path: str, value: object) -> str:
    """The certificate's text with another value at a key such as `properties.0.ok`."""
    data = json.loads(TEXT)
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner: Any = data
    for part in above:
        inner = inner[part]
    inner[last] = value
    return json.dumps(data)


WRONG_TYPES = [
    ("name", 3, "name: found 3"),
    ("spec", "5" * 63, "spec: found"),
    ("spec", "G" * 64, "spec: found"),
    ("file", None, "file: found null"),
    ("edited", "no", 'edited: found "no"'),
    ("edited", 0, "edited: found 0"),
    ("versions", [], "versions: found a list"),
    ("versions.torch", 2.4, "versions.torch: found 2.4"),
    ("proved", "yes", 'proved: found "yes"'),
    ("counts.failed", True, "counts.failed: found true"),
    ("counts.failed", -1, "counts.failed: found -1"),
    ("properties", {}, "properties: found an object"),
    ("properties.0", "sharing", 'properties[0]: found "sharing"'),
    ("properties.1.ok", 1, "properties[1].ok: found 1"),
    ("properties.0.tolerance", "1e-9", 'properties[0].tolerance: found "1e-9"'),
    ("properties.0.tolerance", -1e-9, "properties[0].tolerance: found -1e-09"),
    ("properties.0.tolerance", float("inf"), "properties[0].tolerance: found Infinity"),
    ("properties.0.covers", 1.0, "properties[0].covers: found 1.0"),
    ("properties.0.subject", "\x1b[2J", "properties[0].subject: found"),
    ("properties.0.subject", "\ud800", "properties[0].subject: found"),
    ("seal", "short", 'seal: found "short"'),
]


@pytest.mark.parametrize(("path", "value", "found"), WRONG_TYPES)
def test_a_wrong_type_is_named_by_its_key(path: str, value: object, found: str) -> None:
    (problem,) = refused(changed(path, value))
    assert problem.found.startswith(found)
    assert problem.expected.startswith("expected ")


def test_all_wrong_keys_are_told_at_once() -> None:
    data = json.loads(TEXT)
    del data["file"]
    data["propperties"] = data.pop("properties")
    data["versions"]["numpy"] = "2"
    problems = {problem.found: problem.hint for problem in refused(json.dumps(data))}
    assert problems == {
        "propperties: no key of a certificate": "did you mean properties?",
        "file: this key is missing": "",
        "versions.numpy: no key of a certificate": "",
        "properties: this key is missing": "",
    }


CHANGES = [
    ("properties.0.measured", "10 different things"),
    ("properties.0.declared", "10 learned things"),
    ("properties.0.tolerance", 0.5),
    ("file", "0" * 64),
    ("versions.torch", "1.0"),
    ("seal", "0" * 64),
]


@pytest.mark.parametrize(("path", "value"), CHANGES)
def test_a_change_by_hand_breaks_the_seal(path: str, value: object) -> None:
    (problem,) = refused(changed(path, value))
    assert problem.found.startswith("seal: what it seals was changed")


def test_a_verdict_that_the_properties_deny_is_named() -> None:
    (problem,) = refused(changed("proved", True))
    assert problem.found == "proved: found true"
    problems = refused(changed("properties.1.ok", True))
    assert [problem.found for problem in problems] == [
        "proved: found false",
        "counts.failed: found 1",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[1]", 'no "format"'),
        ("null", 'no "format"'),
        ('{"format": "relgraph graph"}', 'no "format"'),
        ("[" * 100_000, "nested too deeply"),
        ('{"format": 1, "format": 2}', "the key 'format' stands twice"),
        ("1" * 5000, "Exceeds the limit"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, found: str) -> None:
    (problem,) = refused(text)
    assert problem.found.startswith(found)


def test_broken_json_is_shown_where_it_breaks() -> None:
    (problem,) = refused(TEXT.replace('"edited": false', '"edited": nope'))
    line = 1 + TEXT.partition('"edited"')[0].count("\n")
    assert problem.place is not None
    assert (problem.place.line, problem.place.text) == (line, '  "edited": nope,')


@pytest.mark.parametrize("version", [2, "1", None])
def test_another_format_is_told_before_its_keys(version: object) -> None:
    (problem,) = refused(changed("version", version))
    assert problem.found == f"version: found {json.dumps(version)}"
    assert problem.expected == "this relgraph reads version 1"


@given(st.data())
def test_cut_and_spoilt_text_is_refused_or_the_same(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TEXT) - 1))
    spoilt = TEXT[:at] + data.draw(st.text(max_size=3)) + TEXT[at + 1 :]
    try:
        read = parse(spoilt, "c.json")
    except RelgraphError as error:
        assert error.problems
    else:
        assert read == KEPT


def test_the_page_names_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "certificates.md").read_text("utf-8")
    assert isinstance(SHAPE, dict)
    one = SHAPE["properties"][0]
    for key in (*SHAPE, *one, *SHAPE["versions"], *SHAPE["counts"]):
        assert f"`{key}`" in page, key


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.json", "no-file"), (tmp_path, "no-file")):
        with pytest.raises(RelgraphError) as caught:
            load(path)
        assert [problem.code for problem in caught.value.problems] == [code]
    path = tmp_path / "bytes.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RelgraphError, match="not UTF-8"):
        load(path)
    path.write_text(TEXT, "utf-8")
    assert load(path) == KEPT

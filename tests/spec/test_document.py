from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from relgraph.errors import Problem, RelgraphError
from relgraph.shipped import KINDS, shipped
from relgraph.spec.document import MAX_BYTES, ListNode, MapNode, ScalarNode, load, parse_text, plain

SHIPPED = [path for kind in KINDS for path in shipped(kind).values()]


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(RelgraphError) as caught:
        parse_text(text, "f.yaml")
    return caught.value.problems


def test_values_and_places() -> None:
    root = parse_text("a: [b: 3, {c: 'x'}]\nd:\n  - 1.5\n", "f.yaml")
    assert plain(root) == {"a": [{"b": 3}, {"c": "x"}], "d": [1.5]}
    assert isinstance(root, MapNode)
    listed = root.get("a")
    assert isinstance(listed, ListNode)
    inner = listed.items[1]
    assert isinstance(inner, MapNode)
    value = inner.get("c")
    assert isinstance(value, ScalarNode)
    assert value.quoted
    place = value.place
    assert (place.line, place.column, place.end) == (1, 15, 18)
    assert place.text[place.column - 1 : (place.end or 0) - 1] == "'x'"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1", 1),
        ("-2", -2),
        ("+2", 2),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("null", None),
        ("~", None),
        # Names in YAML 1.2 and here, though YAML 1.1 makes other things of them.
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("7:7", "7:7"),
        ("017", "017"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2026-11-22", "2026-11-22"),
        ("'1'", "1"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    found = plain(parse_text(f"a: {text}\nb: 1\n", "f.yaml"))
    assert isinstance(found, dict)
    assert found["a"] == value
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x 1\n", "anchor"),
        ("a: *x\n", "alias"),
        ("a: !!str 1\n", "tag"),
        ("a: ! 1\n", "tag"),
        ("a: !!python/object/apply:os.system ['true']\n", "tag"),
        ("a: {<<: {b: 1}}\n", "merge-key"),
        ("a: 1\na: 2\n", "duplicate-key"),
        ("{a: 1, 'a': 2}\n", "duplicate-key"),
        ("1: 1\n'1': 2\n", "duplicate-key"),
        ("? [a]\n: 1\n", "bad-key"),
        ("a: 1\n---\nb: 1\n", "several-documents"),
        ("%YAML 1.2\n---\na: 1\n", "directive"),
        ("", "empty-file"),
        ("# only a comment\n", "empty-file"),
        ("a: [", "yaml-syntax"),
        ("a: \x00", "yaml-syntax"),
        ("a: \x85", "yaml-syntax"),
        ("a: 99999999999999999999\n", "too-large"),
        ("a: 1e999\n", "too-large"),
        ("[" * 33, "too-deep"),
        ("[" * 100_000, "too-deep"),
        ("a: [" + "1, " * 21_000 + "]", "too-large"),
    ],
)
def test_refused(text: str, code: str) -> None:
    found = problems(text)
    assert code in [problem.code for problem in found]
    assert all(problem.place is not None for problem in found)


def test_all_mistakes_at_once() -> None:
    codes = [problem.code for problem in problems("a: &x 1\nb: *x\nb: 2\nc: !t 3\n")]
    assert codes == ["anchor", "alias", "duplicate-key", "tag"]


def test_nesting_up_to_the_limit_is_read() -> None:
    assert plain(parse_text("[" * 32 + "]" * 32, "f.yaml")) is not None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_read_as_yaml_reads_them(path: Path) -> None:
    """Where YAML 1.1 and 1.2 agree, so do we: PyYAML's own loader is the judge (but for 1e-3)."""
    theirs = yaml.safe_load(path.read_text())
    assert _floats_read(theirs) == plain(load(path).root)


def _floats_read(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _floats_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats_read(item) for item in value]
    if isinstance(value, str):
        try:
            return float(value) if "e" in value else value
        except ValueError:
            return value
    return value


def test_the_pure_parser_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = [load(path).root for path in SHIPPED]
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert [load(path).root for path in SHIPPED] == fast


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("#" * (MAX_BYTES + 1))
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    for name, code in (
        ("missing.yaml", "no-file"),
        (".", "no-file"),
        ("large.yaml", "too-large"),
        ("latin.yaml", "not-utf8"),
    ):
        with pytest.raises(RelgraphError) as caught:
            load(tmp_path / name)
        assert [problem.code for problem in caught.value.problems] == [code]
    with pytest.raises(RelgraphError) as caught:
        load(tmp_path / "latin.yaml")
    place = caught.value.problems[0].place
    assert place is not None
    assert (place.line, place.column) == (2, 4)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x" * 250_000,
        "#" * 250_000,
        "a:\n" + " " * 200_000 + "b: 1",
        "- " * 100_000,
        "? " * 100_000,
        "a: '" + "''" * 100_000,
        "{" * 30 + "a: 1, " * 40_000,
        "\n" * 250_000 + "a: 1",
    ],
)
def test_hostile_files_end_soon(text: str) -> None:
    # Linear work takes about a second at most; what grew with the square would take hours.
    started = time.process_time()
    try:
        parse_text(text, "f.yaml")
    except RelgraphError as error:
        assert all(problem.place for problem in error.problems)
    assert time.process_time() - started < 60


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab:-[]{},'\"#&*!|>?%@ \n\t0.e$~"), max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse_text(text, "f.yaml")
    except RelgraphError as error:
        assert all(problem.place for problem in error.problems)
        str(error)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "saved_on_windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\na: 2\r\n")
    with pytest.raises(RelgraphError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.code == "duplicate-key"
    assert [
        place and (place.line, place.column) for place in (problem.place, *problem.related)
    ] == [
        (2, 1),
        (1, 1),
    ]


def test_a_byte_order_mark_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "glued.yaml"
    path.write_bytes(b"a: 1\n\xef\xbb\xbfb: 2\n")
    with pytest.raises(RelgraphError, match=r"U\+FEFF"):
        load(path)


def test_utf_16_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_bytes("a: 1\n".encode("utf-16"))
    with pytest.raises(RelgraphError, match="UTF-16"):
        load(path)

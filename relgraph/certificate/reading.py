"""From the text of a certificate to its values; what is not as relgraph wrote it is refused.

In: a path, or text, of anybody's making. Out: a `Certificate`, or a RelgraphError with every key
that is missing, unknown, or holds something else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from relgraph.certificate.values import FORMAT, VERSION, Certificate, Property, Versions
from relgraph.errors import Place, Problem, RelgraphError, nearest, printable

WRITTEN = "a certificate that `relgraph verify --certificate` wrote"


@dataclass(frozen=True)
class Leaf:
    """What may stand at a key: in words, and as a test."""

    words: str
    fits: Callable[[Any], bool]


def _is_tolerance(value: object) -> bool:
    return value is None or (type(value) is float and math.isfinite(value) and value > 0)


# Text is printed on terminals: what could steer one is never in it.
TEXT = Leaf("printable text", lambda value: isinstance(value, str) and value.isprintable())
HASH = Leaf(
    "a SHA-256: 64 digits from 0 to f",
    lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None,
)
FLAG = Leaf("true or false", lambda value: type(value) is bool)
COUNT = Leaf("a count: 0, 1, 2, …", lambda value: type(value) is int and value >= 0)
TOLERANCE = Leaf("null, or a positive number as in 1e-09", _is_tolerance)

Shape = Leaf | Mapping[str, Any] | list[Any]
SHAPE: Shape = {
    "format": TEXT,
    "version": COUNT,
    "name": TEXT,
    "spec": HASH,
    "file": HASH,
    "edited": FLAG,
    "versions": {"relgraph": TEXT, "python": TEXT, "torch": TEXT},
    "proved": FLAG,
    "counts": {"properties": COUNT, "failed": COUNT},
    "properties": [
        {
            "name": TEXT,
            "subject": TEXT,
            "declared": TEXT,
            "measured": TEXT,
            "tolerance": TOLERANCE,
            "ok": FLAG,
            "counter_example": TEXT,
            "covers": COUNT,
        }
    ],
    "seal": HASH,
}
"""What each key of a certificate holds; a list holds any number of its one shape."""


def load(path: Path) -> Certificate:
    """The certificate at `path`. Raises RelgraphError where there is none."""
    place = Place(str(path), 1, 1)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RelgraphError(Problem("no-file", reason, WRITTEN, place=place)) from None
    except UnicodeDecodeError:
        raise RelgraphError(Problem("not-utf8", "not UTF-8 text", WRITTEN, place=place)) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Certificate:
    """The certificate that `text` holds; `file` is what problems call it.

    Raises RelgraphError with every key that is wrong, and where the text is another than was
    sealed.
    """
    data = _read(text, file)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _refused(file, f'no "format": "{FORMAT}" is in it', WRITTEN)
    if data.get("version") != VERSION:
        found = f"version: found {_said(data.get('version'))}"
        raise _refused(file, found, f"this relgraph reads version {VERSION}")
    _refuse(file, _misfits(data, SHAPE, ""))
    certificate = _built(data)
    _refuse(file, _contradictions(data, certificate.to_json()))
    return certificate


def _read(text: str, file: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        shown = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        place = Place(file, error.lineno, error.colno, None, shown)
        raise RelgraphError(
            Problem("bad-certificate", f"no JSON: {error.msg}", WRITTEN, place=place)
        ) from None
    except (ValueError, RecursionError) as error:
        found = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _refused(file, found, WRITTEN) from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {double!r} stands twice in one object")
    return made


def _misfits(value: Any, shape: Shape, key: str) -> Iterator[Problem]:
    """Every key below `key` that does not hold what its shape says."""
    if isinstance(shape, Leaf):
        if not shape.fits(value):
            yield _problem(key, f"found {_said(value)}", f"expected {shape.words}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield _problem(key, f"found {_said(value)}", "expected a list")
            return
        for number, one in enumerate(value):
            yield from _misfits(one, shape[0], f"{key}[{number}]")
    elif not isinstance(value, dict):
        yield _problem(key, f"found {_said(value)}", "expected an object")
    else:
        yield from _misfits_of_keys(value, shape, key)


def _misfits_of_keys(
    value: Mapping[str, Any], shape: Mapping[str, Any], key: str
) -> Iterator[Problem]:
    path = f"{key}." if key else ""
    for name in sorted(value.keys() - shape.keys()):
        hint = nearest(name, shape.keys() - value.keys())
        yield _problem(f"{path}{name}", "no key of a certificate", hint=hint)
    for name, inner in shape.items():
        if name in value:
            yield from _misfits(value[name], inner, f"{path}{name}")
        else:
            yield _problem(f"{path}{name}", "this key is missing")


def _contradictions(data: Mapping[str, Any], meant: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys that follow from the others and say something else; the seal, if nothing else does."""
    derived = ("proved", *(f"counts.{name}" for name in meant["counts"]))
    wrong = [key for key in derived if _at(data, key) != _at(meant, key)]
    for key in wrong:
        expected = f"the properties say {_said(_at(meant, key))}"
        yield _problem(key, f"found {_said(_at(data, key))}", expected)
    if not wrong and data["seal"] != meant["seal"]:
        hint = "prove the file again, with --certificate"
        yield _problem("seal", "what it seals was changed since relgraph wrote it", hint=hint)


def _at(data: Mapping[str, Any], key: str) -> Any:
    """What stands at a key with dots."""
    return reduce(lambda inner, name: inner[name], key.split("."), data)


def _built(data: Mapping[str, Any]) -> Certificate:
    """The values; every key is known to hold its kind."""
    return Certificate(
        name=data["name"],
        spec=data["spec"],
        file=data["file"],
        edited=data["edited"],
        versions=Versions(**data["versions"]),
        properties=tuple(Property(**one) for one in data["properties"]),
    )


def _refuse(file: str, problems: Iterator[Problem]) -> None:
    """Raise all problems, if there are any. The key says where each stands."""
    placed = [replace(problem, place=Place(file, 1, 1)) for problem in problems]
    if placed:
        raise RelgraphError(placed)


def _problem(key: str, found: str, expected: str = "", hint: str = "") -> Problem:
    return Problem("bad-certificate", printable(f"{key}: {found}"), expected, hint)


def _refused(file: str, found: str, expected: str) -> RelgraphError:
    return RelgraphError(Problem("bad-certificate", found, expected, place=Place(file, 1, 1)))


def _said(value: object) -> str:
    """A value, as JSON where it is short."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"

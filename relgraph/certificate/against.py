"""Two certificates of one file, line by line: the one that was kept, and the one of a new proof.

In: both. Out: what is as certified and what is not. Judged are the hashes and, of every property,
the verdict, what is declared and the tolerance. Versions and measured numbers, which rounding
changes from machine to machine, are told and not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from relgraph.certificate.values import Certificate, Property

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Line:
    """One thing that is compared: what the certificate says, and what is found now."""

    what: str
    certified: str
    now: str
    same: bool


@dataclass(frozen=True)
class Comparison:
    """All lines, in the certificate's order, and what is only told."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the file is what the certificate says."""
        return all(line.same for line in self.lines)

    @property
    def differences(self) -> tuple[Line, ...]:
        """The lines that are not the same."""
        return tuple(line for line in self.lines if not line.same)

    def to_json(self) -> dict[str, object]:
        """The same as plain data: `same`, `lines`, `notes`."""
        lines = [asdict(line) for line in self.lines]
        return {"same": self.same, "lines": lines, "notes": list(self.notes)}


def compare(certified: Certificate, now: Certificate) -> Comparison:
    """Hold a new proof against the certificate of an earlier one."""
    return Comparison(tuple(_lines(certified, now)), tuple(_notes(certified, now)))


def _lines(certified: Certificate, now: Certificate) -> Iterator[Line]:
    yield _line("name", certified.name, now.name)
    yield _line("file", certified.file, now.file)
    yield _line("spec", certified.spec, now.spec)
    yield _line("edited by hand", _yes(certified.edited), _yes(now.edited))
    before, after = _by_key(certified.properties), _by_key(now.properties)
    for key in before | after:
        yield _property_line(_title(key), before.get(key), after.get(key))


def _property_line(title: str, before: Property | None, after: Property | None) -> Line:
    """The first of verdict, declared and tolerance that differs; the verdict where none does."""
    if before is None or after is None or before.ok != after.ok:
        return Line(title, _verdict(before), _verdict(after), False)
    if before.declared != after.declared:
        return Line(title, before.declared, after.declared, False)
    if before.covers != after.covers:
        return Line(title, f"×{before.covers}", f"×{after.covers}", False)
    if before.tolerance != after.tolerance:
        one, other = _tolerance(before), _tolerance(after)
        return Line(title, one, other, False)
    return Line(title, _verdict(before), _verdict(after), True)


def _notes(certified: Certificate, now: Certificate) -> Iterator[str]:
    for package, version in asdict(now.versions).items():
        before = asdict(certified.versions)[package]
        if before != version:
            yield f"certified with {package} {before}, proved now with {version}"
    before_by_key, after_by_key = _by_key(certified.properties), _by_key(now.properties)
    for key, before_one in before_by_key.items():
        after = after_by_key.get(key)
        if after is not None and after.measured != before_one.measured:
            yield f"{_title(key)}: {after.measured}, the certificate has {before_one.measured}"


def _by_key(properties: Iterable[Property]) -> dict[Key, Property]:
    """By name and subject; those of one name and subject are told apart by their order."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[Key, Property] = {}
    for one in properties:
        found[one.name, one.subject, seen[one.name, one.subject]] = one
        seen[one.name, one.subject] += 1
    return found


def _title(key: Key) -> str:
    name, subject, number = key
    return f"{name} of {subject}" + (f" ({number + 1})" if number else "")


def _line(what: str, certified: str, now: str) -> Line:
    return Line(what, certified, now, certified == now)


def _verdict(one: Property | None) -> str:
    if one is None:
        return "not measured"
    return "ok" if one.ok else "FAIL"


def _tolerance(one: Property) -> str:
    return "no tolerance" if one.tolerance is None else f"tolerance {one.tolerance!r}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"

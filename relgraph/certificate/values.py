"""A certificate as values, and its text.

In: what was declared and measured. Out: JSON of fixed keys in a fixed order: the same proof, the
same bytes; no clock and no path. The text ends with a seal, the hash of all that it says, so that
a slip of the hand is noticed. It is no signature: who can write a file can seal it again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from relgraph.files import sha256

FORMAT = "relgraph certificate"
VERSION = 1


@dataclass(frozen=True)
class Property:
    """One property of one subject: declared, measured, and whether they agree.

    `tolerance` is how far apart two numbers may be to count as equal, None where the property does
    not rest on the nearness of two numbers. `covers` counts the connections that share the form.
    """

    name: str
    subject: str
    declared: str
    measured: str
    tolerance: float | None
    ok: bool
    counter_example: str = ""
    covers: int = 1


@dataclass(frozen=True)
class Versions:
    """What the proof ran with."""

    relgraph: str
    python: str
    torch: str


@dataclass(frozen=True)
class Counts:
    """How many properties were measured, and how many of them are not as declared."""

    properties: int
    failed: int


@dataclass(frozen=True)
class Certificate:
    """What was measured of the file whose bytes have the SHA-256 `file`, beside what the spec of
    the SHA-256 `spec` declares.

    `spec` names the resolved spec that the file carries. `edited` is true where the file was
    edited by hand after relgraph wrote it.
    """

    name: str
    spec: str
    file: str
    edited: bool
    versions: Versions
    properties: tuple[Property, ...]

    @property
    def ok(self) -> bool:
        """Whether every property is as declared; without properties nothing is proved."""
        return bool(self.properties) and all(one.ok for one in self.properties)

    @property
    def counts(self) -> Counts:
        """Computed from the properties."""
        return Counts(len(self.properties), sum(not one.ok for one in self.properties))

    def to_json(self) -> dict[str, object]:
        """All of it as plain data, in the order of the file."""
        said: dict[str, object] = {"format": FORMAT, "version": VERSION, "name": self.name}
        said |= {"spec": self.spec, "file": self.file, "edited": self.edited}
        said |= {"versions": asdict(self.versions), "proved": self.ok}
        said |= {"counts": asdict(self.counts)}
        said |= {"properties": [asdict(one) for one in self.properties]}
        return said | {"seal": sha256(_text(said))}


def dump(certificate: Certificate) -> str:
    """The text of a certificate, the same for equal ones."""
    return _text(certificate.to_json())


def _text(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

"""The first lines of an emitted file: who made it, from which spec, and a hash of the rest.

`with_header` writes it, `read_header` reads it back; a body that no longer has the hash was edited
by hand. The hash of the spec is that of the resolved spec, so it names a meaning, not a file.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.files import sha256

_MADE = "# Made by relgraph from the spec `{name}`. Edit the spec, not this file."
_SPEC = "# resolved spec: sha256 "
_BODY = "# text below: sha256 "


@dataclass(frozen=True)
class Header:
    """What the first lines say, and whether the text below still has its hash."""

    spec: str
    body: str
    intact: bool


def with_header(name: str, spec: str, body: str) -> str:
    """`body` with its header lines in front."""
    lines = [_MADE.format(name=name), f"{_SPEC}{spec}", f"{_BODY}{sha256(body)}"]
    return "\n".join(lines) + "\n" + body


def read_header(text: str) -> Header | None:
    """The header of an emitted file's text, None where there is none."""
    lines = text.split("\n", 3)
    if len(lines) < 4 or not lines[1].startswith(_SPEC) or not lines[2].startswith(_BODY):
        return None
    spec, body = lines[1].removeprefix(_SPEC), lines[2].removeprefix(_BODY)
    return Header(spec=spec, body=body, intact=sha256(lines[3]) == body)

"""A variant as the text of a spec file: what it extends, what stands elsewhere, how it came to be.

In: names, words and the entries of a fragment. Out: texts, the same for the same variant, each with
the hash of its own rest in the first line, so that an edit by hand is noticed.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from relgraph.derive.flow import Value, flow, sentence
from relgraph.derive.fragments import Fragment
from relgraph.files import sha256
from relgraph.spec.nodes import ListNode

_COLUMNS = 100
_FIRST = re.compile(r"# Made by `relgraph derive`; SHA-256 of what follows: ([0-9a-f]{16})\n")


@dataclass(frozen=True)
class Heading:
    """What stands above the entries: `comment` is the path that derived it, a line each."""

    name: str
    cite: str
    extends: str
    comment: tuple[str, ...]


def backbone_text(heading: Heading, fragment: Fragment) -> str:
    """The backbone's file."""
    lines = [*comment(heading.comment), f"backbone: {heading.name}"]
    lines += [sentence("cite", heading.cite), f"extends: {flow(heading.extends)}"]
    lines += _table("stages", fragment.stages)
    if fragment.define:
        lines.append("define:")
        for name, definition in fragment.define.items():
            lines += _definition(name, definition)
    lines += _table("replace", fragment.replace)
    lines += _table("set", fragment.set)
    return stamped("\n".join(lines) + "\n")


def comment(lines: Iterable[str]) -> Iterator[str]:
    """Sentences as comment lines; what goes on hangs two further than it began."""
    for line in lines:
        said = line.lstrip()
        first = "# " + " " * (len(line) - len(said))
        yield from textwrap.wrap(
            said, _COLUMNS - 2, initial_indent=first, subsequent_indent=f"{first}  "
        )


def _table(key: str, table: Mapping[str, Value]) -> list[str]:
    if not table:
        return []
    lines = [f"{key}:"]
    for name, value in table.items():
        line = f"  {name}: {flow(value)}"
        if len(line) > _COLUMNS and isinstance(value, tuple):
            lines += [f"  {name}:", *(f"    - {flow(item)}" for item in value)]
        else:
            lines.append(line)
    return lines


def _definition(name: str, text: Value) -> Iterator[str]:
    """A definition with an item on each line."""
    yield f"  {name}:"
    body, indent = text, "    "
    if isinstance(text, Mapping) and "body" in text:
        yield f"    params: {flow(text['params'])}"
        yield "    body:"
        body, indent = text["body"], "      "
    items = body.items if isinstance(body, ListNode) else body
    for item in items if isinstance(items, tuple) else (items,):
        yield from _item(item, indent)


def _item(item: Value, indent: str) -> Iterator[str]:
    """An item on one line; its word and its label on one each where that is too long."""
    line = f"{indent}- {flow(item)}"
    if len(line) <= _COLUMNS or not isinstance(item, Mapping):
        yield line
        return
    for number, (key, value) in enumerate(item.items()):
        yield f"{indent}{'  ' if number else '- '}{key}: {flow(value)}"


def stamped(text: str) -> str:
    """The text under a line that holds its hash."""
    return f"# Made by `relgraph derive`; SHA-256 of what follows: {sha256(text)[:16]}\n{text}"


def is_intact(text: str) -> bool:
    """Whether a text is one of ours, and as it was written."""
    first = _FIRST.match(text)
    return first is not None and sha256(text[first.end() :])[:16] == first[1]

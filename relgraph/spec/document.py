"""From a file's bytes to positioned nodes, with every mistake of the YAML itself at once.

In: a path, or text. Out: a `Document` whose nodes know line, column and the line's text. Built
from parser *events* with an own stack, never from PyYAML's constructors: those expand merge keys
and aliases without bound, let the last of two equal keys win and read `yes` as a boolean. This
module knows YAML and nothing of what a spec says.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from relgraph.errors import Place, Problem, RelgraphError
from relgraph.spec.builder import MAX_DEPTH, MAX_EVENTS, Builder, LimitReachedError, Lines
from relgraph.spec.nodes import ListNode, MapNode, Node, Plain, ScalarNode, plain

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_EVENTS",
    "Document",
    "ListNode",
    "MapNode",
    "Node",
    "Plain",
    "ScalarNode",
    "load",
    "parse_text",
    "plain",
]

MAX_BYTES = 256 * 1024
# C0 and C1 controls, YAML 1.1's odd line breaks, byte order marks and lone surrogates: never
# meant, and an odd line break would shift every line number that follows. What is refused is listed
# because it is little: the set of what is allowed takes ten times as long to compile.
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, eq=False)
class Document:
    """A file as read: where it stands, its text, and the tree of its nodes. Two are the same only
    where they are one object: what is known of a document can be kept under it."""

    path: Path
    text: str
    root: Node


def load(path: Path) -> Document:
    """Read and parse one YAML file.

    Raises RelgraphError with all problems of the YAML: unreadable or too large files, syntax,
    duplicate keys, anchors, aliases, tags, merge keys, several documents, nesting beyond 32.
    """
    return _document(path, _read(path))


@lru_cache(maxsize=64)
def _document(path: Path, text: str) -> Document:
    """Parsed once while it says the same: variants of a spec share most of its files."""
    return Document(path, text, parse_text(text, str(path)))


def parse_text(text: str, file: str) -> Node:
    """The root node of YAML `text`; `file` is what its places are called. Raises RelgraphError."""
    lines = Lines(file, text)
    _refuse_unprintable(text, lines)
    builder = _built(text, lines)
    if builder.problems:
        raise RelgraphError(builder.problems)
    if builder.root is None or _is_null(builder.root):
        raise RelgraphError(Problem("empty-file", "nothing is written here", place=lines.at(0, 0)))
    return builder.root


def _built(text: str, lines: Lines) -> Builder:
    """The fed builder. libyaml's events come first, being 15 times faster; what it refuses is read
    again by the pure Python parser, whose messages and marks are the same everywhere."""
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None:
        with contextlib.suppress(yaml.YAMLError):
            return _fed(text, lines, fast)
    builder = Builder(lines)
    try:
        return _fed(text, lines, yaml.SafeLoader, builder)
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax(error, lines))
        return builder


def _fed(text: str, lines: Lines, loader: Any, builder: Builder | None = None) -> Builder:
    builder = builder or Builder(lines)
    with contextlib.suppress(LimitReachedError):
        for event in yaml.parse(text, Loader=loader):
            builder.feed(event)
    return builder


def _read(path: Path) -> str:
    place = Place(str(path), 1, 1)
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no such file"
            raise RelgraphError(Problem("no-file", what, "expected a YAML file", place=place))
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RelgraphError(Problem("no-file", f"cannot read it: {reason}", place=place)) from None
    raw = raw.removeprefix(codecs.BOM_UTF8)  # Windows editors write one; columns count after it.
    if len(raw) > MAX_BYTES:
        found = f"the file is larger than {MAX_BYTES // 1024} KiB"
        raise RelgraphError(Problem("too-large", found, "a spec is a page or two", place=place))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = re.split(r"\r\n|\r|\n", raw[: error.start].decode("utf-8"))
        found = f"byte {raw[error.start]:#04x} is not UTF-8"
        wrong = Place(str(path), len(before), len(before[-1]) + 1)
        hint = f"save it as UTF-8{_other_encoding(raw)}"
        raise RelgraphError(Problem("not-utf8", found, hint=hint, place=wrong)) from None


def _other_encoding(raw: bytes) -> str:
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return ": this is UTF-16" if utf16 else ""


def _refuse_unprintable(text: str, lines: Lines) -> None:
    match = UNPRINTABLE.search(text)
    if match is None:
        return
    before = text[: match.start()]
    line = len(re.findall(r"\r\n|\r|\n", before))
    column = match.start() - max(before.rfind("\n"), before.rfind("\r")) - 1
    found = f"the character U+{ord(match.group()):04X}"
    raise RelgraphError(
        Problem("yaml-syntax", found, "expected printable text", place=lines.at(line, column))
    )


def _syntax(error: yaml.MarkedYAMLError, lines: Lines) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = lines.at(mark.line, mark.column) if mark else lines.at(0, 0)
    began = error.context_mark
    apart = began is not None and mark is not None and began.line != mark.line
    related = (lines.at(began.line, began.column),) if began is not None and apart else ()
    found = error.problem or "not valid YAML"
    hint = _hint(found, place)
    context = error.context or ""
    return Problem("yaml-syntax", found, context, hint, place, related)


def _hint(problem: str, place: Place) -> str:
    if "'\\t'" in problem:
        return "indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a value that holds ': ' needs braces or quotes"
    if "'@'" in problem or "'`'" in problem or "'%'" in problem:
        return "quote text that starts with this character"
    return ""


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None and not node.quoted

"""An emitted file as text with a tree over it, and edits of one place.

In: text. Out: nodes of its code in reading order (docstrings, annotations, the header and the spec
at the end are no code), and `Edit`s that replace what a node covers and nothing else, so that a
mutant reads like what a person would have left behind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

# What may stand anywhere in an expression without parentheses.
CLOSED = (ast.Attribute, ast.Call, ast.Constant, ast.List, ast.Name, ast.Subscript, ast.Tuple)


@dataclass(frozen=True)
class Edit:
    """Bytes `start` to `end` of a text give way to `new`; `line` counts from 1."""

    start: int
    end: int
    new: str
    line: int

    @property
    def key(self) -> tuple[int, int, str]:
        """Equal for two edits that make the same text."""
        return self.start, self.end, self.new

    def applied(self, text: str) -> str:
        """The text after the edit."""
        raw = text.encode()
        return (raw[: self.start] + self.new.encode() + raw[self.end :]).decode()


class Source:
    """An emitted file: its text, its tree, and where every node stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._raw = text.encode()
        starts = [0]
        for line in self._raw.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self._starts = starts

    @cached_property
    def code(self) -> tuple[ast.AST, ...]:
        """Every node of every class and function, in reading order."""
        top = [
            n for n in ast.parse(self.text).body if isinstance(n, ast.ClassDef | ast.FunctionDef)
        ]
        return tuple(node for one in top for node in _walk(one))

    def find(self, *kinds: type[Node]) -> Iterator[Node]:
        """Nodes of these kinds in all code."""
        return (node for node in self.code if isinstance(node, kinds))

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Calls of something whose last name is one of these: `F.pad`, `x.roll`, `Conv2d`."""
        return (call for call in self.find(ast.Call) if last_name(call.func) in names)

    def functions(self, *names: str) -> Iterator[ast.FunctionDef]:
        """Functions and methods of these names."""
        return (node for node in self.find(ast.FunctionDef) if node.name in names)

    def classes(self, *names: str) -> Iterator[ast.ClassDef]:
        """Classes of these names."""
        return (node for node in self.find(ast.ClassDef) if node.name in names)

    def inside(self, *functions: str) -> Iterator[ast.AST]:
        """Nodes inside functions of these names."""
        return (node for function in self.functions(*functions) for node in _walk(function))

    def sums(self, *functions: str) -> Iterator[ast.BinOp]:
        """a + b inside functions of these names."""
        for node in self.inside(*functions):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                yield node

    def constructions(self) -> Iterator[ast.Call]:
        """Calls that make layers: those inside `__init__` with keywords or a class's name."""
        for node in self.inside("__init__", "make_stages"):
            if isinstance(node, ast.Call) and last_name(node.func)[:1].isupper():
                yield node

    def options(self, *names: str) -> Iterator[ast.keyword]:
        """Keyword arguments of layers that are made."""
        for call in self.constructions():
            yield from (keyword for keyword in call.keywords if keyword.arg in names)

    def said(self, node: ast.AST) -> str:
        """The text of a node."""
        start, end = self._span(node)
        return self._raw[start:end].decode()

    def line(self, node: ast.AST) -> str:
        """The line that a node begins on."""
        number: int = node.lineno  # type: ignore[attr-defined]
        return self.text.splitlines()[number - 1]

    def around(self, edit: Edit) -> tuple[str, int]:
        """The text of the innermost function or class that an edit is in, and where in it."""
        scopes = [self._span(n) for n in self.find(ast.FunctionDef, ast.ClassDef)]
        start, end = min(
            (span for span in scopes if span[0] <= edit.start and edit.end <= span[1]),
            key=lambda span: span[1] - span[0],
        )
        return self._raw[start:end].decode(), edit.start - start

    def replace(self, node: ast.AST, new: str) -> Edit:
        """`new` for what the node says, in parentheses where an expression needs them."""
        start, end = self._span(node)
        if isinstance(node, ast.expr) and not isinstance(node, ast.Slice):
            closed = isinstance(ast.parse(new, mode="eval").body, CLOSED)
            new = new if closed else f"({new})"
        return Edit(start, end, new, node.lineno)  # type: ignore[attr-defined]

    def remove(self, statement: ast.stmt) -> Edit:
        """`pass` for a statement."""
        return self.replace(statement, "pass")

    def into(self, node: ast.AST, inner: ast.AST) -> Edit:
        """What the node holds, in its place."""
        return self.replace(node, self.said(inner))

    def insert_method(self, owner: ast.ClassDef, text: str) -> Edit:
        """A method at the end of a class; `text` is indented by the class's four spaces."""
        _, end = self._span(owner)
        lines = "\n".join(f"    {line}" for line in text.splitlines())
        return Edit(end, end, f"\n\n{lines}", owner.lineno)

    def _span(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg)
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset


def last_name(function: ast.expr) -> str:
    """`pad` of `F.pad`, `x[0].pad` and `pad`; nothing of a call's result."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def option(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument, where the call has it."""
    return next((k.value for k in call.keywords if k.arg == name), None)


def number(node: ast.AST | None) -> int | None:
    """The whole number that stands there, if one does."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def numbers(node: ast.AST) -> tuple[int, ...] | None:
    """The whole numbers of a tuple, if it is one of them."""
    if not isinstance(node, ast.Tuple):
        return None
    found = [number(one) for one in node.elts]
    return None if None in found else tuple(n for n in found if n is not None)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "ctx"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _walk(child)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

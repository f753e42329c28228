"""Lines that somebody wrote into an emitted file, and that the proof never ran.

In: the file's text, the text that relgraph would write now, and what ran. Out: a check. Of code
that never ran nothing is known: a branch for other devices, for larger maps, for the hundredth
call. What relgraph writes itself and what only raises is left out, and so is a function that nobody
calls, unless torch might.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from relgraph.verify.reached import Span
from relgraph.verify.report import Check

Function = ast.FunctionDef | ast.AsyncFunctionDef
Part = ast.stmt | ast.expr
# Statements that have no instructions, or end in an error.
IDLE = (ast.Raise, ast.Pass, ast.Global, ast.Nonlocal, ast.ClassDef, *Function.__args__)
# Of nn.Module, what only prints.
PRINTS = frozenset({"extra_repr", "__repr__", "__str__"})


@dataclass(frozen=True)
class Unreached:
    """A part of the text that never ran: its line and its text."""

    line: int
    text: str


def check_reach(text: str, fresh: str, compared: frozenset[Span], called: frozenset[Span]) -> Check:
    """Whether all that `text` has and `fresh` has not was run: where values were `compared`, or,
    for functions that no value goes through, where they were `called`."""
    found = list(unreached(text, fresh, compared, called))
    example = ""
    if found:
        example = f"line {found[0].line} never ran, so nothing is known of it: {found[0].text}"
    measured = f"{len(found)} parts never ran" if found else "all of them"
    return Check("reach", "file", "edited lines run in the proof", measured, not found, example)


def unreached(
    text: str, fresh: str, compared: frozenset[Span], called: frozenset[Span]
) -> Iterator[Unreached]:
    """Statements and arms of expressions in functions of `text` that never ran, in file order;
    those inside others that never ran are left out."""
    known = frozenset(_keys(ast.parse(fresh)))
    for function in _functions(ast.parse(text)):
        spans = compared if _was_called(function, compared) else called
        if ast.dump(function) in known or not _matters(function, spans):
            continue
        for part in _parts_never_run(function.body, known, spans):
            yield Unreached(part.lineno, (ast.get_source_segment(text, part) or "").split("\n")[0])


def _functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def _matters(function: Function, spans: frozenset[Span]) -> bool:
    """Whether a function was called, or is one that torch calls by its name."""
    return _was_called(function, spans) or (
        hasattr(nn.Module, function.name) and function.name not in PRINTS
    )


def _was_called(function: Function, spans: frozenset[Span]) -> bool:
    return any(_ran(statement, spans) for statement in function.body)


def _parts_never_run(
    body: list[ast.stmt], known: frozenset[str], spans: frozenset[Span]
) -> Iterator[Part]:
    for statement in body:
        if isinstance(statement, IDLE) or _is_blank(statement):
            continue
        if not _ran(statement, spans):
            yield statement
            return  # What follows stands or falls with it.
        yield from _inside(statement, known, spans)


def _inside(statement: ast.AST, known: frozenset[str], spans: frozenset[Span]) -> Iterator[Part]:
    """Parts that never ran of something that ran itself."""
    for node in _nodes(statement):
        for arm in _arms(node):
            if _arm_key(node, arm) in known:
                continue
            if isinstance(arm, list):
                yield from _parts_never_run(arm, known, spans)
            elif not _ran(arm, spans):
                yield arm


def _nodes(root: ast.AST) -> Iterator[ast.AST]:
    """`root` and what is inside it, without the statements that it holds and without functions."""
    yield root
    for child in ast.iter_child_nodes(root):
        if not isinstance(child, ast.stmt):
            yield from _nodes(child)


def _arms(node: ast.AST) -> Iterator[list[ast.stmt] | ast.expr]:
    """What may run or not, once `node` has begun."""
    if isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
        blocks = (getattr(node, name, None) for name in ("body", "orelse", "finalbody"))
        yield from (block for block in blocks if block)
    if isinstance(node, ast.BoolOp):
        yield from node.values[1:]
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        yield node.elt
    if isinstance(node, ast.DictComp):
        yield node.value


def _keys(tree: ast.Module) -> Iterator[str]:
    """What relgraph writes itself: functions, and arms together with what leads to them."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield ast.dump(node)
        for arm in _arms(node):
            yield _arm_key(node, arm)


def _arm_key(node: ast.AST, arm: list[ast.stmt] | ast.expr) -> str:
    condition = getattr(node, "test", None)
    led = ast.dump(node) if condition is None else ast.dump(condition)
    which = "else" if arm is getattr(node, "orelse", None) else "then"
    parts = arm if isinstance(arm, list) else [arm]
    return " ".join([type(node).__name__, led, which, *map(ast.dump, parts)])


def _ran(part: Part, spans: frozenset[Span]) -> bool:
    first, last = (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)
    return any(first <= span[:2] and span[2:] <= last for span in spans)


def _is_blank(statement: ast.stmt) -> bool:
    """A docstring, or a name that is only annotated."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)

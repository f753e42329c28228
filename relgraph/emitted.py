"""Emitted files from disk: checked as text, then loaded by path from the very bytes that were read.

No bytecode is cached (a file emitted twice within a second would otherwise run its old code), and
nothing but torch and a few modules of the standard library can be imported by what is loaded. This
module imports torch only through the file that it loads.
"""

from __future__ import annotations

import ast
import linecache
import sys
import types
from pathlib import Path

from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import sha256

ALLOWED_IMPORTS = frozenset({"__future__", "collections", "itertools", "math", "torch", "typing"})
FORBIDDEN_NAMES = frozenset(
    (
        *("__builtins__", "__import__", "breakpoint", "compile", "delattr", "eval", "exec"),
        *("getattr", "globals", "input", "locals", "open", "setattr", "vars"),
    )
)

# torch's own doors to files, processes and the interpreter.
FORBIDDEN_ATTRIBUTES = frozenset(
    (
        *("builtins", "cpp_extension", "hub", "importlib", "inductor", "io", "jit", "load"),
        *("load_library", "ops", "os", "package", "pickle", "popen", "save", "serialization"),
        *("subprocess", "sys", "system"),
    )
)


def check_source(text: str, file: str) -> ast.Module:
    """Refuse text that is more than a model: other imports, dynamic execution, file access.

    Raises RelgraphError with every such place.
    """
    try:
        tree = ast.parse(text, filename=file)
    except SyntaxError as error:
        place = Place(file, error.lineno or 1, error.offset or 1, None, (error.text or "").rstrip())
        raise RelgraphError(Problem("not-python", str(error.msg), place=place)) from None
    problems = [
        Problem("not-a-model", found, "torch, math and the like only", "", _place(node, file, text))
        for node in ast.walk(tree)
        for found in _suspicious(node)
    ]
    if problems:
        raise RelgraphError(problems)
    return tree


def read_source(path: Path) -> str:
    """The text of an emitted file. Raises RelgraphError where there is none."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        place = Place(str(path), 1, 1)
        raise RelgraphError(Problem("unreadable", str(reason), place=place)) from None


def load_emitted(path: Path) -> types.ModuleType:
    """The module that the bytes of `path` define, checked first."""
    return load_text(read_source(path), str(path))


def load_text(text: str, file: str) -> types.ModuleType:
    """The module that `text` defines; tracebacks and `inspect` show it under `file`."""
    tree = check_source(text, file)
    name = f"relgraph_emitted_{sha256(text)[:16]}"
    shown = f"{file}#{sha256(text)[:8]}"
    linecache.cache[shown] = (len(text), None, text.splitlines(True), shown)
    module = types.ModuleType(name)
    module.__file__ = file
    # Classes must find their module by name (pickling by torch.save, torch.export, typing).
    sys.modules[name] = module
    exec(compile(tree, shown, "exec", dont_inherit=True), module.__dict__)
    return module


def _suspicious(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [f"import {a.name}" for a in node.names if not _is_allowed(a.name)]
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        wanted = [f"{module}.{alias.name}" for alias in node.names]
        return [f"from {module} import" for name in wanted if not _is_allowed(name)][:1]
    if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
        return [node.id]
    if isinstance(node, ast.Attribute) and _is_hidden(node.attr):
        return [f"the attribute {node.attr}"]
    return []


def _is_allowed(name: str) -> bool:
    """Whether a dotted name may be imported: a known root, and no door to the outside below it."""
    root, *rest = name.split(".")
    return root in ALLOWED_IMPORTS and not FORBIDDEN_ATTRIBUTES.intersection(rest)


def _is_hidden(name: str) -> bool:
    """Double-underscore attributes reach the interpreter; `__init__` of a parent does not."""
    if name in FORBIDDEN_ATTRIBUTES:
        return True
    return name.startswith("__") and name.endswith("__") and name != "__init__"


def _place(node: ast.AST, file: str, text: str) -> Place:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    end = getattr(node, "end_col_offset", None)
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    return Place(file, line, column + 1, end and end + 1, shown)

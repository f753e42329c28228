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
        *("_C", "_dynamo", "_inductor", "builtins", "cpp_extension", "hub", "importlib"),
        *("inductor", "io", "jit", "load", "load_library", "ops", "os", "package", "pickle"),
        *("popen", "save", "serialization", "subprocess", "sys", "system"),
        # Settings of the whole process: a model that turns them changes other models.
        *("manual_seed", "seed", "set_default_device", "set_default_dtype", "set_flush_denormal"),
        *("set_default_tensor_type", "set_float32_matmul_precision", "set_num_interop_threads"),
        *("set_num_threads", "set_printoptions", "set_rng_state", "use_deterministic_algorithms"),
    )
)
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.Assign, ast.AnnAssign)


def check_source(text: str, file: str) -> ast.Module:
    """Refuse text that is more than a model: other imports, dynamic execution, file access,
    statements that act when the file is imported, changes of what others import.

    Raises RelgraphError with every such place.
    """
    try:
        tree = ast.parse(text, filename=file)
    except SyntaxError as error:
        place = Place(file, error.lineno or 1, error.offset or 1, None, (error.text or "").rstrip())
        raise RelgraphError(Problem("not-python", str(error.msg), place=place)) from None
    imported = _imported(tree)
    found = [(node, words) for node in ast.walk(tree) for words in _suspicious(node, imported)]
    told = {getattr(node, "lineno", 1) for node, _ in found}
    acting = [node for node in _acting(tree) if node.lineno not in told]
    found += [(node, "a statement that acts on import") for node in acting]
    expected = "torch, math and the like only, in definitions"
    problems = [
        Problem("not-a-model", words, expected, "", _place(node, file, text))
        for node, words in found
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


def _imported(tree: ast.Module) -> frozenset[str]:
    """The names that imports bind, anywhere in the file."""
    aliases = [
        alias
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    return frozenset(alias.asname or alias.name.partition(".")[0] for alias in aliases)


def _acting(body: ast.Module | ast.ClassDef) -> list[ast.stmt]:
    """Statements outside functions that are no definitions; docstrings are none either."""
    found: list[ast.stmt] = []
    for node in body.body:
        if isinstance(node, ast.ClassDef):
            found += _acting(node)
        elif not isinstance(node, DEFINITIONS) and not _is_idle(node):
            found.append(node)
    return found


def _is_idle(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    literal = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return literal or isinstance(node, ast.Pass)


def _changed(node: ast.AST, imported: frozenset[str]) -> list[str]:
    """What an assignment changes of imported modules and classes: `F.gelu = F.relu`."""
    if isinstance(node, ast.Assign | ast.Delete):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    return [
        f"a change of {ast.unparse(target)}"
        for target in targets
        if isinstance(target, ast.Attribute | ast.Subscript) and _root(target) in imported
    ]


def _root(node: ast.expr) -> str:
    """The first name of `a.b[c].d`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _suspicious(node: ast.AST, imported: frozenset[str]) -> list[str]:
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
    return _changed(node, imported)


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

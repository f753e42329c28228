"""The layout is the pipeline: who may import whom, read from the source with `ast`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import relgraph

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "relgraph"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
EMITTED = sorted((ROOT / "generated").glob("*.py"))

# From the bottom up: a module may import what stands before it, and its own layer.
LAYERS = (
    "errors",
    "files",
    "shipped",
    "data",
    "algebra",
    "relations",
    "spec",
    "resolved",
    "resolve",
    "program",
    "assemble",
    "understanding",
    "lower",
    "tuned",
    "emit",
    "emitted",
    "pipeline",
    "graph",
    "derive",
    "certificate",
    "inference",
    "verify",
    "train",
    "export",
    "transfer",
    "probe",
    "optimize",
    "bench",
    "demo",
    "cli",
    "__main__",
)

# What the order alone would allow, and why it is refused: (importers, forbidden, reason).
REFUSED = (
    (
        ("verify.oracle",),
        ("algebra.", "spec", "resolve", "assemble", "lower", "emit", "pipeline"),
        "the oracle shares no code with what it judges",
    ),
    (
        ("verify.reference", "verify.elements"),
        ("lower", "emit", "pipeline"),
        "the reference interpreter shares no code with what it judges",
    ),
    (
        ("train",),
        ("resolve", "assemble", "lower", "emit", "pipeline", "verify", "export"),
        "training takes an emitted file by path, and needs nothing that made it",
    ),
    (("emitted",), ("lower", "emit", "assemble"), "a file is loaded without what wrote it"),
)
# Frozen values of the algebra are the language in which the oracle is asked.
VALUES = ("algebra.operator",)

RUNS_MODELS = (
    "verify",
    "train",
    "export",
    "transfer",
    "optimize",
    "bench",
    "probe",
    "demo",
    "emitted",
)
# What computes in layers that otherwise need no torch.
COMPUTES = ("data.idx", "data.make_subset", "inference.weights")
HEAVY = ("torch", "numpy", "networkx", "timm", "torchvision", "lightning_fabric", "onnx")
# Together a fifth of a second: recipes need the first, tables on a terminal the second.
SLOW_TO_START = ("pydantic", "rich")


def dotted(path: Path) -> str:
    """`verify.oracle` for relgraph/verify/oracle.py; `verify` for its __init__."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(name: str) -> str:
    return name.split(".")[0]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """Every imported module's full name, and whether it is imported with the module."""
    return tuple(_imports(parsed(path), path, at_import=True))


def _imports(within: ast.AST, path: Path, at_import: bool) -> Iterator[tuple[str, bool]]:
    for node in ast.iter_child_nodes(within):
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from ((full, at_import) for full in _targets(node))
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types(node)
            yield from _imports(node, path, at_import and not later)


def _targets(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    for alias in node.names:
        # `from relgraph import files` names a module, `from relgraph.files import sha256` does not.
        is_module = (ROOT / Path(*module.split("."), alias.name)).with_suffix(".py").is_file()
        yield f"{module}.{alias.name}" if is_module or module == "relgraph" else module


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def own(path: Path) -> Iterator[str]:
    """Imports from relgraph itself, without the package's name."""
    for name, _ in imports(path):
        if name.startswith("relgraph."):
            yield name.removeprefix("relgraph.")


def begins(name: str, prefix: str) -> bool:
    return (
        name == prefix
        or name.startswith((prefix + ".", prefix + "_"))
        or (prefix.endswith(".") and name.startswith(prefix))
    )


def rank(name: str) -> int:
    assert layer(name) in LAYERS, f"{name}: a new layer needs a place in LAYERS"
    return LAYERS.index(layer(name))


def test_imports_point_down() -> None:
    # The package itself re-exports lazily; see test_import_is_light.
    pairs = ((name, to) for path in MODULES if (name := dotted(path)) for to in own(path))
    upward = [
        f"{name} imports {imported}"
        for name, imported in pairs
        if imported != "__version__" and rank(imported) > rank(name)
    ]
    assert upward == []


@pytest.mark.parametrize(("importers", "forbidden", "reason"), REFUSED)
def test_refused_imports(
    importers: tuple[str, ...], forbidden: tuple[str, ...], reason: str
) -> None:
    concerned = [p for p in MODULES if any(begins(dotted(p), name) for name in importers)]
    assert concerned, f"no module is called like {importers}"
    for path in concerned:
        for imported in own(path):
            hit = any(begins(imported, prefix) for prefix in forbidden) and imported not in VALUES
            assert not hit, f"{dotted(path)} imports {imported}: {reason}"


def test_only_what_runs_models_imports_heavy_packages() -> None:
    others = {
        name: path
        for path in MODULES
        if layer(name := dotted(path)) not in RUNS_MODELS and name not in COMPUTES
    }
    heavy = [
        f"{name} imports {imported}"
        for name, path in others.items()
        for imported, at_import in imports(path)
        if imported.split(".")[0] in HEAVY and (at_import or imported not in ON_REQUEST)
    ]
    assert heavy == []


# What a graph is handed on as: imported inside the one function that is asked for it.
ON_REQUEST = ("networkx",)

LIGHT = """
import sys
{code}
loaded = sorted(set({heavy!r}) & set(sys.modules))
assert not loaded, loaded
"""
# 1: the thing checked is false, as `generate --check` says of a file that is not there.
RUN = "from relgraph.cli.process import run; assert run({!r}.split()) in (0, 1)"
WITHOUT_A_MODEL = (
    "import relgraph",
    "import relgraph.cli.app",
    *map(
        RUN.format,
        (
            "--help",
            "--version",
            "train --help",
            "list",
            "check swin_tiny",
            "check local_attention",
            "show local_attention",
            "show swin_tiny",
            "cost resnet50 --json",
            "generate vit_base --check",
            "new backbone own",
            "schema",
            "path swin_tiny dwnet_tiny",
            "where swin_tiny",
            "neighbours local_attention",
            "graph --published",
            "derive swin_fashion --relation freeze --limit 5",
        ),
    ),
)


def start(code: str, heavy: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIGHT.format(code=code, heavy=heavy)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", WITHOUT_A_MODEL)
def test_import_is_light(code: str, tmp_path: Path) -> None:
    done = start(code, HEAVY + SLOW_TO_START, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_recipe_is_shown_without_what_trains_it(tmp_path: Path) -> None:
    done = start(RUN.format("show fashion_demo"), HEAVY, tmp_path)
    assert done.returncode == 0, done.stderr


def test_files_are_small_and_say_what_they_are() -> None:
    lengths = {dotted(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines >= 400} == {}
    silent = [dotted(path) for path in MODULES if not ast.get_docstring(parsed(path))]
    assert silent == [], "a module says what goes in and what comes out"


def public(path: Path) -> list[str]:
    """The names in `__all__`."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def test_lists_of_public_names_are_sorted() -> None:
    for path in MODULES:
        # Constants, then classes, then functions, as ruff sorts them.
        names = sorted(public(path), key=lambda n: (not n.isupper(), n.islower(), n))
        assert public(path) == names, dotted(path)


def test_no_module_hides_a_public_name_of_its_package() -> None:
    # Importing package.NAME would set the package's attribute NAME to the module.
    for path in MODULES:
        if path.name == "__init__.py":
            modules = {beside.stem for beside in path.parent.glob("*.py")}
            modules |= {beside.parent.name for beside in path.parent.glob("*/__init__.py")}
            assert not modules & set(public(path)), dotted(path)


def test_public_names_exist() -> None:
    assert list(relgraph.__all__) == sorted(relgraph.__all__)
    for name in relgraph.__all__:
        assert getattr(relgraph, name) is not None


def test_emitted_files_import_torch_and_the_standard_library_only() -> None:
    assert EMITTED
    tops = {name.split(".")[0] for path in EMITTED for name, _ in imports(path)}
    assert tops - {"torch"} <= sys.stdlib_module_names


def test_functions_of_emitted_files_are_short() -> None:
    for path in EMITTED:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length < 40, f"{path.name}: {node.name} has {length} lines"


def test_tests_can_fail() -> None:
    assert [told for path in TESTS for told in blind(path)] == []


SAID = ast.Constant | ast.JoinedStr | ast.Tuple  # true, whatever happens


def blind(path: Path) -> Iterator[str]:
    """Lines of a test that hold whatever happens."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Assert) and isinstance(node.test, SAID):
            yield f"{path.name}, line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ExceptHandler) and all(isinstance(e, ast.Pass) for e in node.body):
            yield f"{path.name}, line {node.lineno} swallows what it catches"

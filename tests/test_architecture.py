"""The layout is the pipeline: who may import whom, read from the source with `ast`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
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


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module's full name, and whether the import stands at module level."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    guarded = {
        id(node) for block in ast.walk(tree) if is_for_types(block) for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        at_import = id(node) not in inside and id(node) not in guarded
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from ((full, at_import) for full in _targets(node))


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


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_imports_point_down(path: Path) -> None:
    name = dotted(path)
    if not name:
        return  # the package itself re-exports lazily; see test_import_is_light
    assert layer(name) in LAYERS, "a new layer needs a place in LAYERS"
    rank = LAYERS.index(layer(name))
    for imported in own(path):
        if imported == "__version__":
            continue
        assert LAYERS.index(layer(imported)) <= rank, f"{name} imports {imported}"


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


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_only_what_runs_models_imports_heavy_packages(path: Path) -> None:
    name = dotted(path)
    if layer(name) in RUNS_MODELS or name in COMPUTES:
        return
    heavy = {
        imported
        for imported, at_import in imports(path)
        if imported.split(".")[0] in HEAVY and (at_import or imported not in ON_REQUEST)
    }
    assert not heavy, f"{name} imports {heavy}"


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


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) < 400
    assert ast.get_docstring(ast.parse(text)), "a module says what goes in and what comes out"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_lists_of_public_names_are_sorted(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            # Constants, then classes, then functions, as ruff sorts them.
            assert list(names) == sorted(names, key=lambda n: (not n.isupper(), n.islower(), n))


PACKAGES = [path for path in MODULES if path.name == "__init__.py"]


@pytest.mark.parametrize("path", PACKAGES, ids=dotted)
def test_no_module_hides_a_public_name_of_its_package(path: Path) -> None:
    # Importing package.NAME would set the package's attribute NAME to the module.
    modules = {beside.stem for beside in path.parent.glob("*.py")}
    modules |= {beside.parent.name for beside in path.parent.glob("*/__init__.py")}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            assert not modules & set(ast.literal_eval(node.value))


def test_public_names_exist() -> None:
    assert list(relgraph.__all__) == sorted(relgraph.__all__)
    for name in relgraph.__all__:
        assert getattr(relgraph, name) is not None


@pytest.mark.parametrize("path", EMITTED, ids=lambda path: path.stem)
def test_emitted_files_import_torch_and_the_standard_library_only(path: Path) -> None:
    for name, _ in imports(path):
        top = name.split(".")[0]
        assert top == "torch" or top in sys.stdlib_module_names, name


@pytest.mark.parametrize("path", EMITTED, ids=lambda path: path.stem)
def test_functions_of_emitted_files_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length < 40, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_tests_can_fail(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            assert not isinstance(node.test, ast.Constant | ast.JoinedStr | ast.Tuple), (
                f"line {node.lineno}: {ast.unparse(node)}"
            )
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                silent = all(isinstance(line, ast.Pass) for line in handler.body)
                assert not silent, f"line {handler.lineno} swallows what it catches"

"""What an emitted file asks of the machine that it runs on, where relgraph's own text does not.

In: the file's text, and the text that relgraph would write now. Out: a check that names each line.
The proof runs on one machine and sees one answer; a model that takes others into account may be
another model elsewhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from relgraph.verify.report import Check

# Attributes of tensors, devices and torch whose value depends on where the file runs.
ASKS = frozenset(
    (
        *("is_cuda", "is_cpu", "is_mps", "is_xpu", "is_xla", "is_hpu", "is_ipu", "is_mkldnn"),
        *("get_device", "device_count", "current_device", "get_device_name", "cuda", "mps"),
        *("is_available", "get_device_capability", "get_device_properties", "backends", "version"),
        *("get_num_threads", "get_num_interop_threads", "initial_seed", "get_rng_state"),
        *("data_ptr", "untyped_storage", "storage"),
    )
)
# Names of the standard language that answer otherwise from run to run.
NAMES = frozenset({"id", "hash", "__file__", "__name__"})
# Of a device: its kind and its number.
DEVICE = frozenset({"type", "index"})


@dataclass(frozen=True)
class Question:
    """A place where a file asks: its line, and the words."""

    line: int
    words: str


def check_machine(text: str, fresh: str) -> Check:
    """Whether the file asks nothing of the machine but what relgraph itself would ask."""
    found = [one for one in questions(text) if one.words not in {o.words for o in questions(fresh)}]
    example = ""
    if found:
        example = f"line {found[0].line} asks for {found[0].words}, which differs between machines"
    measured = f"{len(found)} questions" if found else "none"
    declared = "no question about the machine"
    return Check("machine", "file", declared, measured, not found, example)


def questions(text: str) -> Iterator[Question]:
    """Every place that asks for a device, the build of torch, or an address. The kind of a device
    may be handed to `autocast`, which wants it."""
    tree = ast.parse(text)
    allowed = set(_given_to_autocast(tree))
    for node in ast.walk(tree):
        if node not in allowed and _asks(node):
            assert isinstance(node, ast.expr)
            yield Question(node.lineno, ast.unparse(node))


def _asks(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in NAMES
    if isinstance(node, ast.Attribute):
        return node.attr in ASKS or (node.attr in DEVICE and _is_device(node.value))
    return isinstance(node, ast.Compare) and any(map(_is_device, (node.left, *node.comparators)))


def _is_device(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "device"


def _given_to_autocast(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("autocast"):
            yield from (inner for value in node.args for inner in ast.walk(value))
            yield from (inner for one in node.keywords for inner in ast.walk(one.value))

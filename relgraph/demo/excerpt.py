"""The part of an emitted file that shows what its spec is about: its block, and what it is made of.

In: emitted text. Out: source text of a class or two, as they stand in the file.
"""

from __future__ import annotations

import ast

MAX_LINES = 44


def block_of(text: str) -> str:
    """The first block class of an emitted file, and before it the class of the definition that it
    uses, where both are short enough to be read at a glance."""
    classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    block = next((node for node in classes.values() if _begins(node, "Block")), None)
    if block is None:
        return ""
    used = [classes[name] for name in _constructed(block) if _begins(classes.get(name), "Part")]
    shown = [*used[:1], block]
    parts = [ast.get_source_segment(text, node) or "" for node in shown]
    if sum(part.count("\n") + 1 for part in parts) > MAX_LINES:
        parts = parts[-1:]
    return "\n\n\n".join(parts)


def _begins(node: ast.ClassDef | None, word: str) -> bool:
    return node is not None and (ast.get_docstring(node) or "").startswith(word)


def _constructed(block: ast.ClassDef) -> list[str]:
    """Names of the functions and classes that a class calls, in order."""
    return [
        node.func.id
        for node in ast.walk(block)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]

"""Names of emitted classes: the spec's own words, with what tells variants apart.

Goes in: the groups of drafts, one group a class. Comes out: one name each, deterministic, legal
Python, clashing with nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from relgraph.emit.draft import Draft
from relgraph.emit.text import camel
from relgraph.program import Body, Residual

_ROLES = {"stem": "Stem", "downsample": "Downsample", "after": "StageEnd", "reduce": "Reduce"}


def class_names(groups: list[list[Draft]], taken: Iterable[str]) -> list[str]:
    """A class name for every group, in order."""
    bases = [_base(group[0]) for group in groups]
    shared = {base for base, count in Counter(bases).items() if count > 1}
    used = set(taken)
    names: list[str] = []
    for group, base in zip(groups, bases, strict=True):
        wish = _variant(base, group[0], used) if base in shared else base
        names.append(_free(wish, used))
        used.add(names[-1])
    return names


def _base(draft: Draft) -> str:
    scope = draft.scope
    if scope.role in _ROLES:
        return _ROLES[scope.role]
    name = camel(scope.name)
    if scope.role == "block" and not name.endswith("Block"):
        return f"{name}Block"
    return name


def _variant(base: str, draft: Draft, used: set[str]) -> str:
    """The name of one of several classes with one word: what changes the shape says so."""
    if _has_shortcut(draft.scope.body):
        return f"Projection{base}"
    if base not in used:
        return base
    return f"{base}Variant"


def _free(wish: str, used: set[str]) -> str:
    if wish not in used:
        return wish
    number = 2
    while f"{wish}{number}" in used:
        number += 1
    return f"{wish}{number}"


def _has_shortcut(body: Body) -> bool:
    return any(isinstance(node, Residual) and bool(node.shortcut) for node in body)

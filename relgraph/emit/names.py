"""Names of emitted classes: the spec's own words, with what tells variants apart.

Goes in: the groups of drafts, one group a class. Comes out: one name each, deterministic, legal
Python, clashing with nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from relgraph.assemble.naming import modules
from relgraph.emit.draft import Draft, Member
from relgraph.emit.text import camel
from relgraph.program import Body, Connect, Element, Residual

_ROLES = {"stem": "Stem", "downsample": "Downsample", "after": "StageEnd", "reduce": "Reduce"}


def class_names(groups: list[list[Draft]], taken: Iterable[str]) -> list[str]:
    """A class name for every group, in order."""
    bases = [_base(group[0]) for group in groups]
    shared = {base for base, count in Counter(bases).items() if count > 1}
    used = set(taken)
    plain: dict[str, Draft] = {}
    for group, base in zip(groups, bases, strict=True):  # What starts as usual is the plain one.
        if not (_rules(group[0]) or _is_strided(group[0]) or _has_shortcut(group[0].scope.body)):
            plain.setdefault(base, group[0])
    names: list[str] = []
    for group, base in zip(groups, bases, strict=True):
        wish = _variant(base, group[0], plain) if base in shared else base
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


def _variant(base: str, draft: Draft, plain: dict[str, Draft]) -> str:
    """The name of one of several classes with one word: what it does that the plain one does not.

    `plain` holds the draft that got the bare name, by name.
    """
    if _is_strided(draft):
        return f"Strided{base}"
    if _has_shortcut(draft.scope.body):
        return f"Projection{base}"
    first = plain.setdefault(base, draft)
    if first is draft:
        return base
    return f"{_difference(first, draft)}{base}"


def _difference(first: Draft, other: Draft) -> str:
    """The class of the first member that the plain draft does not have."""
    known = {_constructor(member) for member in first.members}
    own = [_constructor(member) for member in other.members]
    started = {*_rules(first)} ^ {*_rules(other)}
    rule = next((rule for rule in _rules(other) if rule in started), "plain")
    otherwise = f"{camel(rule)}Started" if started else "Other"
    return next((name for name in own if name and name not in known), otherwise)


def _rules(draft: Draft) -> list[str]:
    """The rules by which weights inside start, where the spec has one."""
    within = [node for inner in draft.within() for node in modules(inner.scope.body)]
    rules = [node.init for node in within if isinstance(node, Connect | Element) and node.init]
    return [rule if isinstance(rule, str) else rule[0] for rule in rules]


def _constructor(member: Member) -> str:
    if member.module is not None:
        return member.module.constructor.removeprefix("nn.")
    return camel(member.nested.scope.name) if member.nested is not None else ""


def _is_strided(draft: Draft) -> bool:
    before, after = draft.scope.input.grid, draft.scope.output.grid
    return draft.scope.role == "block" and before is not None and after != before


def _free(wish: str, used: set[str]) -> str:
    if wish not in used:
        return wish
    number = 2
    while f"{wish}{number}" in used:
        number += 1
    return f"{wish}{number}"


def _has_shortcut(body: Body) -> bool:
    return any(isinstance(node, Residual) and bool(node.shortcut) for node in body)

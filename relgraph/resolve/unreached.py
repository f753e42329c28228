"""Mistakes in what the walk over the model does not reach: definitions that nothing uses, and
edits whose address hits nothing.

In: the merged chain after its walk. They are read without their place in the model, so only what
would be wrong at any place is told: words and fields that do not exist, values that cannot be.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from relgraph.errors import Place
from relgraph.resolve.arguments import unknown_field
from relgraph.resolve.bodies import build_body
from relgraph.resolve.chain import Merged
from relgraph.resolve.checks import fields_of
from relgraph.resolve.context import Context, Spot
from relgraph.resolve.edits import Edit
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.scope import Closure, Definition, Env, Home, Section
from relgraph.spec.nodes import MapNode, Node

# An ordinary width would do as well: what follows from widths is not told.
WIDTH = 5040
ANYWHERE = frozenset(
    [
        "bad-item",
        "bad-label",
        "bad-value",
        "missing-field",
        "no-main-field",
        "not-supported",
        "null-item",
        "null-value",
        "two-words",
        "unknown-field",
        "unknown-variable",
        "unknown-word",
    ]
)


def check_unreached(merged: Merged, context: Context) -> None:
    """Read the top file's unused definitions and the edits that hit nothing."""
    findings = context.findings
    for edit in merged.edits:
        if edit.home.level == merged.top and not findings.hits[edit.number]:
            _check_edit(edit, merged, context)
    for definition in merged.definitions.values():
        own = definition.home.level == merged.top and not definition.broken
        if own and definition.name not in findings.used:
            _check_definition(definition, merged, context)


def _check_edit(edit: Edit, merged: Merged, context: Context) -> None:
    if edit.kind == "replace":
        _look_over(edit.node, _anywhere(merged, edit.home), context)
        return
    word = edit.address[-1]
    legal = fields_of(word, merged, context)
    if legal is None or not isinstance(edit.node, MapNode):
        return  # a label, or nothing that is known: any field may be right
    for key, _ in edit.node.entries:
        if key.value not in legal:
            unknown_field(word, key, sorted(legal), context.findings)


def _check_definition(definition: Definition, merged: Merged, context: Context) -> None:
    around = _anywhere(merged, definition.home)
    names = {name: Closure(node, around, default=True) for name, node in definition.params}
    # A default that no use leaves standing may be anything.
    defaults = frozenset(node.place for _, node in definition.params)
    _look_over(definition.body, replace(around, names=names), context, defaults)


def _look_over(body: Node, env: Env, context: Context, but: frozenset[Place] = frozenset()) -> None:
    """Build a body for what is told on the way, and keep what holds anywhere."""
    apart = Findings()
    with suppress(RefusedError):  # it is among the problems
        build_body(Closure(body, env), WIDTH, Spot(), replace(context, findings=apart))
    for problem in apart.errors():
        if problem.code in ANYWHERE and problem.place not in but:
            context.findings.add(problem)


def _anywhere(merged: Merged, home: Home) -> Env:
    """What names mean at no place in particular: the variables of every stage."""
    variables = dict(merged.params)
    for row in merged.rows:
        variables |= row.variables
    return Env(home, Section("", WIDTH, 1, variables, WIDTH), WIDTH, {})

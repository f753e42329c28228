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
        "expansion-cycle",
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
    # One budget of items for all that nothing reaches, however its definitions multiply.
    apart = replace(context, findings=Findings())
    for edit in merged.edits:
        if edit.home.level == merged.top and not context.findings.hits[edit.number]:
            _check_edit(edit, merged, context, apart)
    defaults: set[Place] = set()
    for definition in merged.definitions.values():
        own = definition.home.level == merged.top and not definition.broken
        if own and definition.name not in context.findings.used | apart.findings.used:
            _look_over(definition.body, _alone(definition, merged), apart)
        # A default that no use leaves standing may be anything.
        defaults |= {node.place for _, node in definition.params}
    for problem in apart.findings.errors():
        if problem.code in ANYWHERE and problem.place not in defaults:
            context.findings.add(problem)


def _check_edit(edit: Edit, merged: Merged, context: Context, apart: Context) -> None:
    if edit.kind == "replace":
        _look_over(edit.node, _anywhere(merged, edit.home), apart)
        return
    word = edit.address[-1]
    legal = fields_of(word, merged, context)
    if legal is None or not isinstance(edit.node, MapNode):
        return  # a label, or nothing that is known: any field may be right
    for key, _ in edit.node.entries:
        if key.value not in legal:
            unknown_field(word, key, sorted(legal), context.findings)


def _alone(definition: Definition, merged: Merged) -> Env:
    around = _anywhere(merged, definition.home)
    names = {name: Closure(node, around, default=True) for name, node in definition.params}
    return replace(around, names=names)


def _look_over(body: Node, env: Env, apart: Context) -> None:
    """Build a body for what is told on the way."""
    with suppress(RefusedError):  # it is among the problems
        build_body(Closure(body, env), WIDTH, Spot(), apart)


def _anywhere(merged: Merged, home: Home) -> Env:
    """What names mean at no place in particular: the variables of every stage."""
    variables = dict(merged.params)
    for row in merged.rows:
        variables |= row.variables
    return Env(home, Section("", WIDTH, 1, variables, WIDTH), WIDTH, {})

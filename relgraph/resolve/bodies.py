"""Walks a body item by item: expands names, applies edits, threads the width through.

In: a closure that holds a body, the width that enters it, and the spot in the model. Out: resolved
nodes and the width that leaves. After a refused item the walk goes on with an unknown width, so
that all mistakes of a file are found at once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from relgraph.errors import RelgraphError
from relgraph.resolve.arguments import read_fields
from relgraph.resolve.context import (
    Built,
    Context,
    Spot,
    check_nesting,
    note_addresses,
    replacement,
)
from relgraph.resolve.definitions import build_definition
from relgraph.resolve.edits import Edit
from relgraph.resolve.elements import build_element
from relgraph.resolve.findings import RefusedError
from relgraph.resolve.items import Item, body_nodes, parse_item
from relgraph.resolve.library import find_spec
from relgraph.resolve.operator_file import OperatorFile
from relgraph.resolve.operators import build_operator, operator_file
from relgraph.resolve.scope import Closure, Env, Width, force, reference
from relgraph.resolve.structure import build_structure
from relgraph.resolve.use import Use, names_of
from relgraph.resolved import Scope, Unknown
from relgraph.spec.nodes import ListNode, MapNode, ScalarNode
from relgraph.spec.other_names import meant
from relgraph.spec.words import ELEMENTS, NOT_YET, STRUCTURE, WORDS

STRUCTURE_WORDS = frozenset(word.name for word in STRUCTURE)


def build_body(body: Closure, width: Width, spot: Spot, context: Context) -> Built:
    """The nodes of a body. Raises RefusedError only where nothing of it could be read."""
    check_nesting(spot, body.place, context)
    forced = force(body, context.findings)
    built = Built((), width)
    for node in body_nodes(forced.node):
        built = _next(Closure(node, forced.env), built, spot, context)
    return built


def _next(item: Closure, before: Built, spot: Spot, context: Context) -> Built:
    try:
        made = _build_item(item, before.width, spot, context)
    except RefusedError:
        return Built((*before.nodes, Unknown(place=item.place)), None)
    return Built(before.nodes + made.nodes, made.width)


def _build_item(item: Closure, width: Width, spot: Spot, context: Context) -> Built:
    if reference(item.node) is not None or isinstance(item.node, ListNode):
        forced = force(item, context.findings)
        if isinstance(forced.node, ListNode):
            return build_body(forced, width, spot.inside(), context)
        item = forced
    parsed = parse_item(item.node, context.findings)
    return _build_use(parsed, item.env, width, spot, context)


def _build_use(item: Item, env: Env, width: Width, spot: Spot, context: Context) -> Built:
    """One item with its word known: replaced by an edit of a later file, or built."""
    context.findings.count_item(item.place)
    names = names_of(item.word, item.label)
    note_addresses(names, env, spot, context)
    edit = replacement(names, env, spot, context)
    if edit is not None:
        return _replaced(edit, item.label, env, width, spot, context)
    use = Use(item, env, width, spot, context, build_body)
    if item.word in ELEMENTS:
        return build_element(use)
    if item.word == "fit":
        return _fit(use)
    if item.word in STRUCTURE_WORDS:
        return build_structure(use)
    if item.word in env.home.definitions:
        return build_definition(use, env.home.definitions[item.word])
    return _operator(use)


def _replaced(
    edit: Edit, label: str | None, env: Env, width: Width, spot: Spot, context: Context
) -> Built:
    """What an edit puts where an item stood. The label stays; several items get it together."""
    new = Closure(edit.node, env.at_level(edit.home))
    nodes = body_nodes(new.node)
    if label is None or not nodes:
        return build_body(new, width, spot.inside(), context)
    if len(nodes) == 1 and isinstance(nodes[0], ScalarNode | MapNode):
        single = force(Closure(nodes[0], new.env), context.findings)
        if not isinstance(single.node, ListNode):
            item = parse_item(single.node, context.findings)
            named = replace(item, label=item.label or label)
            return _build_use(named, single.env, width, spot, context)
        new = single
    return _labelled(new, label, width, spot, context)


def _labelled(new: Closure, label: str, width: Width, spot: Spot, context: Context) -> Built:
    """A body of several items under one label; a later file may replace it by that label."""
    names = frozenset((label,))
    note_addresses(names, new.env, spot, context)
    edit = replacement(names, new.env, spot, context)
    if edit is not None:
        return _replaced(edit, label, new.env, width, spot, context)
    built = build_body(new, width, spot.inside(label), context)
    node = Scope(label=label, place=new.place, name=label, kind="definition", body=built.nodes)
    return Built((node,), built.width)


def _fit(use: Use) -> Built:
    """`fit: channels`: nothing where the width is right already, else a point-wise layer."""
    word = WORDS["fit"]
    given = use.arguments((field.name for field in word.fields), word.main)
    own = use.own_start(given)
    wanted = read_fields(use.item, word.fields, given, use.findings)["channels"]
    assert isinstance(wanted, int)
    if use.width == wanted:
        return Built((), wanted)
    layer = replace(use.item, word="pointwise", value=ScalarNode(wanted, use.place))
    built = _operator(replace(use, item=layer))
    return built if own is None else own.told(built)


def _check_file_name(use: Use, file: OperatorFile) -> None:
    """Operators are found by their file's name: it must be the operator's."""
    if file.name != file.path.stem:
        raise use.findings.refuse(
            "name-differs",
            file.place,
            f"the operator {file.name} in the file {file.path.name}",
            f"expected {file.name}.yaml",
        )


def _operator(use: Use) -> Built:
    """A use of an operator file, or an unknown word."""
    word, near = use.item.word, use.env.home.path.parent
    if word in NOT_YET:
        raise use.findings.refuse(
            "not-supported",
            use.place,
            f"{word} is not supported yet",
            "expected a single resolution",
        )
    if word.startswith("$"):
        raise use.findings.refuse(
            "bad-item",
            use.place,
            f"{word} with arguments",
            f"expected {word} alone, or another word",
        )
    if not use.context.library.find("operators", word, near):
        known = [*WORDS, *use.env.home.definitions, *use.context.library.names("operators", near)]
        hint = _no_such_word(word, known)
        raise use.findings.refuse("unknown-word", use.place, f"{word} is no word here", hint=hint)
    with use.findings.used_at(use.place):
        return _of_file(use, near)


def _no_such_word(word: str, known: list[str]) -> str:
    if word.lower() in ("identity", "none", "nothing", "noop"):
        return "write [] for the identity"
    near = meant(word, known)
    return "`relgraph list` names operators" if near is None else f"did you mean {near}?"


def _of_file(use: Use, near: Path) -> Built:
    """What the operator file makes of a use that names it. Raises RefusedError."""
    try:
        path = find_spec("operators", use.item.word, use.context.library, near, use.place)
        file = operator_file(path, use.context)
        _check_file_name(use, file)
    except RelgraphError as error:
        for problem in error.problems:
            use.findings.add(problem)
        raise use.findings.silent() from None
    built = build_operator(use, file)
    return Built((Unknown(place=use.place),), built.width) if file.broken else built

"""Checks that need the whole model: what nothing reads, and what is never used."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from difflib import get_close_matches

from relgraph.errors import Place, RelgraphError
from relgraph.resolve.chain import Merged
from relgraph.resolve.context import Context
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.library import find_spec
from relgraph.resolve.operator_file import references
from relgraph.resolve.operators import WIDTH_FIELDS, operator_file
from relgraph.resolve.stages import ROW_KEYS
from relgraph.spec.inits import INIT
from relgraph.spec.nodes import MapNode, ScalarNode
from relgraph.spec.other_names import meant, suggested
from relgraph.spec.words import WORDS


def check_variables(merged: Merged, findings: Findings) -> None:
    """A stage variable or param of the top file that nothing reads is a typing error; one that is
    inherited may fall silent."""
    # What a body of this file says is read, if only in a turn of `cycle` that no stage is deep
    # enough for; of a chain with mistakes, what any body says.
    known = findings.read | _mentioned(merged.roots if findings.failed else [merged.root])
    # A misspelt `$name` is told where it stands; that its variable is not read follows from it.
    written = {name for row in merged.rows for name in row.variables} | {*merged.params}
    unset = findings.read - written - {"channels", "stride"}
    known |= {name for name in written if get_close_matches(name, unset, 1)}
    for row in merged.rows:
        for name, (_, home) in row.variables.items():
            if home.level == merged.top and name not in known:
                _unread(name, "stage variable", row.written[name].place, findings)
    for name, key in merged.own_params.items():
        if name not in known:
            _unread(name, "param", key.place, findings)


def _mentioned(roots: Iterable[MapNode]) -> set[str]:
    """Every `$name` of some files: a refused item did not get to read its own."""
    return {name for root in roots for name, _ in references(root)}


def _unread(name: str, what: str, place: Place, findings: Findings) -> None:
    near = suggested(name, {*ROW_KEYS, *findings.read} - {name})
    # A misspelt `stride` or `downsample` leaves every map another size than was meant.
    misspelt = meant(name, ROW_KEYS)
    with nullcontext() if misspelt else findings.leaving_sizes():
        findings.refuse(
            "unused-variable",
            place,
            f"nothing reads the {what} {name}",
            f"expected ${name} in some body, or a key of a stage",
            near if near.startswith("did you") else "",
        )


def check_definitions(merged: Merged, context: Context) -> None:
    """A definition of the top file that nothing uses is told, not refused."""
    for name, definition in merged.definitions.items():
        own = definition.home.level == merged.top and not definition.broken
        if own and name not in context.findings.used and not context.findings.failed:
            context.findings.warn(
                "unused-definition", definition.place, f"nothing uses the definition {name}"
            )


def check_defaults(merged: Merged, context: Context) -> None:
    """`defaults` may only name words that exist, and fields that they declare."""
    for word, key in merged.default_words.items():
        fields = fields_of(word, merged, context)
        if fields is None:
            _unknown_word(key, merged, context)
            continue
        for name, (node, home) in merged.defaults[word].items():
            if name in fields or home.level != merged.top:
                continue
            hint = suggested(name, fields)
            context.findings.refuse(
                "unknown-field", node.place, f"{word} has no field {name}", hint=hint
            )


def fields_of(word: str, merged: Merged, context: Context) -> set[str] | None:
    """The fields that `word` declares where the top file writes it; None where there is no such
    word, or it is a broken operator's."""
    if word in WORDS:
        return {field.name for field in WORDS[word].fields}
    if word in merged.definitions:
        return {INIT.name, *(name for name, _ in merged.definitions[word].params)}
    near = merged.paths[-1].parent
    if not context.library.find("operators", word, near):
        return None
    try:
        path = find_spec("operators", word, context.library, near, merged.root.place)
        file = operator_file(path, context)
    except (RelgraphError, RefusedError):
        return None
    named = {INIT.name, *(name for name, _ in file.params)}
    return named | (set(WIDTH_FIELDS) if file.wants_width else set())


def _unknown_word(key: ScalarNode, merged: Merged, context: Context) -> None:
    word, near = str(key.value), merged.paths[-1].parent
    if context.library.find("operators", word, near):
        return  # the operator's own file is what is wrong
    hint = suggested(word, [*WORDS, *merged.definitions, *context.library.names("operators", near)])
    context.findings.refuse(
        "unknown-word",
        key.place,
        f"{word} is no word here",
        hint=hint if hint.startswith("did you") else "",
    )

"""The arguments of an item by name: what was written, else the file's defaults, else nothing.

In: an item and the fields that its word declares. Out: closures by field name. Unknown fields, a
single value where the word has no main field, and missing required fields are refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from relgraph.errors import nearest
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.items import Item
from relgraph.resolve.scope import Closure, Env
from relgraph.resolve.values import Value, read
from relgraph.spec.field import Field
from relgraph.spec.nodes import MapNode, Node, ScalarNode
from relgraph.spec.other_names import suggested

Arguments = dict[str, Closure]


def written_arguments(
    item: Item,
    env: Env,
    legal: Iterable[str],
    main: str | None,
    findings: Findings,
) -> Arguments:
    """The fields that the item itself writes. Raises RefusedError."""
    names = list(legal)
    if item.value is None:
        return {}
    if isinstance(item.value, MapNode):
        return _fields(item, item.value, env, names, main, findings)
    if main is None:
        hint = nearest("", names) if names else f"write `{item.word}` alone"
        raise findings.refuse(
            "no-main-field",
            item.value.place,
            f"{item.word} takes no single value",
            "expected {field: value}" if names else "expected nothing after it",
            hint,
        )
    return {main: Closure(item.value, env)}


def _fields(
    item: Item, node: MapNode, env: Env, names: list[str], main: str | None, findings: Findings
) -> Arguments:
    given: Arguments = {}
    refused: RefusedError | None = None
    for key, value in node.entries:
        if key.value not in names:
            unknown = unknown_field(item.word, key, names, findings, main)
            # The misspelt one may be the main field: don't also ask for that.
            refused = unknown if main not in given else refused
        elif is_null(value):
            refused = nothing_behind(key, findings)
        else:
            given[str(key.value)] = Closure(value, env)
    if refused is not None:
        raise refused
    return given


def is_null(node: Node) -> bool:
    """Whether nothing is written, or YAML's null."""
    return isinstance(node, ScalarNode) and node.value is None and not node.quoted


def nothing_behind(key: ScalarNode, findings: Findings) -> RefusedError:
    """Report a key without a value."""
    found = f"nothing stands after {key.value}:"
    return findings.refuse(
        "null-value", key.place, found, "expected a value", "`none` means not there"
    )


def unknown_field(
    word: str, key: ScalarNode, names: list[str], findings: Findings, main: str | None = None
) -> RefusedError:
    """Report a field that `word` does not declare."""
    hint = suggested(str(key.value), names) if names else f"{word} has no fields"
    if main in ("body", "branches") and not hint.startswith("did you"):
        hint = f"write a body as a list: {word}: [{key.value}, …]"
    return findings.refuse(
        "unknown-field", key.place, f"{word} has no field {key.value}", hint=hint
    )


def with_defaults(given: Arguments, word: str, env: Env) -> Arguments:
    """`given` completed by the `defaults` of the file that the item is written in."""
    filled = dict(given)
    for name, (node, home) in env.home.defaults.get(word, {}).items():
        filled.setdefault(name, Closure(node, env.at_level(home)))
    return filled


def read_fields(
    item: Item, fields: tuple[Field, ...], given: Mapping[str, Closure], findings: Findings
) -> dict[str, Value]:
    """The value of every declared field that there is beside the others; all wrong ones are
    reported before RefusedError is raised."""
    values: dict[str, Value] = {}
    refused: RefusedError | None = None
    for field in fields:
        try:
            if field.only is not None and values.get(field.only[0]) != field.only[1]:
                _refuse_idle(item, field, field.only, given, values, findings)
                continue
            values[field.name] = _read_or_default(item, field, given, values, findings)
        except RefusedError as error:
            refused = error
    if refused is not None:
        raise refused
    return values


def _refuse_idle(
    item: Item,
    field: Field,
    only: tuple[str, str],
    given: Mapping[str, Closure],
    values: Mapping[str, Value],
    findings: Findings,
) -> None:
    """Report a field that does not exist beside another's value, where it is written."""
    other, value = only
    if field.name in given and other in values:
        raise findings.refuse(
            "idle-field",
            given[field.name].place,
            f"{field.name} with {item.word}: {{{other}: {values[other]}}}",
            f"{field.name} is read only with {other}: {value}",
        )


def _read_or_default(
    item: Item,
    field: Field,
    given: Mapping[str, Closure],
    values: Mapping[str, Value],
    findings: Findings,
) -> Value:
    if field.name in given:
        return read(field, given[field.name], findings)
    if field.same_as:
        return values.get(field.same_as)
    if field.required:
        raise findings.refuse(
            "missing-field",
            item.place,
            f"{item.word} needs {field.name}",
            field.meaning,
        )
    return default_value(field)


def default_value(field: Field) -> Value:
    """The table's default as a value: sizes as pairs."""
    default = field.default
    if field.kind == "size" and isinstance(default, int):
        return default, default
    if field.kind in ("padding", "shift") and isinstance(default, int):
        return default, default
    assert default is None or isinstance(default, int | float | bool | str)
    return default

"""Checks a map of a file against its table of keys: unknown, missing and empty ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext

from relgraph.resolve.arguments import is_null, nothing_behind
from relgraph.resolve.findings import Findings
from relgraph.spec.field import Field
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode
from relgraph.spec.not_yet import not_yet
from relgraph.spec.other_names import meant, suggested


def check_keys(node: MapNode, fields: Iterable[Field], what: str, findings: Findings) -> bool:
    """Report unknown keys, keys with nothing behind them, and tables or texts of another type.

    Returns whether what the map means is known: false where a key may be a misspelt one.
    """
    table = {field.name: field for field in fields}
    known = True
    for key, value in node.entries:
        field = table.get(str(key.value))
        if field is None:
            known = not _unknown_key(key, table, what, findings) and known
        elif is_null(value):
            nothing_behind(key, findings)
        elif not _has_type(field, value):
            expected = {"table": "a map {key: value}", "text": "text", "name": "a name"}
            found = f"{key.value} is {_shape(value)}"
            hint = f"for example {field.example}" if field.example else ""
            findings.refuse(
                "bad-value", value.place, found, f"expected {expected[field.kind]}", hint
            )
    return known


def _unknown_key(
    key: ScalarNode, table: Mapping[str, Field], what: str, findings: Findings
) -> bool:
    """Report an unknown key. One that is near no key, or near a number or a text (`classes`,
    `cite`), leaves the sizes of the model what they are. Returns whether it is near one."""
    later = not_yet(what, str(key.value))
    if later is not None:
        found = f"{what}: {key.value} is not supported yet: {later.meaning}"
        findings.refuse("not-supported", key.place, found, hint=later.instead)
        return True
    near = meant(str(key.value), table)
    harmless = near is None or table[near].kind in ("text", "name", "integer", "number")
    with findings.leaving_sizes() if harmless else nullcontext():
        found = f"{what} has no key {key.value}"
        findings.refuse("unknown-key", key.place, found, hint=suggested(str(key.value), table))
    return near is not None


def check_required(node: MapNode, fields: Iterable[Field], what: str, findings: Findings) -> None:
    """Report required keys that the map lacks."""
    for field in fields:
        if field.required and node.get(field.name) is None:
            findings.refuse("missing-key", node.place, f"{what} needs {field.name}", field.meaning)


def _has_type(field: Field, value: Node) -> bool:
    if field.kind == "table":
        return isinstance(value, MapNode) or _is_reference_or_none(field, value)
    if field.kind in ("text", "name"):
        return isinstance(value, ScalarNode) and isinstance(value.value, str)
    return True


def _is_reference_or_none(field: Field, value: Node) -> bool:
    if not isinstance(value, ScalarNode) or not isinstance(value.value, str):
        return False
    return value.value.startswith("$") or (field.none and value.value == "none")


def _shape(value: Node) -> str:
    if isinstance(value, ListNode):
        return "a list"
    return "a map" if isinstance(value, MapNode) else str(value.value)

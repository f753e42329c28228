"""Reads a value of a declared kind, or says what was found and what is legal.

In: a field of the language's table and a closure. Out: a plain value (sizes as pairs, numbers as
floats), or for bodies and tables the forced closure. Every refusal stands at the value itself, and
where that was written as a default elsewhere, at the field that reads it too.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from relgraph.algebra.starts import Start
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.inits import read_start
from relgraph.resolve.scope import Closure, Width, force
from relgraph.spec.field import Field, Kind
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode
from relgraph.spec.not_yet import value_not_yet
from relgraph.spec.other_names import suggested

Pair = tuple[int, int]
Value = int | float | bool | str | None | Pair | Start | Closure


def read(field: Field, written: Closure, findings: Findings) -> Value:
    """The value of `field`. Raises RefusedError after reporting what is wrong."""
    closure = force(written, findings)
    node = closure.node
    if field.none and is_none(node):
        return None
    return READERS[field.kind](field, closure, findings)


def is_none(node: Node) -> bool:
    """Whether the node is the word `none`, which stands for "not there"."""
    return isinstance(node, ScalarNode) and node.value == "none" and not node.quoted


def show(node: Node) -> str:
    """A value as a person wrote it, for messages."""
    if isinstance(node, ListNode):
        return _show_list(node)
    if isinstance(node, MapNode):
        return _show_map(node)
    if node.value is None:
        return "nothing"
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


def _show_list(node: ListNode) -> str:
    """A short list of plain values in full."""
    plain = all(isinstance(item, ScalarNode) for item in node.items)
    if not node.items or len(node.items) > 4 or not plain:
        return "a list" if node.items else "an empty list"
    return f"[{', '.join(map(show, node.items))}]"


def _show_map(node: MapNode) -> str:
    """A map of one plain value in full."""
    if len(node.entries) != 1 or not isinstance(node.entries[0][1], ScalarNode):
        return "a map"
    key, value = node.entries[0]
    return f"{{{key.value}: {show(value)}}}"


def refuse(field: Field, closure: Closure, expected: str, findings: Findings) -> RefusedError:
    """Report that the value of `field` is not what it must be."""
    hint = "write it without quotes" if _needless_quotes(field, closure.node) else ""
    if isinstance(closure.node, ScalarNode) and closure.node.value in ("yes", "no", "on", "off"):
        hint = "YAML 1.1's yes and no are plain names here: write true or false"
    if isinstance(closure.node, ScalarNode) and closure.node.value in ("True", "False"):
        hint = "in lower case"
    found = f"{field.name} is {show(closure.node)}"
    return findings.refuse("bad-value", closure.place, found, f"expected {expected}", hint)


def _needless_quotes(field: Field, node: Node) -> bool:
    numeric = field.kind in ("integer", "number", "size", "boolean")
    return isinstance(node, ScalarNode) and node.quoted and numeric


def whole(field: Field, closure: Closure, findings: Findings) -> int:
    """A whole number within the field's bounds."""
    node = closure.node
    value = node.value if isinstance(node, ScalarNode) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise refuse(field, closure, f"a whole number{bounds(field)}", findings)
    if _outside(field, value):
        raise refuse(field, closure, f"a whole number{bounds(field)}", findings)
    return value


def _number(field: Field, closure: Closure, findings: Findings) -> float:
    node = closure.node
    value = node.value if isinstance(node, ScalarNode) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or _outside(field, value):
        raise refuse(field, closure, f"a number{bounds(field)}", findings)
    return float(value)


def _boolean(field: Field, closure: Closure, findings: Findings) -> bool:
    node = closure.node
    if not isinstance(node, ScalarNode) or not isinstance(node.value, bool):
        raise refuse(field, closure, "true or false", findings)
    return node.value


def _choice(field: Field, closure: Closure, findings: Findings) -> str:
    node = closure.node
    value = node.value if isinstance(node, ScalarNode) else None
    if value in field.choices and isinstance(value, str):
        return value
    later = value_not_yet(field.name, value) if isinstance(value, str) else None
    if later is not None:
        what = f"{field.name}: {value} is not supported yet: {later.meaning}"
        raise findings.refuse("not-supported", closure.place, what, hint=later.instead)
    found = f"{field.name} is {show(node)}"
    legal = ", ".join(field.choices)
    near = suggested(value, field.choices) if isinstance(value, str) else ""
    hint = near if near.startswith("did you") else ""
    raise findings.refuse("bad-value", closure.place, found, f"expected one of {legal}", hint)


def _text(field: Field, closure: Closure, findings: Findings) -> str:
    node = closure.node
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.value:
        raise refuse(field, closure, "text", findings)
    return " ".join(node.value.split())


def _size(field: Field, closure: Closure, findings: Findings) -> Pair:
    node = closure.node
    if not isinstance(node, ListNode):
        if not isinstance(node, ScalarNode) or not isinstance(node.value, int):
            raise refuse(field, closure, f"one number or [rows, columns]{bounds(field)}", findings)
        side = whole(field, closure, findings)
        return side, side
    if len(node.items) != 2:
        raise refuse(field, closure, "one number or [rows, columns]", findings)
    rows, columns = (
        whole(field, force(Closure(item, closure.env), findings), findings) for item in node.items
    )
    return rows, columns


def _named_or_size(words: tuple[str, ...]) -> Callable[[Field, Closure, Findings], str | Pair]:
    def reader(field: Field, closure: Closure, findings: Findings) -> str | Pair:
        node = closure.node
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            if node.value in words:
                return node.value
            legal = f"{', '.join(words)}, a number or [rows, columns]"
            raise refuse(field, closure, legal, findings)
        return _size(field, closure, findings)

    return reader


def _as_closure(field: Field, closure: Closure, findings: Findings) -> Closure:
    return closure


def _table(field: Field, closure: Closure, findings: Findings) -> Closure:
    if not isinstance(closure.node, MapNode):
        raise refuse(field, closure, "a map {key: value}", findings)
    return closure


def _list(field: Field, closure: Closure, findings: Findings) -> Closure:
    if not isinstance(closure.node, ListNode) or not closure.node.items:
        raise refuse(field, closure, "a list with at least one entry", findings)
    return closure


def _width(field: Field, closure: Closure, findings: Findings) -> int:
    return width(field, closure, findings)


def width(field: Field, written: Closure, findings: Findings) -> int:
    """A width: a number, or a list of widths that adds up."""
    closure = force(written, findings)
    node = closure.node
    if isinstance(node, ListNode) and node.items:
        return sum(width(field, Closure(item, closure.env), findings) for item in node.items)
    if not isinstance(node, ScalarNode) or not isinstance(node.value, int):
        raise refuse(field, closure, "a whole number or a list of them that adds up", findings)
    return whole(field, closure, findings)


def times(base: int, ratio: float, divisor: int) -> int | None:
    """channels × ratio: exactly whole (None where it is not), or the nearest multiple of
    `divisor` that is at least 0.9 of it."""
    exact = base * Fraction(str(ratio))
    if divisor == 1:
        near = round(exact)
        return near if near >= 1 and abs(near - exact) < Fraction(1, 10**6) else None
    rounded = max(divisor, int(exact + Fraction(divisor, 2)) // divisor * divisor)
    return rounded if rounded >= exact * Fraction(9, 10) else rounded + divisor


def bounds(field: Field) -> str:
    """The field's legal range in words, with a leading space, or nothing."""
    parts = []
    if field.minimum is not None:
        parts.append(f"at least {field.minimum:g}")
    if field.maximum is not None:
        parts.append(f"at most {int(field.maximum):,}")
    if field.below is not None:
        parts.append(f"below {field.below:g}")
    return f" ({', '.join(parts)})" if parts else ""


def _outside(field: Field, value: float) -> bool:
    return (
        (field.minimum is not None and value < field.minimum)
        or (field.maximum is not None and value > field.maximum)
        or (field.below is not None and value >= field.below)
    )


READERS: dict[Kind, Callable[[Field, Closure, Findings], Value]] = {
    "integer": whole,
    "number": _number,
    "boolean": _boolean,
    "choice": _choice,
    "text": _text,
    "name": _text,
    "size": _size,
    "width": _width,
    "padding": _named_or_size(("half", "same_tf")),
    "shift": _named_or_size(("half",)),
    "body": _as_closure,
    "bodies": _list,
    "sizes": _list,
    "table": _table,
    "value": _as_closure,
    "init": read_start,
}

__all__ = [
    "Pair",
    "Value",
    "Width",
    "bounds",
    "is_none",
    "read",
    "refuse",
    "show",
    "times",
    "width",
]

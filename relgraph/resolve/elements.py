"""Elements: norms, activations, pooling, tokens and the rest, with every field they declare."""

from __future__ import annotations

from relgraph.resolve.context import Built
from relgraph.resolve.scope import Width
from relgraph.resolve.use import Use
from relgraph.resolve.values import Value
from relgraph.resolved import Argument, Element
from relgraph.spec.words import ELEMENTS


def build_element(use: Use) -> Built:
    """The resolved element, and the width after it."""
    word = ELEMENTS[use.item.word]
    values = use.values(word.fields, word.main)
    node = Element(
        label=use.item.label,
        place=use.place,
        word=word.name,
        arguments=tuple(sorted((name, _argument(value)) for name, value in values.items())),
    )
    return Built((node,), _width_after(use, values))


def _argument(value: Value) -> Argument:
    assert value is None or isinstance(value, int | float | bool | str | tuple)
    return value


def _width_after(use: Use, values: dict[str, Value]) -> Width:
    if use.item.word == "classifier":
        return use.context.classes
    if use.item.word == "space_to_depth" and use.width is not None:
        side = values["size"]
        assert isinstance(side, int)
        return use.width * side * side
    return use.width

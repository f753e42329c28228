"""Elements: norms, activations, pooling, tokens and the rest, with every field they declare."""

from __future__ import annotations

from relgraph.algebra.starts import Start
from relgraph.errors import Place
from relgraph.resolve.arguments import read_fields
from relgraph.resolve.context import Built
from relgraph.resolve.scope import Width
from relgraph.resolve.use import OwnStart, Use
from relgraph.resolve.values import Value
from relgraph.resolved import Argument, Element
from relgraph.spec.inits import INIT
from relgraph.spec.words import ELEMENTS

# Words whose `init` is a rule; that of others is a number, one of their arguments.
STARTED = frozenset(word.name for word in ELEMENTS.values() if word.field(INIT.name) is INIT)


def build_element(use: Use) -> Built:
    """The resolved element, and the width after it."""
    word = ELEMENTS[use.item.word]
    given = use.arguments((field.name for field in word.fields), word.main)
    own = use.own_start(given) if word.name in STARTED else None
    values = read_fields(use.item, word.fields, given, use.findings)
    init, place = None, None
    if word.name in STARTED:
        del values[INIT.name]
        init, place = _start(use, values, own)
    node = Element(
        label=use.item.label,
        place=use.place,
        word=word.name,
        arguments=tuple(sorted((name, _argument(value)) for name, value in values.items())),
        init=init,
        init_place=place,
    )
    return Built((node,), _width_after(use, values))


def _start(
    use: Use, values: dict[str, Value], own: OwnStart | None
) -> tuple[Start | None, Place | None]:
    """How the element's weights start, and where it says so itself. What has no weights, or none
    with the fans that the rule asks for, is told and starts as it would have."""
    kind = str(values.get("kind", ""))
    is_table = use.item.word == "add_token" or kind == "learned"
    if own is None:
        is_linear = not is_table and kind != "sincos"
        return (use.spot.init if is_linear else None), None
    rule = own.rule if isinstance(own.rule, str) else own.rule[0]
    if kind == "sincos":
        use.findings.refuse(
            "init-no-weights",
            own.place,
            f"init for {use.item.word}: {kind}, which learns nothing",
            "expected an item with weights",
        )
    if is_table and rule in ("xavier", "kaiming"):
        use.findings.refuse(
            "init-no-fans",
            own.place,
            f"init: {rule} for a table of vectors ({use.item.word})",
            "expected default, trunc_normal, normal or zeros",
            "a table is added and multiplies nothing: it has no fan-in and fan-out",
        )
    return own.rule, own.place


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

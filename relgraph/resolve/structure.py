"""Structure words: residual, sum, product, concat, split, tap, from; widths are checked here."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Literal, cast

from relgraph.errors import nearest
from relgraph.resolve.arguments import read_fields
from relgraph.resolve.context import Built
from relgraph.resolve.scope import Closure, Width, force
from relgraph.resolve.use import Use
from relgraph.resolve.values import Value, show
from relgraph.resolved import Body, Branches, Residual, Split, Tap, Unknown
from relgraph.spec.nodes import ListNode, Node, ScalarNode
from relgraph.spec.words import WORDS

Combine = Literal["sum", "product", "concat"]


def build_structure(use: Use) -> Built:
    """The resolved nodes of a structure word, except `fit` (which is an operator's use)."""
    return BUILDERS[use.item.word](use)


def _values(use: Use) -> dict[str, Value]:
    word = WORDS[use.item.word]
    return use.values(word.fields, word.main)


def _residual(use: Use) -> Built:
    word = WORDS["residual"]
    given = use.arguments((field.name for field in word.fields), word.main)
    values = read_fields(use.item, word.fields, given, use.findings)
    body = use.build(_closure(values["body"]), use.width)
    dropped = "shortcut" in given and values["shortcut"] is None
    shortcut: Body | Literal["none"] | None = "none"
    width = body.width
    if not dropped:
        made = _shortcut(use, values["shortcut"], body.width)
        shortcut = None if made is None else made.nodes
        # A body that was refused ends where what it is added to does.
        width = width if width is not None else use.width if made is None else made.width
    node = Residual(
        label=use.item.label,
        place=use.place,
        body=body.nodes,
        shortcut=shortcut,
        scale=cast("float | None", values["scale"]),
        drop_path=cast("float | None", values["drop_path"]),
    )
    return Built((node,), width)


def _shortcut(use: Use, written: Value, width: Width) -> Built | None:
    """The shortcut, None where none is written; refuses widths that do not agree."""
    changed = use.width is not None and width is not None and use.width != width
    if not isinstance(written, Closure):
        if changed:
            use.findings.covered.add(("residual-shapes", use.place))
            use.findings.refuse(
                "residual-width",
                use.place,
                f"{use.width} channels come in and the body ends at {width}",
                "expected the same width, or a shortcut",
                "residual: {body: […], shortcut: [pointwise: $channels]}",
            )
        return None
    made = use.build(written, use.width)
    if changed and made.width is not None and made.width != width:
        use.findings.covered.add(("shortcut-shape", use.place))
        use.findings.refuse(
            "residual-width",
            written.place,
            f"the shortcut ends at {made.width} channels",
            f"the body ends at {width}",
        )
    return made


def _branches(use: Use) -> Built:
    values = _values(use)
    combine = cast("Combine", use.item.word)
    listed = _closure(values["branches"])
    built = _each(use, listed, [use.width] * len(_items(listed)))
    node = Branches(
        label=use.item.label,
        place=use.place,
        combine=combine,
        branches=tuple(b.nodes for b in built),
    )
    return _joined(use, combine, node, [b.width for b in built])


def _split(use: Use) -> Built:
    values = _values(use)
    bodies, written = _closure(values["bodies"]), _closure(values["sizes"])
    combine = cast("Combine", values["combine"])
    count = len(_items(bodies))
    if len(_items(written)) != count:
        raise use.findings.refuse(
            "split-sizes",
            written.place,
            f"{len(_items(written))} sizes for {count} bodies",
            "expected one size for each body",
            related=(bodies.place,),
        )
    sizes = _sizes(use, written)
    built = _each(use, bodies, [None] * count if sizes is None else list(sizes))
    if sizes is None:
        return Built((Unknown(place=use.place),), None)
    node = Split(
        label=use.item.label,
        place=use.place,
        sizes=sizes,
        branches=tuple(b.nodes for b in built),
        combine=combine,
    )
    return _joined(use, combine, node, [b.width for b in built])


def _each(use: Use, listed: Closure, widths: list[Width]) -> list[Built]:
    nodes = _items(listed)
    return [
        use.build(Closure(node, listed.env), width)
        for node, width in zip(nodes, widths, strict=True)
    ]


def _joined(use: Use, combine: Combine, node: Branches | Split, widths: list[Width]) -> Built:
    """A node that joins branches, and its width; an unknown branch is as wide as the others."""
    known = [width for width in widths if width is not None]
    if combine == "concat":
        return Built((node,), sum(known) if len(known) == len(widths) else None)
    wide = [width for width in known if width > 1 or combine == "sum"] or known
    if len(set(wide)) > 1:
        use.findings.covered.add((f"{combine}-shapes", use.place))
        use.findings.refuse(
            "branch-widths",
            use.place,
            f"branches of {', '.join(map(str, known))} channels",
            f"a {combine} needs the same width in each",
        )
        return Built((node, Unknown(place=use.place)), None)
    return Built((node,), wide[0] if wide else None)


def _sizes(use: Use, written: Closure) -> tuple[int, ...] | None:
    """Parts of the width: whole numbers, fractions of it, one `rest`."""
    total = use.width
    parts = [_part(use, Closure(node, written.env), total) for node in _items(written)]
    if total is None:
        return None
    rests = parts.count(None)
    taken = sum(part for part in parts if part is not None)
    left = total - taken
    if rests > 1 or (rests == 0 and left != 0) or (rests == 1 and left < 1):
        raise use.findings.refuse(
            "split-sizes",
            written.place,
            f"parts of {taken} channels and {rests} `rest`",
            f"expected {total} channels in all",
            "write one part as `rest`",
        )
    return tuple(left if part is None else part for part in parts)


def _part(use: Use, written: Closure, total: Width) -> int | None:
    closure = force(written, use.findings)
    value = closure.node.value if isinstance(closure.node, ScalarNode) else None
    if value == "rest":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, float) and 0 < value < 1:
        exact = (total or 0) * Fraction(str(value))
        if exact.denominator == 1:
            return int(exact)
    raise use.findings.refuse(
        "split-sizes",
        closure.place,
        f"a part of {show(closure.node)}" + (f" of {total} channels" if total else ""),
        "expected a whole number, a fraction that comes out whole, or rest",
    )


def _tap(use: Use) -> Built:
    name = str(_values(use)["name"])
    if name in use.spot.taps:
        raise use.findings.refuse(
            "tap-twice", use.place, f"{name} is tapped twice in this block", "expected another name"
        )
    use.spot.taps[name] = use.width
    return Built((Tap(label=use.item.label, place=use.place, word="tap", name=name),), use.width)


def _from(use: Use) -> Built:
    name = str(_values(use)["name"])
    if name not in use.spot.taps:
        raise use.findings.refuse(
            "unknown-tap",
            use.place,
            f"nothing was tapped as {name} before, in this block",
            hint=nearest(name, use.spot.taps) or "put `tap: …` before it",
        )
    node = Tap(label=use.item.label, place=use.place, word="from", name=name)
    return Built((node,), use.spot.taps[name])


def _closure(value: Value) -> Closure:
    assert isinstance(value, Closure)
    return value


def _items(closure: Closure) -> tuple[Node, ...]:
    assert isinstance(closure.node, ListNode)
    return closure.node.items


BUILDERS: dict[str, Callable[[Use], Built]] = {
    "concat": _branches,
    "from": _from,
    "product": _branches,
    "residual": _residual,
    "split": _split,
    "sum": _branches,
    "tap": _tap,
}

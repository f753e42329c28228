"""The statements of `forward` for a body: calls nested while they stay short, else one a line.

Goes in: the named nodes of one class. Comes out: lines of Python without indent, the text of the
result, the inline definitions needed, and constants that the class must keep (split sizes). Sizes
never enter the text, so instances that differ in sizes share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from relgraph.assemble.naming import is_module
from relgraph.emit.text import literal
from relgraph.lower import lower
from relgraph.lower.module import Definition, Inline
from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Shape, Split
from relgraph.program import Tap as TapNode

NESTED = 84  # Longest expression that is still nested into the next call.


@dataclass
class Writer:
    """Collects the statements of one forward while it is being written."""

    lines: list[str] = field(default_factory=list)
    uses: list[Definition] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    constants: dict[str, tuple[int, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=lambda: {"x"})

    def fresh(self, wish: str) -> str:
        """A local name that is not taken: `wish`, or `wish2`, `wish3`, ..."""
        name, count = wish, 1
        while name in self.names:
            count += 1
            name = f"{wish}{count}"
        self.names.add(name)
        return name

    def settle(self, expression: str, name: str) -> str:
        """Give an expression the name `name`, unless it is that already."""
        if expression != name:
            self.lines.append(f"{name} = {expression}")
        return name


def write_body(writer: Writer, body: Body, value: str, name: str = "x") -> str:
    """Write what `body` does to `value`; the result is an expression, often still unnamed.

    `name` is the local that intermediate results are kept in.
    """
    for node in body:
        value = _write_node(writer, node, value, name)
    return value


def _write_node(writer: Writer, node: Node, value: str, name: str) -> str:
    simple = _applied(writer, node, value)
    if simple is not None:
        if len(simple) <= NESTED:
            return simple
        settled = _applied(writer, node, writer.settle(value, name))
        assert settled is not None
        return settled
    if isinstance(node, Element):  # An expression that needs its value more than once.
        inline = _inline(writer, node)
        return inline.expression.format(x=writer.settle(value, name))
    if isinstance(node, Residual):
        return _write_residual(writer, node, value, name)
    if isinstance(node, Branches):
        return _write_branches(writer, node, writer.settle(value, name), name)
    if isinstance(node, Split):
        return _write_split(writer, node, writer.settle(value, name), name)
    assert isinstance(node, TapNode)
    return _write_tap(writer, node, value, name)


def _applied(writer: Writer, node: Node, value: str) -> str | None:
    """The node as one expression of `value`, where it is a call or a short inline one."""
    if isinstance(node, Scope) or (isinstance(node, Connect | Element) and is_module(node)):
        return f"self.{node.attr}({value})"
    if isinstance(node, Element):
        inline = _inline(writer, node)
        if inline.expression.count("{x}") == 1 and _is_tight(inline.expression, value):
            return inline.expression.format(x=value)
    return None


def _is_tight(expression: str, value: str) -> bool:
    """Whether `value` may stand in the place of {x} without parentheses."""
    return _is_primary(value) or "({x}" in expression


def _inline(writer: Writer, node: Element) -> Inline:
    lowered = lower(node)
    assert isinstance(lowered, Inline), f"{node.word} is a module but has no name"
    for use in lowered.uses:
        if use not in writer.uses:
            writer.uses.append(use)
    writer.imports.extend(line for line in lowered.imports if line not in writer.imports)
    return lowered


def _pure(writer: Writer, body: Body, value: str) -> str | None:
    """`body` as one short expression of the name `value`, or None."""
    for node in body:
        applied = _applied(writer, node, value)
        if applied is None or len(applied) > NESTED:
            return None
        value = applied
    return value


def _write_residual(writer: Writer, node: Residual, value: str, name: str) -> str:
    value = writer.settle(value, name)
    ends = tuple(item for item in (node.scale, node.drop_path) if item is not None)
    if node.shortcut is None:
        return write_body(writer, node.body + ends, value, name)
    pure = _pure(writer, node.body + ends, value)
    if node.shortcut == () and pure is not None:
        return writer.settle(f"{value} + {pure}", name)
    kept = writer.fresh("shortcut")
    writer.settle(write_body(writer, node.shortcut, value, kept), kept)
    inside = write_body(writer, node.body + ends, value, name)
    writer.names.discard(kept)
    return writer.settle(f"{kept} + {_term(inside)}", name)


def _term(expression: str) -> str:
    """An expression as an operand of a sum or product."""
    outside = _outside_brackets(expression)
    return f"({expression})" if " + " in outside or " - " in outside else expression


def _is_primary(expression: str) -> bool:
    """Whether an index or a method may follow: no operator stands outside of brackets."""
    return " " not in _outside_brackets(expression)


def _outside_brackets(expression: str) -> str:
    depth, outside = 0, []
    for character in expression:
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            outside.append(character)
    return "".join(outside)


def _write_branches(writer: Writer, node: Branches, value: str, name: str) -> str:
    made = _written_branches(writer, node.branches, [value] * len(node.branches), node.combine)
    shapes = [branch[-1].output if branch else node.input for branch in node.branches]
    return _combine(writer, node.combine, made, shapes, node.output, name)


def _write_split(writer: Writer, node: Split, value: str, name: str) -> str:
    sizes = f"split_sizes{len(writer.constants) + 1 if writer.constants else ''}"
    writer.constants[sizes] = node.sizes
    parts = [writer.fresh("part") for _ in node.branches]
    dim = _channel_dim(node.input)
    writer.lines.append(f"{', '.join(parts)} = {value}.split(self.{sizes}, dim={dim})")
    made = _written_branches(writer, node.branches, parts, "part")
    shapes = [
        branch[-1].output if branch else replace(node.input, channels=size)
        for branch, size in zip(node.branches, node.sizes, strict=True)
    ]
    return _combine(writer, node.combine, made, shapes, node.output, name)


def _written_branches(
    writer: Writer, branches: tuple[Body, ...], values: list[str], wish: str
) -> list[str]:
    made = []
    for branch, value in zip(branches, values, strict=True):
        pure = _pure(writer, branch, value)
        if pure is not None:
            made.append(pure)
            continue
        own = value if wish == "part" else writer.fresh("branch")
        made.append(writer.settle(write_body(writer, branch, value, own), own))
    return made


def _combine(
    writer: Writer,
    combine: str,
    made: list[str],
    shapes: list[Shape],
    output: Shape,
    name: str,
) -> str:
    if combine == "concat":
        joined = f"torch.cat(({', '.join(made)}), dim={_channel_dim(output)})"
        return writer.settle(made[0] if len(made) == 1 else joined, name)
    if combine == "sum" and any(shape.tokens != output.tokens for shape in shapes):
        return _sum_with_tokens(writer, made, shapes, output, name)
    fitted = [
        _broadcast(_term(text), shape, output) for text, shape in zip(made, shapes, strict=True)
    ]
    sign = {"sum": " + ", "product": " * "}[combine]
    if len(sign.join(fitted)) > NESTED:
        wish = "gate" if combine == "product" else "branch"
        named = [_named(writer, text, wish) for text in made]
        fitted = [_broadcast(text, s, output) for text, s in zip(named, shapes, strict=True)]
    return writer.settle(sign.join(fitted), name)


def _sum_with_tokens(
    writer: Writer, made: list[str], shapes: list[Shape], output: Shape, name: str
) -> str:
    """Branches without tokens add to the positions only."""
    whole = [text for text, shape in zip(made, shapes, strict=True) if shape.tokens]
    maps = [text for text, shape in zip(made, shapes, strict=True) if not shape.tokens]
    total = writer.settle(" + ".join(whole), writer.fresh("tokens"))
    flat = " + ".join(f"{_named(writer, text)}.flatten(2).transpose(1, 2)" for text in maps)
    count = literal(len(output.tokens))
    writer.lines.append("# The extra tokens in front get nothing added.")
    pieces = f"({total}[:, :{count}], {total}[:, {count}:] + {flat})"
    return writer.settle(f"torch.cat({pieces}, dim=1)", name)


def _named(writer: Writer, text: str, wish: str = "branch") -> str:
    """A local name for an expression; what is a name already stays."""
    return text if text.isidentifier() else writer.settle(text, writer.fresh(wish))


def _broadcast(text: str, shape: Shape, output: Shape) -> str:
    if shape.layout == output.layout or shape.layout != "vector":
        return text
    axes = {"map": "[:, :, None, None]", "sequence": "[:, None]"}[output.layout]
    return text + axes if _is_primary(text) else f"({text}){axes}"


def _channel_dim(shape: Shape) -> int:
    return -1 if shape.layout == "sequence" else 1


def _write_tap(writer: Writer, node: TapNode, value: str, name: str) -> str:
    kept = f"tap_{node.name}"
    if node.word == "from":
        return kept
    writer.names.add(kept)
    value = writer.settle(value, name)
    writer.lines.append(f"{kept} = {value}")
    return value

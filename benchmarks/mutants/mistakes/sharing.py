"""Mistakes about which weights are one learned thing: heads, groups, tables of offsets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, last_name, number

LEARNED = ("self.relative_position_bias_table", "self.position_bias", "self.weight")
TABLES = ("einsum", "baddbmm", "orbits", "[index]")  # beside a table, not beside one number each
READERS = ("weights", "mix", "locate", "forward", "softmax")


def first_head_for_all(s: Source) -> Iterator[Edit]:
    """A table is indexed with one index too many and spread over the heads, groups or channels."""
    for node in s.inside(*READERS):
        learned = isinstance(node, ast.Attribute) and s.said(node) in LEARNED
        if learned and any(word in s.line(node) for word in TABLES):
            first = "[:, :1]" if "relative" in s.said(node) else "[:1]"
            yield s.replace(node, f"{s.said(node)}{first}.expand_as({s.said(node)})")


def first_window_for_all(s: Source) -> Iterator[Edit]:
    """The weights of window 0, or of position 0, serve everywhere."""
    for call in s.calls("einsum"):
        first = call.args[1]
        if s.said(call.args[0]) == '"hnqk,bnhkc->bnhqc"':
            yield s.replace(first, f"{s.said(first)}[:, :1].expand_as({s.said(first)})")
    own = "number_live" in s.text or "n * k * k" in s.text
    for node in s.inside("weights"):
        read = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        if own and read and s.said(node) == "orbits":
            yield s.replace(node, "orbits[:1].expand_as(orbits)")


def heads_interleaved(s: Source) -> Iterator[Edit]:
    """Channel c belongs to head c modulo heads: a view with its two sides swapped."""
    for call in s.calls("unflatten"):
        if len(call.args) == 2 and isinstance(call.args[1], ast.Tuple):
            sides = [s.said(one) for one in call.args[1].elts]
            if sides in (["self.num_heads", "-1"], ["self.groups", "-1"], ["groups", "-1"]):
                dim = s.said(call.args[0])
                swapped = f"{s.said(call.func)}({dim}, (-1, {sides[0]}))"
                axis = int(dim)
                pair = "(-1, -2)" if axis < 0 else f"({axis}, {axis + 1})"
                yield s.replace(call, f"{swapped}.transpose{pair}")


def head_major_projection(s: Source) -> Iterator[Edit]:
    """q, k and v of a head stand together, as in GPT-NeoX, where all q come first."""
    for function in s.functions("split_heads"):
        first = function.body[1] if len(function.body) == 3 else function.body[0]
        turned = "x = x.unflatten(-1, (num_heads, parts, -1)).transpose(-3, -2)"
        yield s.replace(first, turned)


def one_head(s: Source) -> Iterator[Edit]:
    """`num_heads` is left at 1."""
    for keyword in s.options("num_heads"):
        yield s.replace(keyword.value, "1")


def twice_the_heads(s: Source) -> Iterator[Edit]:
    """Heads of half the width; attention has the same parameters."""
    for keyword in s.options("num_heads"):
        yield s.replace(keyword.value, f"2 * {s.said(keyword.value)}")


def groups_forgotten(s: Source) -> Iterator[Edit]:
    """`groups` is left at its default: all channels are mixed."""
    for keyword in s.options("groups"):
        yield s.replace(keyword.value, "1")


def half_the_groups(s: Source) -> Iterator[Edit]:
    """Two channels see each other where each should see itself."""
    for keyword in s.options("groups"):
        yield s.replace(keyword.value, f"({s.said(keyword.value)}) // 2")


def groups_shuffled(s: Source) -> Iterator[Edit]:
    """A channel shuffle by the other factor of the width."""
    for call in s.calls("channel_shuffle"):
        yield s.replace(call.args[1], f"{s.said(call.args[0])}.shape[1] // {s.said(call.args[1])}")


def channels_of_a_head_before_heads(s: Source) -> Iterator[Edit]:
    """einsum's output names the head last, and the two are flattened all the same."""
    for call in s.calls("einsum"):
        equation = call.args[0]
        if isinstance(equation, ast.Constant) and equation.value.endswith(("hc", "gd")):
            turned = equation.value[:-2] + equation.value[:-3:-1]
            yield s.replace(equation, repr(turned))


def _offsets(s: Source) -> Iterator[ast.BinOp]:
    """Input minus output, as a table."""
    for node in s.find(ast.BinOp):
        sides = s.said(node.left).endswith("[None, :]"), s.said(node.right).endswith("[:, None]")
        if isinstance(node.op, ast.Sub) and all(sides):
            yield node


def offset_reversed(s: Source) -> Iterator[Edit]:
    """Output minus input for input minus output."""
    for node in _offsets(s):
        yield s.replace(node, f"{s.said(node.right)} - {s.said(node.left)}")


def offset_of_rows_alone(s: Source) -> Iterator[Edit]:
    """Offsets that differ in the column share one bias."""
    for function in s.functions("relative_position_index", "block_offsets", "ring_offsets"):
        returned = function.body[-1]
        if isinstance(returned, ast.Return) and isinstance(returned.value, ast.BinOp):
            yield s.replace(returned.value.right, "0 * dx")


def offset_table_too_narrow(s: Source) -> Iterator[Edit]:
    """Rows of the table of offsets are as long as a window, not as 2 windows less one."""
    for node in s.inside("relative_position_index", "block_offsets"):
        if isinstance(node, ast.BinOp) and s.said(node) == "2 * table_size[1] - 1":
            yield s.replace(node, "table_size[1]")


def offset_table_rows_for_columns(s: Source) -> Iterator[Edit]:
    """The length of a table's row is taken from the window's height: right for square windows."""
    for node in s.inside("relative_position_index", "block_offsets", "ring_offsets"):
        if isinstance(node, ast.BinOp) and s.said(node) in (
            "2 * table_size[1] - 1",
            "2 * size[1] - 1",
        ):
            yield s.replace(node, s.said(node).replace("[1]", "[0]"))


def offset_below_zero(s: Source) -> Iterator[Edit]:
    """Offsets are not moved up to start at 0; negative ones count from the table's end."""
    for node in s.inside("relative_position_index", "block_offsets"):
        if isinstance(node, ast.BinOp) and s.said(node).endswith("+ table_size[0] - 1"):
            inner = node.left
            assert isinstance(inner, ast.BinOp)
            yield s.into(node, inner.left)


def offset_distance(s: Source) -> Iterator[Edit]:
    """The bias depends on how far, not on which side."""
    for node in _offsets(s):
        yield s.replace(node, f"({s.said(node)}).abs()")


def blocks_share_weights(s: Source) -> Iterator[Edit]:
    """One module, repeated in a list: `[Block(dim)] * depth`."""
    for node in s.find(ast.Assign):
        if s.said(node) == "self.blocks = nn.Sequential(*blocks)":
            once = "nn.Sequential(*[blocks[0]] * len(blocks))"
            yield s.replace(node, f"blocks = list(blocks)\n        self.blocks = {once}")


def bias_per_channel_alone(s: Source) -> Iterator[Edit]:
    """Of a bias for every position and channel, the mean over positions is used."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Add) and s.said(node.right) == "self.bias.T":
            yield s.replace(node.right, "self.bias.T.mean(0)")


def bias_of_the_first_place(s: Source) -> Iterator[Edit]:
    """A bias for every position is spread from the first one."""
    for node in s.find(ast.Subscript):
        if s.said(node) == "self.bias[:, None]" and last_name(node.value) == "bias":
            yield s.replace(node, "self.bias[:1, None]")


def width_of_heads_as_groups(s: Source) -> Iterator[Edit]:
    """Groups of as many channels as there should be groups: right where width = groups squared."""
    for keyword in s.options("groups", "num_heads"):
        if number(keyword.value) is None and "//" in s.said(keyword.value):
            yield s.replace(keyword.value, s.said(keyword.value).rpartition("//")[2].strip())


SHARING = (
    first_head_for_all,
    first_window_for_all,
    heads_interleaved,
    head_major_projection,
    one_head,
    twice_the_heads,
    groups_forgotten,
    half_the_groups,
    groups_shuffled,
    channels_of_a_head_before_heads,
    offset_reversed,
    offset_of_rows_alone,
    offset_table_too_narrow,
    offset_table_rows_for_columns,
    offset_below_zero,
    offset_distance,
    blocks_share_weights,
    bias_per_channel_alone,
    bias_of_the_first_place,
    width_of_heads_as_groups,
)

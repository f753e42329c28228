"""Mistakes about windows: how they lie on the map, where a shift moves them, what masks cut."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, number, numbers


def shift_the_other_way(s: Source) -> Iterator[Edit]:
    """Windows roll down and right instead of up and left: a sign in `torch.roll`."""
    for call in s.calls("roll"):
        yield s.replace(call.args[0], s.said(call.args[0]).replace("-", ""))
    for node in s.inside("wrapped_block_places"):
        if isinstance(node, ast.Call) and s.said(node.func) == "torch.arange":
            yield s.replace(node, "torch.arange(-shift, length - shift, device='cpu')")


def shift_forgotten(s: Source) -> Iterator[Edit]:
    """The block of shifted windows is a copy of the other one."""
    for keyword in s.options("shift_size"):
        whole = number(keyword.value) is not None
        yield s.replace(keyword.value, "0" if whole else "(0, 0)")


def shift_of_rows_alone(s: Source) -> Iterator[Edit]:
    """`torch.roll` along the first axis only."""
    for call in s.calls("roll"):
        if isinstance(call.args[0], ast.Tuple):
            yield s.replace(call.args[0], f"({s.said(call.args[0].elts[0])}, 0)")


def shift_one_further(s: Source) -> Iterator[Edit]:
    """Half a window, rounded up where the definition rounds down."""
    for keyword in s.options("shift_size"):
        if (one := number(keyword.value)) is not None:
            yield s.replace(keyword.value, str(one + 1))
        elif (both := numbers(keyword.value)) is not None and any(both):
            yield s.replace(keyword.value, str(tuple(n + 1 for n in both)))


def windows_rows_for_columns(s: Source) -> Iterator[Edit]:
    """The view that cuts a map into windows names the columns first."""
    for call in s.calls("view"):
        if len(call.args) == 4:
            a, b, c, d = (s.said(one) for one in call.args)
            yield s.replace(call, f"{s.said(call.func)}({c}, {d}, {a}, {b})")


def sizes_swapped(s: Source) -> Iterator[Edit]:
    """(width, height), as image libraries have it, for (height, width)."""
    for keyword in s.options("window_size", "grid_size", "kernel_size"):
        both = numbers(keyword.value)
        if both is not None and len(both) == 2 and both[0] != both[1]:
            yield s.replace(keyword.value, str(both[::-1]))


def grid_for_blocks(s: Source) -> Iterator[Edit]:
    """Places that are spaced over the map for places side by side, as MaxViT's two attentions."""
    for node in s.inside("cut_block_places", "wrapped_block_places"):
        if isinstance(node, ast.Call) and s.said(node).endswith(".view(-1, size)"):
            yield s.replace(node, s.said(node).replace(".view(-1, size)", ".view(size, -1).T"))


def blocks_for_grid(s: Source) -> Iterator[Edit]:
    """Places side by side for places that are spaced over the map."""
    for node in s.inside("grid_places"):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield s.replace(node, s.said(node).replace(".view(size, -1).T", ".view(-1, size)"))


def mask_forgotten(s: Source) -> Iterator[Edit]:
    """Pieces that a shift brought into one window attend to each other; empty slots take part."""
    for call in s.calls("masked_fill"):
        if isinstance(call.func, ast.Attribute):
            yield s.into(call, call.func.value)


def mask_inverted(s: Source) -> Iterator[Edit]:
    """A boolean mask read the other way round: torch's two attention functions disagree on it."""
    for call in s.calls("masked_fill"):
        mask = call.args[0]
        inverted = isinstance(mask, ast.UnaryOp) and isinstance(mask.op, ast.Invert)
        yield s.replace(mask, s.said(mask.operand) if inverted else f"~{s.said(mask)}")


def mask_of_minus_hundred(s: Source) -> Iterator[Edit]:
    """-100 for -inf, as Swin's own code has it: what is masked still counts a little."""
    for call in s.calls("masked_fill"):
        yield s.replace(call.args[1], "-100.0")


def mask_of_minus_one(s: Source) -> Iterator[Edit]:
    """The mask's 0 and -1 are added to the logits as they are."""
    for call in s.calls("masked_fill"):
        yield s.replace(call.args[1], "-1.0")


def empty_slots_keep_weight(s: Source) -> Iterator[Edit]:
    """Rows without a single present slot keep what the softmax made of nothing."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Mult) and s.said(node.right) == "present":
            yield s.into(node, node.left)


WINDOWS = (
    shift_the_other_way,
    shift_forgotten,
    shift_of_rows_alone,
    shift_one_further,
    windows_rows_for_columns,
    sizes_swapped,
    grid_for_blocks,
    blocks_for_grid,
    mask_forgotten,
    mask_inverted,
    mask_of_minus_hundred,
    mask_of_minus_one,
    empty_slots_keep_weight,
)

"""Mistakes about which inputs an output reads: borders, kernels, strides, tables of places."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, number, numbers, option


def border_off_by_one(s: Source) -> Iterator[Edit]:
    """< for <= where tables decide what is inside, what is cut, what covers the map."""
    other = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
    inside = ("cut_mask", "keep_inside", "cross", "tables", "fit_window", "weights")
    for node in s.inside(*inside):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in other:
            left, right = s.said(node.left), s.said(node.comparators[0])
            yield s.replace(node, f"{left} {other[type(node.ops[0])]} {right}")


def cut_along_rows_alone(s: Source) -> Iterator[Edit]:
    """The mask of shifted windows knows rows and forgets columns."""
    for node in s.inside("cut_mask", "cross", "keep_inside"):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
            yield s.into(node, node.left)


def wrapping_forgotten(s: Source) -> Iterator[Edit]:
    """An index that should come round at the border runs on, or is negative and counts back."""
    guards = {id(n) for test in s.find(ast.If) for n in ast.walk(test.test)}
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Mod) and id(node) not in guards:
            yield s.into(node, node.left)


def border_wraps_for_zeros(s: Source) -> Iterator[Edit]:
    """A circular border where there are zeros."""
    for call in s.calls("Conv2d"):
        if option(call, "padding") is not None:
            yield s.replace(call, s.said(call)[:-1] + ', padding_mode="circular")')
    for call in s.calls("keep_inside"):
        place, length = (s.said(one) for one in call.args)
        yield s.replace(call, f"{place} % {length}")


def border_continues_the_edge(s: Source) -> Iterator[Edit]:
    """Outside stands what stands at the edge: torch's `replicate` for `zeros`, `reflect`, wrap."""
    for call in s.calls("Conv2d"):
        if option(call, "padding") is not None:
            yield s.replace(call, s.said(call)[:-1] + ', padding_mode="replicate")')
    for call in s.calls("keep_inside", "wrap_round", "reflect_index"):
        place, length = (s.said(one) for one in call.args)
        yield s.replace(call, f"({place}).clamp(0, {length} - 1)")


def border_of_zeros(s: Source) -> Iterator[Edit]:
    """Zeros outside where the border reflects, wraps or continues the edge."""
    for call in s.calls("reflect_pad"):
        yield s.replace(call, f"F.pad({', '.join(s.said(one) for one in call.args)})")
    for call in s.calls("wrap_round", "clamp_inside"):
        place, length = (s.said(one) for one in call.args)
        outside = f"({place} < 0) | ({place} >= {length})"
        yield s.replace(call, f"torch.where({outside}, -1, {place})")


def reflection_repeats_the_edge(s: Source) -> Iterator[Edit]:
    """numpy's `symmetric` for `reflect`: the outermost row stands there twice."""
    for node in s.functions("reflect_index"):
        mirrored = "torch.where(index < 0, -1 - index, index)"
        body = (
            f"index = {mirrored}\n    return torch.where(index < size, index, 2 * size - 1 - index)"
        )
        yield s.replace(node.body[-1], body)


def padding_of_ones(s: Source) -> Iterator[Edit]:
    """Another value than 0 around the map."""
    for call in s.calls("pad"):
        yield s.replace(call, s.said(call)[:-1] + ", value=1.0)")


def padding_on_the_other_side(s: Source) -> Iterator[Edit]:
    """The odd row of padding above instead of below."""
    for call in s.calls("pad", "reflect_pad"):
        if isinstance(call.args[1], ast.Tuple) and len(call.args[1].elts) == 4:
            a, b, c, d = (s.said(one) for one in call.args[1].elts)
            yield s.replace(call.args[1], f"({b}, {a}, {d}, {c})")


def padding_axes_swapped(s: Source) -> Iterator[Edit]:
    """`F.pad` counts from the last axis; a reader of numpy counts from the first."""
    for call in s.calls("pad", "reflect_pad"):
        if isinstance(call.args[1], ast.Tuple) and len(call.args[1].elts) == 4:
            a, b, c, d = (s.said(one) for one in call.args[1].elts)
            yield s.replace(call.args[1], f"({c}, {d}, {a}, {b})")


def padding_forgotten(s: Source) -> Iterator[Edit]:
    """`padding` is left at its default, 0."""
    for keyword in s.options("padding"):
        yield s.replace(keyword.value, "0")


def stride_forgotten(s: Source) -> Iterator[Edit]:
    """`stride` is left at its default, 1."""
    for keyword in s.options("stride"):
        if number(keyword.value) not in (None, 1):
            yield s.replace(keyword.value, "1")


def stride_starts_late(s: Source) -> Iterator[Edit]:
    """Every second row from row 1 on."""
    for node in s.find(ast.Slice):
        if node.step is not None and node.lower is None:
            yield s.replace(node, f"1::{s.said(node.step)}")


def dilation_forgotten(s: Source) -> Iterator[Edit]:
    """`dilation` is left at its default, 1."""
    for keyword in s.options("dilation"):
        if numbers(keyword.value) not in (None, (1, 1)):
            yield s.replace(keyword.value, "(1, 1)")


def dilation_swapped(s: Source) -> Iterator[Edit]:
    """The dilation of rows and that of columns change places."""
    for keyword in s.options("dilation"):
        both = numbers(keyword.value)
        if both is not None and both[0] != both[1]:
            yield s.replace(keyword.value, str(both[::-1]))


def taps_column_by_column(s: Source) -> Iterator[Edit]:
    """Two loops in the other order: a kernel is read transposed."""
    for node in s.find(ast.ListComp):
        if len(node.generators) == 2 and not any(g.ifs for g in node.generators):
            first, second = node.generators
            one, other = (f"{s.said(g.target)} in {s.said(g.iter)}" for g in (first, second))
            yield s.replace(node, f"[{s.said(node.elt)} for {other} for {one}]")


def taps_backwards(s: Source) -> Iterator[Edit]:
    """Tap j reads what lies j before the output: a convolution for a correlation."""
    for function in s.functions("taps"):
        returned = function.body[-1]
        assert isinstance(returned, ast.Return) and returned.value is not None
        yield s.replace(returned.value, f"({s.said(returned.value)}).flip(-1)")


def kernel_flipped(s: Source) -> Iterator[Edit]:
    """A true convolution, as signal processing defines it, for torch's correlation."""
    for owner in s.classes("Conv2d"):
        flipped = "return self._conv_forward(x, self.weight.flip((2, 3)), self.bias)"
        yield s.insert_method(owner, f"def forward(self, x: Tensor) -> Tensor:\n    {flipped}")
    for call in s.calls("unflatten"):
        if "self.kernel_size, self.kernel_size" in s.said(call):
            yield s.replace(call, f"{s.said(call)}.flip((2, 3))")


def kernel_transposed(s: Source) -> Iterator[Edit]:
    """The weights of another framework, loaded columns first."""
    for owner in s.classes("Conv2d"):
        turned = "self.weight.mT if self.weight.shape[2] == self.weight.shape[3] else self.weight"
        body = f"return self._conv_forward(x, {turned}, self.bias)"
        yield s.insert_method(owner, f"def forward(self, x: Tensor) -> Tensor:\n    {body}")
    for call in s.calls("unflatten"):
        if "self.kernel_size, self.kernel_size" in s.said(call):
            yield s.replace(call, f"{s.said(call)}.mT")


def middle_of_even_kernels(s: Source) -> Iterator[Edit]:
    """size // 2 for (size - 1) // 2: an even kernel's extra tap on the other side."""
    for node in s.inside("placing", "tables"):
        if isinstance(node, ast.BinOp) and s.said(node) == "(size - 1) // 2":
            yield s.replace(node, "size // 2")


def region_from_the_corner(s: Source) -> Iterator[Edit]:
    """The region that predicts weights starts at the centre instead of surrounding it."""
    for node in s.inside("tables"):
        if isinstance(node, ast.BinOp) and s.said(node) == "(self.extent - 1) // 2":
            yield s.replace(node, "0")


def crop_from_the_wrong_end(s: Source) -> Iterator[Edit]:
    """After padding, the last rows are kept instead of the first."""
    for node in s.find(ast.Slice):
        if node.upper is not None and node.lower is None and ".shape[" in s.said(node.upper):
            yield s.replace(node, f"-{s.said(node.upper)} :")


def columns_before_rows(s: Source) -> Iterator[Edit]:
    """Positions are numbered column by column."""
    for node in s.inside("cross"):
        if isinstance(node, ast.BinOp) and s.said(node) == "y * width + x":
            yield s.replace(node, "x * width + y")


def height_for_width(s: Source) -> Iterator[Edit]:
    """A position is taken apart by the map's height: right on square maps."""
    for node in s.find(ast.BinOp):
        apart = isinstance(node.op, ast.FloorDiv | ast.Mod) and s.said(node.left) == "place"
        if apart and s.said(node.right) in ("size[1]", "w"):
            wrong = s.said(node.right).replace("1", "0").replace("w", "h")
            yield s.replace(node.right, wrong)


def windows_not_put_back(s: Source) -> Iterator[Edit]:
    """Windows are put back by the order that took them out, not by its inverse."""
    for call in s.calls("argsort"):
        assert isinstance(call.func, ast.Attribute)
        yield s.into(call, call.func.value)


def keys_not_reduced(s: Source) -> Iterator[Edit]:
    """Keys and values are read from the map that should have been reduced."""
    for call in s.calls("reduce"):
        yield s.into(call, call.args[0])


def sides_swapped_at_other_sizes(s: Source) -> Iterator[Edit]:
    """A map of another size is asked for as (width, height)."""
    for node in s.inside("locate"):
        if isinstance(node, ast.Tuple) and s.said(node) == "(x.shape[2], x.shape[3])":
            yield s.replace(node, "(x.shape[3], x.shape[2])")


def tables_of_the_built_size(s: Source) -> Iterator[Edit]:
    """Index tables of the size at construction serve every map."""
    for node in s.inside("locate"):
        if isinstance(node, ast.If):
            equal = isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Eq)
            yield s.replace(node.test, "True" if equal else "False")


READING = (
    border_off_by_one,
    cut_along_rows_alone,
    wrapping_forgotten,
    border_wraps_for_zeros,
    border_continues_the_edge,
    border_of_zeros,
    reflection_repeats_the_edge,
    padding_of_ones,
    padding_on_the_other_side,
    padding_axes_swapped,
    padding_forgotten,
    stride_forgotten,
    stride_starts_late,
    dilation_forgotten,
    dilation_swapped,
    taps_column_by_column,
    taps_backwards,
    kernel_flipped,
    kernel_transposed,
    middle_of_even_kernels,
    region_from_the_corner,
    crop_from_the_wrong_end,
    columns_before_rows,
    height_for_width,
    windows_not_put_back,
    keys_not_reduced,
    sides_swapped_at_other_sizes,
    tables_of_the_built_size,
)

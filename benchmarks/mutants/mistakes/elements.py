"""Mistakes in norms, activations, pools and other elements, and in the order of axes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, last_name, number, option

NORMS = ("LayerNorm", "LayerNorm2d", "BatchNorm2d", "BatchNorm1d", "RMSNorm2d", "GroupNorm")


def _norm_calls(s: Source) -> Iterator[ast.Call]:
    for call in s.find(ast.Call):
        if re.fullmatch(r"self\.(norm|affine)\d*", s.said(call.func)) and call.args:
            yield call


def norm_skipped(s: Source) -> Iterator[Edit]:
    """A norm is made and not used."""
    for call in _norm_calls(s):
        yield s.into(call, call.args[0])


def norm_of_the_other_branch(s: Source) -> Iterator[Edit]:
    """norm2 where norm1 is meant, after a line was copied."""
    for call in _norm_calls(s):
        name = s.said(call.func)
        other = {"1": "2", "2": "1", "3": "2", "4": "1"}.get(name[-1])
        if other is not None:
            yield s.replace(call.func, name[:-1] + other)


def eps_of_another_model(s: Source) -> Iterator[Edit]:
    """1e-6 for 1e-5 and the other way round: two families of models disagree."""
    for call in s.constructions():
        if last_name(call.func) in NORMS:
            eps = option(call, "eps")
            if eps is not None:
                yield s.replace(eps, "1e-05")
            else:
                yield s.replace(call, s.said(call)[:-1] + ", eps=1e-6)")


def momentum_of_another_framework(s: Source) -> Iterator[Edit]:
    """TensorFlow's momentum counts what is kept: 0.9 is torch's 0.1, 0.99 its 0.01."""
    for call in s.constructions():
        if last_name(call.func).startswith("BatchNorm"):
            yield s.replace(call, s.said(call)[:-1] + ", momentum=0.01)")


def statistics_of_the_batch(s: Source) -> Iterator[Edit]:
    """A batch norm that normalises by the batch in inference too."""
    for call in s.constructions():
        if last_name(call.func).startswith("BatchNorm"):
            yield s.replace(call, s.said(call)[:-1] + ", track_running_stats=False)")


def norm_without_scale(s: Source) -> Iterator[Edit]:
    """`affine=False`, where a scale follows by tradition and not here."""
    for call in s.constructions():
        name = last_name(call.func)
        if name in NORMS and "RMS" not in name:
            word = "elementwise_affine" if "Layer" in name else "affine"
            yield s.replace(call, f"{s.said(call)[:-1]}, {word}=False)")


def norm_over_the_whole_map(s: Source) -> Iterator[Edit]:
    """Layer norm over channels and positions together, which is a group norm of one group."""
    for owner in s.classes("LayerNorm2d"):
        method = next(n for n in owner.body if isinstance(n, ast.FunctionDef))
        normed = "F.layer_norm(x, x.shape[1:], eps=self.eps)"
        affine = "* self.weight[:, None, None] + self.bias[:, None, None]"
        yield s.replace(method.body[-1], f"return {normed} {affine}")


def norm_over_positions(s: Source) -> Iterator[Edit]:
    """Each channel is normalised over the map: an instance norm."""
    for owner in s.classes("LayerNorm2d"):
        method = next(n for n in owner.body if isinstance(n, ast.FunctionDef))
        normed = "F.instance_norm(x, eps=self.eps)"
        affine = "* self.weight[:, None, None] + self.bias[:, None, None]"
        yield s.replace(method.body[-1], f"return {normed} {affine}")


def other_number_of_groups(s: Source) -> Iterator[Edit]:
    """The first argument of `GroupNorm` counts groups, not channels of a group."""
    for call in s.calls("GroupNorm"):
        if (groups := number(call.args[0])) is not None:
            yield s.replace(call.args[0], str(2 if groups == 1 else 1))


def activation_forgotten(s: Source) -> Iterator[Edit]:
    """Two linear layers in a row."""
    for call in s.calls("gelu", "relu", "silu", "hardswish", "mish", "elu"):
        if s.said(call.func).startswith("F."):
            yield s.into(call, call.args[0])


def gelu_approximated(s: Source) -> Iterator[Edit]:
    """The tanh form of GELU for the exact one, or the exact one for it."""
    for call in s.calls("gelu"):
        inner = s.said(call.args[0])
        exact = option(call, "approximate") is None
        yield s.replace(call, f"F.gelu({inner}" + (', approximate="tanh")' if exact else ")"))


def another_activation(s: Source) -> Iterator[Edit]:
    """A near relative: ReLU6, SiLU, hard and soft variants."""
    other = {
        "relu": "F.relu6",
        "gelu": "F.silu",
        "silu": "F.hardswish",
        "hardswish": "F.silu",
        "mish": "F.silu",
        "elu": "F.selu",
    }
    for call in s.calls(*other):
        if s.said(call.func).startswith("F."):
            yield s.replace(call.func, other[last_name(call.func)])


def leaky_activation(s: Source) -> Iterator[Edit]:
    """LeakyReLU with torch's slope of 0.01 for ReLU."""
    for call in s.calls("relu"):
        yield s.replace(call.func, "F.leaky_relu")


def gate_by_a_hard_sigmoid(s: Source) -> Iterator[Edit]:
    """MobileNetV3's gate for SENet's."""
    for call in s.calls("sigmoid"):
        if s.said(call.func) == "torch.sigmoid":
            yield s.replace(call.func, "F.hardsigmoid")


def activation_in_place(s: Source) -> Iterator[Edit]:
    """`inplace=True` to save memory: what else reads the value reads it changed."""
    for call in s.calls("relu", "silu", "hardswish", "elu"):
        if s.said(call.func).startswith("F."):
            yield s.replace(call, s.said(call)[:-1] + ", inplace=True)")


def gate_not_applied(s: Source) -> Iterator[Edit]:
    """Squeeze-excite returns its input."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Mult) and s.said(node.right).startswith("gate["):
            yield s.into(node, node.left)


def gate_added(s: Source) -> Iterator[Edit]:
    """x + gate for x · gate."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Mult) and s.said(node.right).startswith("gate["):
            yield s.replace(node, f"{s.said(node.left)} + {s.said(node.right)}")


def layer_scale_forgotten(s: Source) -> Iterator[Edit]:
    """The learned scale of a branch is made and not used."""
    for call in s.find(ast.Call):
        if re.fullmatch(r"self\.scale\d*", s.said(call.func)):
            yield s.into(call, call.args[0])


def layer_scale_along_columns(s: Source) -> Iterator[Edit]:
    """A scale per channel, broadcast along the map's last axis: right where width = channels."""
    for node in s.find(ast.Subscript):
        if s.said(node) == "self.weight[:, None, None]":
            yield s.replace(node, "self.weight[: x.shape[3]]")


def pool_counts_padding(s: Source) -> Iterator[Edit]:
    """torch's default divides by the kernel's size at the border too; PoolFormer does not."""
    for call in s.calls("AvgPool2d", "avg_pool2d"):
        counted = option(call, "count_include_pad")
        if counted is not None:
            yield s.replace(counted, "not " + s.said(counted))


def pool_of_another_size(s: Source) -> Iterator[Edit]:
    """A pool of 5 for one of 3."""
    for call in s.calls("AvgPool2d", "max_pool2d"):
        first = call.args[0] if number(call.args[0]) else call.args[1]
        said = s.said(call).replace("padding=1", "padding=2")
        yield s.replace(call, said.replace(f"{s.said(first)}, ", "5, ", 1))


def mean_for_maximum(s: Source) -> Iterator[Edit]:
    """Average pooling for maximum pooling."""
    for call in s.calls("max_pool2d"):
        yield s.replace(call.func, "F.avg_pool2d")
    for call in s.calls("amax"):
        yield s.replace(call, s.said(call).replace("amax", "mean"))


def maximum_for_mean(s: Source) -> Iterator[Edit]:
    """Maximum pooling for average pooling."""
    for call in s.calls("avg_pool2d"):
        yield s.replace(call.func, "F.max_pool2d")
    for call in s.calls("mean"):
        yield s.replace(call, s.said(call).replace(".mean(", ".amax("))


def resized_smoothly(s: Source) -> Iterator[Edit]:
    """Bilinear for nearest."""
    for call in s.calls("interpolate"):
        yield s.replace(call, s.said(call)[:-1] + ', mode="bilinear")')


def branch_scaled_otherwise(s: Source) -> Iterator[Edit]:
    """A fixed factor with its sign lost."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Mult) and s.said(node.left).startswith("-"):
            yield s.into(node, node.right)


def permute_left_out(s: Source) -> Iterator[Edit]:
    """A `permute` is missing; where the sides agree nothing else notices."""
    for call in s.calls("permute"):
        assert isinstance(call.func, ast.Attribute)
        yield s.into(call, call.func.value)


def permute_of_other_axes(s: Source) -> Iterator[Edit]:
    """The two middle axes of a `permute` change places: height for width, most often."""
    for call in s.calls("permute"):
        axes = [s.said(one) for one in call.args]
        if len(axes) >= 3:
            places = [i for i, axis in enumerate(axes) if axis in ("2", "3")]
            if len(places) == 2:
                i, j = places
                axes[i], axes[j] = axes[j], axes[i]
                yield s.replace(call, f"{s.said(call.func)}({', '.join(axes)})")


def transpose_left_out(s: Source) -> Iterator[Edit]:
    """A `transpose` is missing."""
    for call in s.calls("transpose"):
        assert isinstance(call.func, ast.Attribute)
        yield s.into(call, call.func.value)


def reshape_for_transpose(s: Source) -> Iterator[Edit]:
    """`reshape` to the wanted shape, which runs and mixes everything up."""
    for call in s.calls("transpose"):
        if [s.said(one) for one in call.args] == ["1", "2"]:
            assert isinstance(call.func, ast.Attribute)
            x = s.said(call.func.value)
            if ".view(" not in x:
                yield s.replace(call, f"({x}).reshape({x}.shape[0], {x}.shape[2], {x}.shape[1])")


def sides_swapped_on_the_way_out(s: Source) -> Iterator[Edit]:
    """Positions are laid on a map of (width, height): right on square maps."""
    for call in s.calls("unflatten"):
        whole = len(call.args) == 2 and not isinstance(call.args[1], ast.Tuple)
        if whole and "size" in s.said(call.args[1]):
            yield s.replace(call.args[1], f"{s.said(call.args[1])}[::-1]")


ELEMENTS = (
    norm_skipped,
    norm_of_the_other_branch,
    eps_of_another_model,
    momentum_of_another_framework,
    statistics_of_the_batch,
    norm_without_scale,
    norm_over_the_whole_map,
    norm_over_positions,
    other_number_of_groups,
    activation_forgotten,
    gelu_approximated,
    another_activation,
    leaky_activation,
    gate_by_a_hard_sigmoid,
    activation_in_place,
    gate_not_applied,
    gate_added,
    layer_scale_forgotten,
    layer_scale_along_columns,
    pool_counts_padding,
    pool_of_another_size,
    mean_for_maximum,
    maximum_for_mean,
    resized_smoothly,
    branch_scaled_otherwise,
    permute_left_out,
    permute_of_other_axes,
    transpose_left_out,
    reshape_for_transpose,
    sides_swapped_on_the_way_out,
)

"""Mistakes about where weights come from: attention, predictors, normalisation, projections."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, option


def softmax_over_outputs(s: Source) -> Iterator[Edit]:
    """`dim=-2`: each input's weights sum to 1, not each output's."""
    for call in s.calls("softmax"):
        dim = option(call, "dim")
        if dim is not None:
            yield s.replace(dim, "-2")


def softmax_forgotten(s: Source) -> Iterator[Edit]:
    """Logits are used as weights."""
    for call in s.calls("softmax", "sigmoid"):
        if isinstance(call.func, ast.Attribute) and (call.keywords or not call.args):
            yield s.into(call, call.func.value)


def sigmoid_for_softmax(s: Source) -> Iterator[Edit]:
    """Each weight between 0 and 1 by itself."""
    for call in s.calls("softmax"):
        if option(call, "dim") is not None:
            assert isinstance(call.func, ast.Attribute)
            yield s.replace(call, f"{s.said(call.func.value)}.sigmoid()")


def softmax_for_sigmoid(s: Source) -> Iterator[Edit]:
    """Weights that sum to 1 where each stands by itself."""
    for call in s.calls("sigmoid"):
        if s.said(call) == "w.sigmoid()":
            yield s.replace(call, "w.softmax(dim=-1)")


def softmax_in_single_precision(s: Source) -> Iterator[Edit]:
    """`.float()` before the softmax, from a recipe for mixed precision, whatever comes in."""
    for call in s.calls("softmax"):
        if option(call, "dim") is not None:
            assert isinstance(call.func, ast.Attribute)
            logits = s.said(call.func.value)
            rest = "".join(s.said(keyword) for keyword in call.keywords)
            yield s.replace(call, f"({logits}).float().softmax({rest}).type_as({logits})")


def scale_forgotten(s: Source) -> Iterator[Edit]:
    """No 1/√d."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Mult) and s.said(node.right) == "self.scale":
            yield s.into(node, node.left)
    for call in s.calls("scaled_dot_product_attention"):
        yield s.replace(call, s.said(call)[:-1] + ", scale=1.0)")


def scale_of_the_whole_width(s: Source) -> Iterator[Edit]:
    """1/√width for 1/√head width."""
    for node in s.find(ast.BinOp):
        if s.said(node) == "dim // num_heads" and "-0.5" in s.line(node):
            yield s.replace(node, "dim")


def scale_without_a_root(s: Source) -> Iterator[Edit]:
    """1/d for 1/√d."""
    for node in s.inside("__init__"):
        if isinstance(node, ast.BinOp) and s.said(node) == "(dim // num_heads) ** -0.5":
            yield s.replace(node, "1.0 / (dim // num_heads)")


def scale_twice(s: Source) -> Iterator[Edit]:
    """The fused kernel scales what was scaled before."""
    for call in s.calls("scaled_dot_product_attention"):
        yield s.replace(
            call.args[0], f"{s.said(call.args[0])} * {s.said(call.args[0])}.shape[-1] ** -0.5"
        )


def scale_of_the_bias_too(s: Source) -> Iterator[Edit]:
    """(q·k + bias) / √d."""
    for node in s.inside("softmax"):
        if isinstance(node, ast.BinOp) and s.said(node.right) == "bias":
            yield s.replace(node, f"({s.said(node)}) * self.scale")


def query_for_key(s: Source) -> Iterator[Edit]:
    """q and k change places where the projection is cut."""
    for node in s.find(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Tuple):
            names = [s.said(one) for one in target.elts]
            if names in (["q", "k", "v"], ["q", "k"]) and "split_heads" in s.said(node.value):
                yield s.replace(target, ", ".join(["k", "q", *names[2:]]))


def key_for_value(s: Source) -> Iterator[Edit]:
    """k and v change places where the projection is cut."""
    for node in s.find(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and "split_heads" in s.said(node.value):
            names = [s.said(one) for one in target.elts]
            if names[-2:] == ["k", "v"]:
                yield s.replace(target, ", ".join([*names[:-2], "v", "k"]))


def attention_that_looks_back_alone(s: Source) -> Iterator[Edit]:
    """`is_causal=True`, from a language model."""
    for call in s.calls("scaled_dot_product_attention"):
        if option(call, "attn_mask") is None:
            yield s.replace(call, s.said(call)[:-1] + ", is_causal=True)")


def position_bias_forgotten(s: Source) -> Iterator[Edit]:
    """The learned bias of offsets is made and not added."""
    for call in s.calls("scaled_dot_product_attention"):
        mask = option(call, "attn_mask")
        if mask is not None:
            yield s.replace(mask, "None")
    for node in s.inside("weights", "softmax"):
        learned = ("bias", "self.relative_position_bias_table.T[:, orbits]")
        pair = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
        if pair and (s.said(node.right) in learned or "position_bias" in s.said(node.right)):
            yield s.into(node, node.left)


def position_bias_after_the_softmax(s: Source) -> Iterator[Edit]:
    """softmax(q·k) + bias."""
    for call in s.calls("softmax"):
        value = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(value, ast.BinOp) and s.said(value.right) == "bias":
            yield s.replace(call, f"({s.said(value.left)}).softmax(dim=-1) + bias")


def value_projection_skipped(s: Source) -> Iterator[Edit]:
    """What is summed is the input, not its values."""
    for call in s.calls("value"):
        yield s.into(call, call.args[0])
    for call in s.calls("partial_linear"):
        if s.said(call.args[2]) in ("2 * self.dim", "self.dim"):
            yield s.into(call, call.args[1])


def output_projection_skipped(s: Source) -> Iterator[Edit]:
    """`proj` is made and not used."""
    for call in s.calls("proj"):
        yield s.into(call, call.args[0])


def keys_for_values(s: Source) -> Iterator[Edit]:
    """The slice of the fused projection that holds k, where v is meant."""
    for call in s.calls("partial_linear"):
        if s.said(call.args[2]) == "2 * self.dim":
            arguments = [s.said(one) for one in call.args[:2]]
            yield s.replace(call, f"partial_linear({', '.join(arguments)}, self.dim, 2 * self.dim)")


def static_for_dynamic(s: Source) -> Iterator[Edit]:
    """The predicted kernel is overwritten by the predictor's bias: one kernel for every image."""
    for call in s.calls("expand"):
        if s.said(call.func) == "self.expand" and len(call.args) == 1:
            inner = s.said(call.args[0])
            yield s.replace(call, f"(self.expand.bias + 0 * self.expand({inner}))")
    for call in s.calls("baddbmm"):
        if "self.expand" in s.said(call.args[0]):
            yield s.replace(call.args[2], f"0 * {s.said(call.args[2])}")


def pooled_for_centre(s: Source) -> Iterator[Edit]:
    """Weights from the mean of the map where each position should have its own."""
    for call in s.calls("squeeze", "expand", "predict"):
        inside = call.args[0] if len(call.args) == 1 else None
        own = s.said(call.func).startswith("self.")
        if own and isinstance(inside, ast.Name) and inside.id in ("x", "context"):
            axes = "(2, 3)" if inside.id == "x" else "1"
            name = inside.id
            if not (name == "context" and "mean(dim=(2, 3))" in s.text):
                yield s.replace(inside, f"{name}.mean({axes}, keepdim=True).expand_as({name})")


def centre_for_pooled(s: Source) -> Iterator[Edit]:
    """The context is one pixel, not the mean over all."""
    for call in s.calls("mean"):
        if s.said(call).endswith(("mean((2, 3))", "mean(dim=(2, 3))")):
            assert isinstance(call.func, ast.Attribute)
            x = s.said(call.func.value)
            yield s.replace(call, f"({x})[:, :, 0, 0]")


def mean_of_the_batch(s: Source) -> Iterator[Edit]:
    """The mean runs over images too: one context for the whole batch."""
    for call in s.calls("mean"):
        if s.said(call).endswith(("mean((2, 3))", "mean(dim=(2, 3))")):
            yield s.replace(call, f"{s.said(call)}.mean(0, keepdim=True).expand(x.shape[0], -1)")


def mean_without_the_last_place(s: Source) -> Iterator[Edit]:
    """A slice that ends one too early before a mean."""
    for call in s.calls("mean"):
        if s.said(call).endswith(("mean((2, 3))", "mean(dim=(2, 3))")):
            assert isinstance(call.func, ast.Attribute)
            x = s.said(call.func.value)
            yield s.replace(call, f"({x}).flatten(2)[:, :, :-1].mean(2)")


def sum_for_mean(s: Source) -> Iterator[Edit]:
    """`sum` where the mean is meant."""
    for call in s.calls("mean"):
        assert isinstance(call.func, ast.Attribute)
        arguments = ", ".join(s.said(one) for one in (*call.args, *call.keywords))
        yield s.replace(call, f"{s.said(call.func.value)}.sum({arguments})")


def kernel_of_the_first_image(s: Source) -> Iterator[Edit]:
    """All images of a batch are filtered with the first one's weights."""
    for call in s.calls("aggregate"):
        if isinstance(call.args[0], ast.Call) and "weights" in s.said(call.args[0]):
            w = s.said(call.args[0])
            yield s.replace(call.args[0], f"{w}[:1].expand_as({w})")


def predictor_bends_not(s: Source) -> Iterator[Edit]:
    """The predictor's activation is left out."""
    for call in s.calls("relu"):
        around = s.said(call)
        if "squeeze" in around or "hidden" in around:
            yield s.into(call, call.args[0])


def predicted_kernel_read_in_another_order(s: Source) -> Iterator[Edit]:
    """The last layer's outputs are (tap, head), not (head, tap)."""
    for call in s.calls("view", "unflatten"):
        said = s.said(call)
        if "self.num_heads, -1, *hidden" in said:
            turned = said.replace("self.num_heads, -1,", "-1, self.num_heads,")
            yield s.replace(call, f"{turned}.transpose(1, 2)")
        if "(*self.units, -1)" in said and "predict" in said:
            turned = said.replace("(*self.units, -1)", "(-1, *self.units)")
            axis = s.said(call.args[0])
            yield s.replace(call, f"{turned}.movedim({axis}, -1)")


def matrix_transposed(s: Source) -> Iterator[Edit]:
    """A learned matrix over positions or places is applied as its transpose."""
    turned = {"oi": "io", "hqk": "hkq", "hnqk": "hnkq", "dcnqk": "dcnkq", "bhnqk": "bhnkq"}
    for call in s.calls("einsum"):
        equation = call.args[0]
        if isinstance(equation, ast.Constant):
            left, _, rest = equation.value.partition(",")
            short = "oi" if left.endswith("oi") else left
            if short in turned:
                new = left[: len(left) - len(short)] + turned[short]
                yield s.replace(equation, repr(f"{new},{rest}"))
    for node in s.find(ast.Attribute):
        if s.said(node) == "self.weight.expand" and "baddbmm" in s.text:
            yield s.replace(node, "self.weight.mT.expand")


def channels_transposed(s: Source) -> Iterator[Edit]:
    """Input and output channels of a learned matrix change places."""
    turned = {"dcoi": "cdoi", "dcnqk": "cdnqk", "bgdcnqk": "bgcdnqk"}
    for call in s.calls("einsum"):
        equation = call.args[0]
        if isinstance(equation, ast.Constant):
            left, _, rest = equation.value.partition(",")
            if left in turned:
                yield s.replace(equation, repr(f"{turned[left]},{rest}"))


def attention_transposed(s: Source) -> Iterator[Edit]:
    """wᵀ v for w v."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.MatMult) and s.said(node.left) == "w":
            yield s.replace(node.left, "w.transpose(-2, -1)")


def weights_without_gradient(s: Source) -> Iterator[Edit]:
    """Weights are detached: a leftover of looking at them."""
    for function in s.functions("weights"):
        returned = function.body[-1]
        assert isinstance(returned, ast.Return) and returned.value is not None
        yield s.replace(returned.value, f"({s.said(returned.value)}).detach()")
    for call in s.calls("scaled_dot_product_attention"):
        yield s.replace(call.args[1], f"{s.said(call.args[1])}.detach()")


WEIGHTING = (
    softmax_over_outputs,
    softmax_forgotten,
    sigmoid_for_softmax,
    softmax_for_sigmoid,
    softmax_in_single_precision,
    scale_forgotten,
    scale_of_the_whole_width,
    scale_without_a_root,
    scale_twice,
    scale_of_the_bias_too,
    query_for_key,
    key_for_value,
    attention_that_looks_back_alone,
    position_bias_forgotten,
    position_bias_after_the_softmax,
    value_projection_skipped,
    output_projection_skipped,
    keys_for_values,
    static_for_dynamic,
    pooled_for_centre,
    centre_for_pooled,
    mean_of_the_batch,
    mean_without_the_last_place,
    sum_for_mean,
    kernel_of_the_first_image,
    predictor_bends_not,
    predicted_kernel_read_in_another_order,
    matrix_transposed,
    channels_transposed,
    attention_transposed,
    weights_without_gradient,
)

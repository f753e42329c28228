"""Mistakes in how parts are put together: shortcuts, branches, biases, stages, heads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, last_name, option


def _sums(s: Source) -> Iterator[ast.BinOp]:
    """x + self.drop_path(…) in blocks."""
    for node in s.sums("forward"):
        if "self.drop_path" in s.said(node.right) and s.said(node.left) in ("x", "shortcut"):
            yield node


def _branches(s: Source) -> Iterator[ast.BinOp]:
    """Other sums of values."""
    for node in s.sums("forward"):
        dropped = any("drop_path" in s.said(one) for one in (node.left, node.right))
        if not dropped and not isinstance(node.left, ast.Tuple):
            yield node


def shortcut_forgotten(s: Source) -> Iterator[Edit]:
    """f(x) for x + f(x)."""
    for node in _sums(s):
        yield s.into(node, node.right)


def shortcut_twice(s: Source) -> Iterator[Edit]:
    """2x + f(x)."""
    for node in _sums(s):
        yield s.replace(node.left, f"2 * {s.said(node.left)}")


def shortcut_of_the_normed(s: Source) -> Iterator[Edit]:
    """norm(x) + f(norm(x)): the sum begins after the norm."""
    for node in _sums(s):
        inner = re.search(r"self\.(norm|affine)\d*\(x\)", s.said(node.right))
        if inner is not None:
            yield s.replace(node.left, inner.group())


def norm_after_the_mixer(s: Source) -> Iterator[Edit]:
    """x + norm(f(x)) for x + f(norm(x))."""
    for call in s.inside("forward"):
        if (
            isinstance(call, ast.Call)
            and len(call.args) == 1
            and isinstance(call.args[0], ast.Call)
        ):
            inner = call.args[0]
            normed = re.fullmatch(r"self\.(norm|affine)\d*", s.said(inner.func))
            name = s.said(call.func)
            own = name.startswith("self.") and "norm" not in name and "drop_path" not in name
            if normed and own and len(inner.args) == 1:
                x = s.said(inner.args[0])
                yield s.replace(call, f"{s.said(inner.func)}({s.said(call.func)}({x}))")


def drop_path_before_the_norm(s: Source) -> Iterator[Edit]:
    """The branch is dropped before its last norm, which makes something of nothing."""
    for call in s.inside("forward"):
        if isinstance(call, ast.Call) and "drop_path" in s.said(call.func):
            inner = call.args[0]
            if isinstance(inner, ast.Call) and "norm" in s.said(inner.func):
                x = s.said(inner.args[0])
                yield s.replace(call, f"{s.said(inner.func)}({s.said(call.func)}({x}))")


def branch_forgotten(s: Source) -> Iterator[Edit]:
    """The last term of a sum of branches is missing."""
    for node in _branches(s):
        if "bias" not in s.said(node.right):
            yield s.into(node, node.left)


def product_for_sum(s: Source) -> Iterator[Edit]:
    """Branches are multiplied."""
    for node in _branches(s):
        yield s.replace(node, f"({s.said(node.left)}) * ({s.said(node.right)})")


def concatenated_the_other_way(s: Source) -> Iterator[Edit]:
    """(b, a) for (a, b)."""
    for call in s.calls("cat"):
        parts = call.args[0]
        if isinstance(parts, ast.List | ast.Tuple) and len(parts.elts) == 2:
            one, other = (s.said(part) for part in parts.elts)
            yield s.replace(parts, f"[{other}, {one}]")


def split_the_other_way(s: Source) -> Iterator[Edit]:
    """The parts of a split change places."""
    for node in s.find(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and ".split(" in s.said(node.value):
            yield s.replace(target, ", ".join(s.said(one) for one in reversed(target.elts)))


def bias_forgotten(s: Source) -> Iterator[Edit]:
    """A bias is learned and not added."""
    for node in s.find(ast.BinOp):
        if isinstance(node.op, ast.Add) and s.said(node.right).startswith("self.bias"):
            yield s.into(node, node.left)
    for call in s.calls("addcmul", "baddbmm"):
        if "bias" in s.said(call.args[0]):
            yield s.replace(call.args[0], f"torch.zeros_like({s.said(call.args[0])})")


def bias_left_out(s: Source) -> Iterator[Edit]:
    """`bias=False` from habit, before a norm that is not there."""
    for call in s.constructions():
        if last_name(call.func) in ("Conv2d", "Linear", "Linear2d", "Conv2dSame"):
            bias = option(call, "bias")
            if bias is None:
                yield s.replace(call, s.said(call)[:-1] + ", bias=False)")
            elif s.said(bias) != "False":
                yield s.replace(bias, "False")


def bias_too_many(s: Source) -> Iterator[Edit]:
    """`bias=False` is forgotten before a norm."""
    for keyword in s.options("bias"):
        if s.said(keyword.value) == "False":
            yield s.replace(keyword.value, "True")


def last_block_skipped(s: Source) -> Iterator[Edit]:
    """A loop over blocks that ends one too early."""
    for node in s.find(ast.For):
        if s.said(node.iter) == "self.blocks":
            yield s.replace(node.iter, "list(self.blocks)[:-1]")


def blocks_backwards(s: Source) -> Iterator[Edit]:
    """Blocks run in the other order."""
    for node in s.find(ast.For):
        if s.said(node.iter) == "self.blocks":
            yield s.replace(node.iter, "reversed(list(self.blocks))")


def first_block_twice(s: Source) -> Iterator[Edit]:
    """The first block runs once more."""
    for node in s.find(ast.For):
        if s.said(node.iter) == "self.blocks":
            yield s.replace(node.iter, "[self.blocks[0], *self.blocks]")


def one_block_too_many(s: Source) -> Iterator[Edit]:
    """depth + 1 blocks."""
    for call in s.inside("make_stages"):
        if isinstance(call, ast.Call) and s.said(call.func) == "range":
            yield s.replace(call.args[0], f"{s.said(call.args[0])} + 1")


def class_token_last(s: Source) -> Iterator[Edit]:
    """The classifier reads the last token, where a language model would."""
    for node in s.inside("forward_head"):
        if isinstance(node, ast.Subscript) and s.said(node).endswith("[:, 0]"):
            yield s.replace(node, s.said(node)[: -len("[:, 0]")] + "[:, -1]")


def mean_for_class_token(s: Source) -> Iterator[Edit]:
    """The classifier reads the mean over all tokens."""
    for node in s.inside("forward_head"):
        if isinstance(node, ast.Subscript) and s.said(node).endswith("[:, 0]"):
            yield s.replace(node, s.said(node)[: -len("[:, 0]")] + ".mean(1)")


def positions_not_added(s: Source) -> Iterator[Edit]:
    """The position embedding is made and not used."""
    for call in s.calls("position"):
        yield s.into(call, call.args[0])


def classifier_normed_twice(s: Source) -> Iterator[Edit]:
    """The head's norm is applied again after the pool."""
    for call in s.inside("forward_head"):
        own = isinstance(call, ast.Call) and s.said(call.func) == "self.norm"
        if own and "2d" not in s.text.split("self.norm = ")[-1].splitlines()[0]:
            yield s.replace(call, f"self.norm({s.said(call)})")


def image_upside_down(s: Source) -> Iterator[Edit]:
    """A library that stores images bottom up; or blue before red."""
    for node in s.functions("forward_stem"):
        returned = node.body[-1]
        assert isinstance(returned, ast.Return) and isinstance(returned.value, ast.Call)
        x = returned.value.args[0]
        yield s.replace(x, f"{s.said(x)}.flip(2)")
        yield s.replace(x, f"{s.said(x)}.flip(1)")


def logits_as_probabilities(s: Source) -> Iterator[Edit]:
    """A softmax after the classifier, before a loss that has its own."""
    for function in s.functions("forward_head"):
        returned = function.body[-1]
        assert isinstance(returned, ast.Return)
        if isinstance(returned.value, ast.IfExp):
            last = returned.value.orelse
            yield s.replace(last, f"{s.said(last)}.softmax(dim=-1)")


WIRING = (
    shortcut_forgotten,
    shortcut_twice,
    shortcut_of_the_normed,
    norm_after_the_mixer,
    drop_path_before_the_norm,
    branch_forgotten,
    product_for_sum,
    concatenated_the_other_way,
    split_the_other_way,
    bias_forgotten,
    bias_left_out,
    bias_too_many,
    last_block_skipped,
    blocks_backwards,
    first_block_twice,
    one_block_too_many,
    class_token_last,
    mean_for_class_token,
    positions_not_added,
    classifier_normed_twice,
    image_upside_down,
    logits_as_probabilities,
)

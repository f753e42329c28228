"""Mistakes that show while training, at the start, at another size, or to who uses the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.source import Edit, Source, last_name, option


def drop_path_in_inference(s: Source) -> Iterator[Edit]:
    """The test for training is missing or the wrong way round."""
    for node in s.find(ast.UnaryOp):
        if s.said(node) == "not self.training":
            yield s.replace(node, "self.training")
            yield s.replace(node, "False")


def drop_path_not_scaled_up(s: Source) -> Iterator[Edit]:
    """What is kept is not divided by its probability."""
    for call in s.calls("div_"):
        assert isinstance(call.func, ast.Attribute)
        yield s.into(call, call.func.value)


def drop_path_keeps_what_it_should_drop(s: Source) -> Iterator[Edit]:
    """A rate of dropping for a rate of keeping, as TensorFlow had it."""
    for node in s.find(ast.BinOp):
        if s.said(node) == "1.0 - self.drop_prob":
            yield s.replace(node, "self.drop_prob")


def drop_path_for_the_whole_batch(s: Source) -> Iterator[Edit]:
    """One coin for all images."""
    for node in s.find(ast.Tuple):
        if s.said(node) == "(x.shape[0],)" and "bernoulli_" in s.text:
            yield s.replace(node, "(1,)")


def drop_path_along_the_width(s: Source) -> Iterator[Edit]:
    """The coins are left flat, one for each image, and broadcast along the map's last axis."""
    for node in s.find(ast.BinOp):
        if s.said(node) == "(x.shape[0],) + (1,) * (x.ndim - 1)":
            yield s.into(node, node.left)


def drop_path_for_every_value(s: Source) -> Iterator[Edit]:
    """A coin for every value: dropout."""
    for node in s.find(ast.BinOp):
        if s.said(node) == "(x.shape[0],) + (1,) * (x.ndim - 1)":
            yield s.replace(node, "tuple(x.shape)")


def drop_path_constant(s: Source) -> Iterator[Edit]:
    """The same rate for all blocks."""
    for node in s.find(ast.ListComp):
        if s.said(node.elt).startswith("drop_path_rate"):
            yield s.replace(node.elt, "drop_path_rate")


def drop_path_rises_too_late(s: Source) -> Iterator[Edit]:
    """The linear rule divides by the number of blocks, not by one less."""
    for node in s.find(ast.ListComp):
        if s.said(node.elt).startswith("drop_path_rate") and isinstance(node.elt, ast.BinOp):
            yield s.replace(node.elt.right, f"{s.said(node.elt.right)} + 1")


def drop_path_of_another_rate(s: Source) -> Iterator[Edit]:
    """A default of another paper."""
    for node in s.functions("__init__"):
        names = [argument.arg for argument in node.args.args]
        if "drop_path_rate" in names:
            yield s.replace(node.args.defaults[-1], "0.15")


def branch_without_gradient(s: Source) -> Iterator[Edit]:
    """`.detach()` on a branch, left from an experiment."""
    for node in s.sums("forward"):
        if s.said(node.left) in ("x", "shortcut"):
            yield s.replace(node.left, f"{s.said(node.left)}.detach()")


def dropout_always(s: Source) -> Iterator[Edit]:
    """`F.dropout` drops by default, in inference too."""
    for call in s.calls("dropout"):
        if len(call.args) > 1 or call.keywords:
            yield s.replace(call, f"F.dropout({s.said(call.args[0])}, 0.2)")
        else:
            yield s.replace(call, f"F.dropout({s.said(call.args[0])}, self.dropout.p)")


def dropout_forgotten(s: Source) -> Iterator[Edit]:
    """The dropout before the classifier is missing."""
    for call in s.calls("dropout"):
        yield s.into(call, call.args[0])


def squeeze_without_an_axis(s: Source) -> Iterator[Edit]:
    """`squeeze()` and kin: a batch of one image is handled as no batch."""
    for function in s.functions("forward"):
        returned = function.body[-1]
        if isinstance(returned, ast.Return) and "forward_head" in s.said(returned):
            assert returned.value is not None
            yield s.replace(returned.value, f"({s.said(returned.value)}).squeeze()")


def single_precision_inside(s: Source) -> Iterator[Edit]:
    """A `.float()` that is right in mixed precision and loses digits in double."""
    for function in s.functions("forward_head"):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and s.said(node.targets[0]) == "x":
                yield s.replace(node.value, f"({s.said(node.value)}).float().to(x.dtype)")


def starts_ten_times_as_wide(s: Source) -> Iterator[Edit]:
    """std 0.2 for 0.02."""
    for call in s.calls("trunc_normal_"):
        std = option(call, "std")
        if std is not None:
            yield s.replace(std, "0.2")


def starts_uniform(s: Source) -> Iterator[Edit]:
    """A uniform start of the same bound for a normal one of that spread."""
    for call in s.calls("trunc_normal_", "normal_"):
        std = option(call, "std")
        if std is not None and s.said(call.func).startswith("nn.init."):
            first = s.said(call.args[0])
            yield s.replace(call, f"nn.init.uniform_({first}, -{s.said(std)}, {s.said(std)})")


def starts_by_inputs(s: Source) -> Iterator[Edit]:
    """fan-in for fan-out."""
    for node in s.inside("reset_parameters"):
        if isinstance(node, ast.Attribute) and s.said(node) == "self.out_channels":
            yield s.replace(node, "self.in_channels")


def biases_start_at_one(s: Source) -> Iterator[Edit]:
    """`ones_` for `zeros_`."""
    for call in s.calls("zeros_"):
        yield s.replace(call.func, "nn.init.ones_")


def branches_start_at_one(s: Source) -> Iterator[Edit]:
    """The last norm of a branch starts at 1 where the recipe wants 0; a layer scale likewise."""
    for keyword in s.options("init", "init_value"):
        yield s.replace(keyword.value, "1.0")


def start_forgotten(s: Source) -> Iterator[Edit]:
    """`reset_parameters` of the model reaches none of its layers."""
    for node in s.find(ast.Compare):
        if s.said(node) == "module is not self":
            yield s.replace(node, "module is self")


def tables_in_the_state_dict(s: Source) -> Iterator[Edit]:
    """Index tables are saved with the weights, and checkpoints of another size do not load."""
    for call in s.calls("register_buffer"):
        persistent = option(call, "persistent")
        if persistent is not None:
            yield s.replace(persistent, "True")


def feature_maps_before_the_stage(s: Source) -> Iterator[Edit]:
    """Maps are collected before each stage, not after."""
    for node in s.inside("forward_intermediates"):
        if isinstance(node, ast.For) and len(node.body) == 2:
            stage, append = node.body
            lines = f"{s.said(append)}\n            {s.said(stage)}"
            yield Edit(s.replace(stage, "x").start, s.replace(append, "x").end, lines, stage.lineno)


def feature_maps_after_the_norm(s: Source) -> Iterator[Edit]:
    """The head's norm is applied to the maps too."""
    for node in s.inside("forward_intermediates"):
        if isinstance(node, ast.Return) and "self.norm = " in s.text and node.value is not None:
            yield s.replace(node.value, "[*maps[:-1], self.norm(maps[-1])]")


def feature_info_off_by_one_stage(s: Source) -> Iterator[Edit]:
    """Reductions of the stage before."""
    for node in s.find(ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "reduction":
                yield s.replace(value, f"{s.said(value)} // 2")


def classifier_of_another_width(s: Source) -> Iterator[Edit]:
    """`reset_classifier` forgets its argument."""
    for function in s.functions("reset_classifier"):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and last_name(node.func) == "Linear":
                yield s.replace(node.args[1], "self.classifier.out_features")


def classifier_not_kept(s: Source) -> Iterator[Edit]:
    """`num_classes` keeps its old value after `reset_classifier`."""
    for function in s.functions("reset_classifier"):
        for node in function.body:
            if isinstance(node, ast.Assign) and "self.num_classes" in s.said(node.targets[0]):
                yield s.remove(node)


def decay_of_everything(s: Source) -> Iterator[Edit]:
    """`no_weight_decay` names nothing."""
    for function in s.functions("no_weight_decay"):
        returned = function.body[-1]
        assert isinstance(returned, ast.Return)
        if returned.value is not None and s.said(returned.value) != "set()":
            yield s.replace(returned.value, "set()")


def checkpointing_forgotten(s: Source) -> Iterator[Edit]:
    """`set_grad_checkpointing` sets an attribute that nothing reads."""
    for node in s.inside("set_grad_checkpointing"):
        if isinstance(node, ast.Attribute) and node.attr == "grad_checkpointing":
            yield s.replace(node, s.said(node).replace("grad_", "gradient_"))


def checkpointing_in_half_precision(s: Source) -> Iterator[Edit]:
    """Under gradient checkpointing blocks read a value that was kept in bf16 to save memory."""
    for call in s.calls("checkpoint"):
        yield s.replace(call.args[1], f"{s.said(call.args[1])}.bfloat16().to(x.dtype)")


def three_channels_always(s: Source) -> Iterator[Edit]:
    """`in_chans` is forgotten on its way to the stem."""
    for call in s.calls("Stem"):
        if call.args and s.said(call.args[0]) == "in_chans":
            yield s.replace(call.args[0], "3")


def any_size_accepted(s: Source) -> Iterator[Edit]:
    """The check of `img_size` is missing."""
    for node in s.find(ast.If):
        if "self.img_size" in s.said(node.test):
            yield s.replace(node.test, "False")


def square_images_alone(s: Source) -> Iterator[Edit]:
    """The height is taken for both sides."""
    for node in s.find(ast.Attribute, ast.Name):
        if s.said(node) == "img_size" and isinstance(node, ast.Name):
            line = s.text.splitlines()[node.lineno - 1]
            if line.rstrip().endswith("else img_size") and node.col_offset > line.index("else"):
                yield s.replace(node, "(img_size[0], img_size[0])")


RUNNING = (
    drop_path_in_inference,
    drop_path_not_scaled_up,
    drop_path_keeps_what_it_should_drop,
    drop_path_for_the_whole_batch,
    drop_path_along_the_width,
    drop_path_for_every_value,
    drop_path_constant,
    drop_path_rises_too_late,
    drop_path_of_another_rate,
    branch_without_gradient,
    dropout_always,
    dropout_forgotten,
    squeeze_without_an_axis,
    single_precision_inside,
    starts_ten_times_as_wide,
    starts_uniform,
    starts_by_inputs,
    biases_start_at_one,
    branches_start_at_one,
    start_forgotten,
    tables_in_the_state_dict,
    feature_maps_before_the_stage,
    feature_maps_after_the_norm,
    feature_info_off_by_one_stage,
    classifier_of_another_width,
    classifier_not_kept,
    decay_of_everything,
    checkpointing_forgotten,
    checkpointing_in_half_precision,
    three_channels_always,
    any_size_accepted,
    square_images_alone,
)

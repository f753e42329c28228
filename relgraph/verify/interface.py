"""What users of vision models expect of the class: counts, feature_info, other classifiers.

In: the loaded file, its program. Out: one check. Only shapes are asked for, and what gradients
reach, on the meta device.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from relgraph.algebra.operator import Size
from relgraph.assemble.parameters import parameters
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Program
from relgraph.verify.report import Check

OTHER_CLASSES = 7
Builder: TypeAlias = Callable[..., Any]


def check_interface(module: types.ModuleType, program: Program) -> Check:
    """Attributes and builder arguments against the program; the first that is wrong is named."""
    with torch.device("meta"):
        problem = next(_problems(module, program), "")
    stages = len(program.stages)
    declared = f"{program.source.classes} classes, {stages} feature maps, builder's arguments"
    measured = "different" if problem else "the same"
    return Check("interface", "model", declared, measured, not problem, problem)


def _problems(module: types.ModuleType, program: Program) -> Iterator[str]:
    build = getattr(module, module.BUILDER)
    model = build().eval()
    source = program.source
    yield from _unequal("num_classes", model.num_classes, source.classes)
    yield from _unequal("in_chans", model.in_chans, source.in_chans)
    yield from _unequal("feature_info", model.feature_info, _feature_info(program))
    yield from _unequal("no_weight_decay", model.no_weight_decay(), _spared(program))
    yield from _defaults(build, type(model), program)
    if not _classifiers(program):
        return
    yield from _unequal("num_features", model.num_features, _classifiers(program)[0].input.channels)
    yield from _unequal("logits", _shape(model, program), (1, source.classes))
    yield from _resets(model, program)
    yield from _detached(build(), program)
    in_chans = source.in_chans + (1 if _reads_any_width(program) else 0)
    other = build(num_classes=OTHER_CLASSES, in_chans=in_chans).eval()
    found = _shape(other, program, in_chans)
    yield from _unequal("num_classes and in_chans of the builder", found, (1, OTHER_CLASSES))


def _unequal(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found} in the file, {wanted} by the spec"


def _feature_info(program: Program) -> list[dict[str, object]]:
    return [
        {
            "num_chs": stage.output.channels,
            "reduction": _one(stage.reduction),
            "module": f"stages.{number}",
        }
        for number, stage in enumerate(program.stages)
    ]


def _spared(program: Program) -> set[str]:
    """Parameters of two dimensions and more that decay as little as biases and norms."""
    listed = parameters(program).items()
    return {name for name, one in listed if not one.decay and len(one.shape) >= 2}


def _one(reduction: tuple[int, int]) -> object:
    rows, columns = reduction
    return rows if rows == columns else reduction


def _reads_any_width(program: Program) -> bool:
    """Whether the stem begins by mixing all channels of the image, however many they are."""
    first = program.stem.body[0] if program.stem.body else None
    return isinstance(first, Connect) and first.connection.operator.channel.connect == "full"


def _classifiers(program: Program) -> list[Element]:
    found = [node for _, node in nodes(program) if isinstance(node, Element)]
    return [node for node in found if node.word == "classifier"]


def _defaults(build: Builder, cls: type[nn.Module], program: Program) -> Iterator[str]:
    """What the builder and the class do where they are not told otherwise."""
    source = program.source
    wanted = {
        "num_classes": source.classes,
        "in_chans": source.in_chans,
        "drop_path_rate": source.drop_path,
    }
    for made in (build, cls):
        for name, parameter in inspect.signature(made).parameters.items():
            if name in wanted and parameter.default is not inspect.Parameter.empty:
                what = f"{name} of {made.__name__} by default"
                yield from _unequal(what, parameter.default, wanted[name])


def _resets(model: Any, program: Program) -> Iterator[str]:
    """`get_classifier`, and `reset_classifier` with other numbers of classes."""
    first = _classifiers(program)[0].attr
    if model.get_classifier() is not getattr(model, first):
        yield f"get_classifier does not give {first}"
    before = {name: (t.ndim, t.dtype) for name, t in model.bfloat16().state_dict().items()}
    model.reset_classifier(OTHER_CLASSES)
    after = {name: (t.ndim, t.dtype) for name, t in model.state_dict().items()}
    call = f"reset_classifier({OTHER_CLASSES})"
    changed = sorted(name for name, _ in before.items() ^ after.items())
    if changed:
        yield f"{call} changes the name, the dimensions or the dtype of {changed[0]}"
    yield from _unequal(f"num_classes after {call}", model.num_classes, OTHER_CLASSES)
    yield from _unequal(call, _shape(model, program), (1, OTHER_CLASSES))
    # Of one class there is a classifier, too.
    model.reset_classifier(1)
    yield from _unequal("reset_classifier(1)", _shape(model, program), (1, 1))
    model.reset_classifier(0)
    yield from _unequal("num_classes after reset_classifier(0)", model.num_classes, 0)
    if any(isinstance(getattr(model, node.attr), nn.Linear) for node in _classifiers(program)):
        yield "reset_classifier(0) leaves a classifier"


def _detached(model: Any, program: Program) -> Iterator[str]:
    """Feature maps are learned from as logits are: gradients reach the image."""
    assert program.input.grid is not None
    like = next(model.parameters()).dtype
    # Two: batch norms of single positions ask for more than one.
    images = torch.empty(2, program.input.channels, *program.input.grid, dtype=like)
    for number, made in enumerate(model.forward_intermediates(images.requires_grad_())):
        if not made.requires_grad:
            yield f"the feature map of stage {number} is cut off: no gradient reaches the image"


def _shape(model: nn.Module, program: Program, channels: int | None = None) -> tuple[int, ...]:
    assert program.input.grid is not None
    return tuple(_logits(model, program, program.input.grid, channels).shape)


def _logits(model: nn.Module, program: Program, size: Size, channels: int | None = None) -> Tensor:
    like = next(model.parameters()).dtype
    images = torch.empty(1, channels or program.input.channels, *size, dtype=like)
    with torch.no_grad():
        logits: Tensor = model(images)
    return logits

"""What users of vision models expect of the class: counts, feature_info, another classifier.

In: the loaded file, its program. Out: one check. Only shapes are asked for, on the meta device.
"""

from __future__ import annotations

import types
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from relgraph.assemble.parameters import parameters
from relgraph.program import Connect, Element, Program
from relgraph.verify.report import Check

OTHER_CLASSES = 7


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
    if not _has_classifier(program):
        return
    yield from _unequal("logits", _shape(model, program), (1, source.classes))
    model.reset_classifier(OTHER_CLASSES)
    found = _shape(model, program)
    yield from _unequal(f"reset_classifier({OTHER_CLASSES})", found, (1, OTHER_CLASSES))
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


def _has_classifier(program: Program) -> bool:
    return any(isinstance(node, Element) and node.word == "classifier" for node in program.head)


def _shape(model: nn.Module, program: Program, channels: int | None = None) -> tuple[int, ...]:
    assert program.input.grid is not None
    images: Tensor = torch.empty(1, channels or program.input.channels, *program.input.grid)
    with torch.no_grad():
        return tuple(model(images).shape)

"""Whether weights are those of a program, and which arguments its builder was given.

In: a program's end and tensors by name. Out: the architecture that they fit, or every parameter
that does not, with both shapes, and every one that holds no numbers to carry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relgraph.errors import Problem, RelgraphError
from relgraph.program import Element, Program
from relgraph.train.model import Architecture
from relgraph.transfer.carried import Tensors
from relgraph.transfer.sources import End
from relgraph.verify.draws import inventory

_SHOWN = 10


def check_fit(name: str, program: Program, tensors: Tensors) -> None:
    """Raise RelgraphError with the parameters that `tensors` lacks, has in another shape, has
    although the program does not, or has with other things in them than finite numbers."""
    problems = list(_misfits(name, program, tensors)) or list(_no_numbers(tensors))
    if not problems:
        return
    if len(problems) > _SHOWN:
        rest = f"and {len(problems) - _SHOWN} more parameters"
        problems = [*problems[:_SHOWN], Problem(problems[0].code, rest)]
    raise RelgraphError(problems)


def _misfits(name: str, program: Program, tensors: Tensors) -> Iterator[Problem]:
    wanted = {entry.name: entry.shape for entry in inventory(program)}
    hint = f"is the checkpoint one of {name}? --from names what it was trained as"
    for path, shape in wanted.items():
        if path not in tensors:
            expected = f"{_said(shape)}, as {name} has it"
            yield Problem("weights-do-not-fit", f"no {path} in the checkpoint", expected, hint)
        elif tuple(tensors[path].shape) != shape:
            found = f"{path} is {_said(tuple(tensors[path].shape))}"
            yield Problem("weights-do-not-fit", found, f"{_said(shape)}, as {name} has it", hint)
    for path in tensors:
        if path not in wanted and not path.endswith("num_batches_tracked"):
            found = f"{path} is {_said(tuple(tensors[path].shape))}"
            yield Problem("weights-do-not-fit", found, f"no such parameter in {name}", hint)


def _no_numbers(tensors: Tensors) -> Iterator[Problem]:
    for path, tensor in tensors.items():
        if path.endswith("num_batches_tracked"):
            continue
        if not tensor.dtype.is_floating_point:
            found = f"{path} is of {str(tensor.dtype).removeprefix('torch.')}"
            yield Problem("weights-do-not-fit", found, "floating point numbers")
            continue
        strange = int((~tensor.isfinite()).sum())
        if strange:
            found = f"{path}: {strange:,} of {tensor.numel():,} are NaN or infinite"
            hint = "such a training has failed: take an earlier checkpoint"
            yield Problem("weights-not-finite", found, "finite numbers", hint)


def _said(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) if shape else "one number"


def told_by_weights(end: End, tensors: Tensors) -> Architecture:
    """The arguments of a bare state dict: its classifier's rows, and images of the spec's channels
    or of one or three, whichever the stem fits."""
    own = end.architecture()
    program = end.program(own)
    classes = own.num_classes
    for node in program.head:
        head = tensors.get(f"{node.attr}.weight")
        if isinstance(node, Element) and node.word == "classifier" and head is not None:
            classes = len(head)
    own = replace(own, num_classes=classes)
    return next((one for one in _with_channels(own) if _fits_stem(end, one, tensors)), own)


def _with_channels(own: Architecture) -> Iterator[Architecture]:
    for channels in dict.fromkeys((own.in_chans, 1, 3)):
        yield replace(own, in_chans=channels)


def _fits_stem(end: End, architecture: Architecture, tensors: Tensors) -> bool:
    entries = [e for e in inventory(end.program(architecture)) if e.name.startswith("stem.")]
    return all(
        entry.name in tensors and tuple(tensors[entry.name].shape) == entry.shape
        for entry in entries
    )

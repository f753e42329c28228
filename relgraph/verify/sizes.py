"""The resolution contract: which image sizes are accepted and refused, what depends on them.

In: the loaded file, its program. Out: one check. On the meta device the model is built for and
called at sizes that the contract accepts, and at sizes beside them that it refuses, which the file
must do by an error of its own. Models built for two sizes must differ in the parameters that the
program says, and in no others.
"""

from __future__ import annotations

import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from relgraph.algebra.operator import Size
from relgraph.assemble import assemble
from relgraph.errors import RelgraphError, counted
from relgraph.program import Contract, Program
from relgraph.verify.draws import inventory
from relgraph.verify.report import Check


@dataclass(frozen=True)
class Built:
    """The file's module, the model that its builder makes by default, and the program."""

    module: types.ModuleType
    model: Any
    program: Program

    @property
    def build(self) -> Callable[..., nn.Module]:
        """The builder."""
        made: Callable[..., nn.Module] = getattr(self.module, self.module.BUILDER)
        return made

    @property
    def own(self) -> Size:
        """The size that the model is built for by default."""
        assert self.program.input.grid is not None
        return self.program.input.grid


def check_sizes(module: types.ModuleType, program: Program) -> Check:
    """The first size that is treated otherwise than the contract says is named."""
    with torch.device("meta"), torch.no_grad():
        built = Built(module, getattr(module, module.BUILDER)().eval(), program)
        problem = next(_problems(built), "")
    bound = sorted(_bound(program))
    declared = f"{_words(program.contract)}; {_counted(bound)}"
    measured = "different" if problem else "the same"
    return Check("sizes", "model", declared, measured, not problem, problem)


def _words(contract: Contract) -> str:
    least, (rows, columns) = times(contract.minimum), contract.multiple
    if contract.unique:
        return f"images of {least} alone"
    steps = f"multiples of {rows}" if rows == columns else f"multiples of {rows} and {columns}"
    if contract.fixed:
        return f"images of img_size alone, {steps}"
    if (rows, columns) == (1, 1):
        return f"images of any size from {least} on"
    return f"images: {steps}, from {least} on"


def times(size: Size) -> str:
    """A size in words: 28×28."""
    return "×".join(map(str, size))


def _counted(bound: list[str]) -> str:
    if not bound:
        return "no parameter depends on the size"
    verb = "depends" if len(bound) == 1 else "depend"
    return f"{counted(len(bound), 'parameter')} {verb} on the size, {bound[0]} first"


def _problems(built: Built) -> Iterator[str]:
    yield from _attribute(built)
    for size in accepted(built.program):
        yield from _wrongly_treated(built, size)
    for size in refused(built.program):
        yield from _not_refused(
            partial(built.build, img_size=size), f"img_size of {times(size)}", built
        )
    for size in (*refused(built.program), *_of_others(built)):
        yield from _not_refused(partial(_call, built, size), f"images of {times(size)}", built)


def _attribute(built: Built) -> Iterator[str]:
    if tuple(built.model.img_size) != built.own:
        yield f"img_size: {tuple(built.model.img_size)} in the file, {built.own} by the spec"


def _wrongly_treated(built: Built, size: Size) -> Iterator[str]:
    """A model built for an accepted size, and the default model where it accepts any."""
    meant, place = assemble(built.program.source, size), f"a model built for {times(size)}"
    other = replace(built, model=built.build(img_size=size).eval())
    if tuple(other.model.img_size) != size:
        yield f"img_size of {place}: {tuple(other.model.img_size)}"
    wanted = {entry.name: entry.shape for entry in inventory(meant)}
    for name, tensor in other.model.state_dict().items():
        if name in wanted and tuple(tensor.shape) != wanted[name]:
            yield f"{place}: {name} has shape {tuple(tensor.shape)}, the spec's {wanted[name]}"
    called = [other] if built.program.contract.fixed else [other, built]
    for one in called:
        found = [tuple(feature.shape[1:]) for feature in _maps(one, size)]
        shapes = [stage.output for stage in meant.stages]
        if found != [(shape.channels, *(shape.grid or ())) for shape in shapes]:
            yield f"images of {times(size)}: the feature maps are {found}"


def _not_refused(attempt: Callable[[], object], what: str, built: Built) -> Iterator[str]:
    try:
        attempt()
    except Exception as error:  # the file is a stranger's: anything may come out of it
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        own = frames[-1].f_globals.get("__name__") == built.module.__name__
        if not (own and isinstance(error, ValueError)):
            kind = type(error).__name__
            yield f"{what}: refused by torch, not by an error of the file's own ({kind})"
    else:
        yield f"{what} is accepted; the spec's model: {_words(built.program.contract)}"


def accepted(program: Program) -> Iterator[Size]:
    """The model's own size, the least, a tall and a wide one; for which it can be built, where it
    is built for one size."""
    assert program.input.grid is not None
    yield program.input.grid
    if program.contract.unique:
        return
    (rows, columns), step = _least(program.contract), program.contract.multiple
    tall, wide = (rows + 3 * step[0], columns), (rows, columns + 2 * step[1])
    for size in ((rows, columns), tall, wide):
        if has_meaning(program, size):
            yield size


def refused(program: Program) -> Iterator[Size]:
    """Sizes beside the accepted ones: a row or a column more, half a multiple and that much more, a
    multiple less than the least."""
    own, step, least = program.input.grid, program.contract.multiple, program.contract.minimum
    assert own is not None
    for axis in (0, 1):
        if program.contract.unique or step[axis] > 1:
            yield _plus(own, axis, 1)
        if step[axis] > 2 and not program.contract.unique:
            yield _plus(own, axis, step[axis] // 2)
            # Blocks larger than a map shrink to it: what is too small may seem to fit.
            yield _plus(own, axis, step[axis] // 2 - own[axis])
        if not program.contract.fixed and least[axis] > step[axis]:
            yield _plus(least, axis, -step[axis])


def _of_others(built: Built) -> Iterator[Size]:
    """Sizes that other models are built for, and one of as many places, where a model accepts its
    own alone."""
    contract, (rows, columns) = built.program.contract, built.own
    if not contract.fixed:
        return
    yield from (size for size in accepted(built.program) if size != built.own)
    if rows % (2 * contract.multiple[0]) == 0:
        yield rows // 2, 2 * columns


def _least(contract: Contract) -> Size:
    """The smallest accepted size; of models for one size, the smallest that one is built for."""
    if contract.fixed:
        return contract.multiple
    rows, columns = (
        -(-least // step) * step
        for least, step in zip(contract.minimum, contract.multiple, strict=True)
    )
    return rows, columns


def has_meaning(program: Program, size: Size) -> bool:
    """Whether the spec means a model of the same contract at `size`: a block larger than its map
    shrinks to it, and need not divide the next maps."""
    try:
        made = assemble(program.source, size)
    except RelgraphError:
        return False
    return made.contract.fixed == program.contract.fixed


def _bound(program: Program) -> set[str]:
    """Parameters that have another shape at another size that the spec's model can be built for."""
    own = {entry.name: entry.shape for entry in inventory(program)}
    return {
        entry.name
        for size in accepted(program)
        for entry in inventory(assemble(program.source, size))
        if own.get(entry.name, entry.shape) != entry.shape
    }


def _plus(size: Size, axis: int, more: int) -> Size:
    return (size[0] + more, size[1]) if axis == 0 else (size[0], size[1] + more)


def _call(built: Built, size: Size) -> Tensor:
    images = torch.empty(1, built.program.input.channels, *size)
    logits: Tensor = built.model(images)
    return logits


def _maps(built: Built, size: Size) -> list[Tensor]:
    images = torch.empty(1, built.program.input.channels, *size)
    maps: list[Tensor] = built.model.forward_intermediates(images)
    return maps

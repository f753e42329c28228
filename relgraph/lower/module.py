"""What a lowering hands to `emit`: a constructor call or an expression, and the classes it needs.

Values only; no file layout, no model. `emit` decides where a class stands in the file, which
arguments become parameters of the enclosing class, and how calls are printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from relgraph.algebra.starts import StartedWeight


@dataclass(frozen=True)
class MapSize:
    """An argument that is the height and width of the map where the module stands; emitted models
    compute it from `img_size`."""

    height: int
    width: int


@dataclass(frozen=True)
class DropPathRate:
    """An argument that is the block's stochastic depth rate, set by the model's builder."""

    rate: float


Literal: TypeAlias = int | float | bool | str | tuple[int, ...] | None
Argument: TypeAlias = Literal | MapSize | DropPathRate


def plain(value: Argument) -> object:
    """An argument as python's own value, for a module that is constructed at its own size."""
    if isinstance(value, MapSize):
        return value.height, value.width
    return value.rate if isinstance(value, DropPathRate) else value


@dataclass(frozen=True)
class Definition:
    """A class or function of the emitted file: complete source text, without trailing newline.

    `uses` are definitions that must stand before it. Two definitions of one name must be equal.
    `imports` are whole import lines (torch and the standard library only); `import torch`,
    `from torch import Tensor, nn` and `import torch.nn.functional as F` need not be named.
    `follows_init` is the weight of a linear layer, which starts as the backbone says (`starts`).
    """

    name: str
    text: str
    uses: tuple[Definition, ...] = ()
    imports: tuple[str, ...] = ()
    follows_init: StartedWeight | None = None


@dataclass(frozen=True)
class Module:
    """A constructor call `constructor(arguments)`, the value of an attribute.

    The first `positional` arguments are printed without their names. `definition` is the class,
    None for one of torch's own.
    """

    constructor: str
    arguments: tuple[tuple[str, Argument], ...] = ()
    positional: int = 1
    definition: Definition | None = None


@dataclass(frozen=True)
class Inline:
    """An expression with `{x}` for the value: `F.relu({x})`. No attribute is made."""

    expression: str
    uses: tuple[Definition, ...] = ()
    imports: tuple[str, ...] = field(default=())


Lowered: TypeAlias = Module | Inline


def in_reading_order(roots: Iterable[Definition]) -> tuple[Definition, ...]:
    """`roots` and all they use, each once, used ones first, otherwise in the order given."""
    ordered: dict[str, Definition] = {}

    def visit(definition: Definition) -> None:
        if definition.name in ordered:
            same = ordered[definition.name] == definition
            assert same, f"two different definitions are called {definition.name}"
            return
        for used in definition.uses:
            visit(used)
        ordered[definition.name] = definition

    for root in roots:
        visit(root)
    return tuple(ordered.values())

"""A resolved backbone: one value without references, defaults, short forms or `$` names.

`resolve` makes it, `assemble` reads it, `emit` writes it as a literal at the end of a file and
hashes it. It is frozen and lossless: `from_data(to_data(x)) == x`. Channel widths are numbers;
maps and parameters are not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from relgraph.algebra.operator import Operator
from relgraph.algebra.starts import Start
from relgraph.errors import Place

Scalar: TypeAlias = int | float | bool | str | None
Argument: TypeAlias = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True)
class Item:
    """What every item has: an optional label, and where it was written (not part of its value)."""

    label: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Started(Item):
    """What every item with weights has: how they start (`algebra.starts`), None where nothing
    says so and the backbone's rule holds. `init_place` is where the item itself says it; what it
    has from a definition around it has no place, and holds only as far as it makes sense."""

    init: Start | None = None
    init_place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Element(Started):
    """An element of the language (GRAMMAR: norms, activations, pooling, positions, ...) with
    *every* declared field of its word but `init`, sorted by name, defaults included."""

    word: str
    arguments: tuple[tuple[str, Argument], ...] = ()

    def __getitem__(self, name: str) -> Argument:
        return dict(self.arguments)[name]


@dataclass(frozen=True, kw_only=True)
class OperatorUse(Started):
    """A use of an operator spec written as properties: a point of the algebra, in → out channels.

    `reduce` is the body of `rank: {reduce: body}` (empty where the reduction is a plain ratio) and
    `between` what stands between the factors of a rank word.
    """

    name: str
    operator: Operator
    in_channels: int
    out_channels: int
    reduce: Body = ()
    between: Body = ()
    cite: str = ""


@dataclass(frozen=True, kw_only=True)
class Scope(Item):
    """An expanded definition, or an operator file that has a body: becomes a class when emitted."""

    name: str
    kind: Literal["definition", "operator"]
    body: Body
    cite: str = ""


@dataclass(frozen=True, kw_only=True)
class Residual(Item):
    """x + scale · body(x). `shortcut` replaces x only where the shape changes; None: shapes must
    agree; "none": no sum there. `scale` is the start of a learned scale per channel, None where
    there is none. `drop_path` None means the block's rate."""

    body: Body
    shortcut: Body | Literal["none"] | None = None
    scale: float | None = None
    drop_path: float | None = None


@dataclass(frozen=True, kw_only=True)
class Branches(Item):
    """`sum`, `product` (a gate; broadcasts over space or channels) or `concat` of bodies."""

    combine: Literal["sum", "product", "concat"]
    branches: tuple[Body, ...]


@dataclass(frozen=True, kw_only=True)
class Split(Item):
    """Channels cut into `sizes`, one body for each part, then combined."""

    sizes: tuple[int, ...]
    branches: tuple[Body, ...]
    combine: Literal["sum", "product", "concat"] = "concat"


@dataclass(frozen=True, kw_only=True)
class Tap(Item):
    """Remember the value under `name` (`tap`), or go on from it (`from`)."""

    word: Literal["tap", "from"]
    name: str


@dataclass(frozen=True, kw_only=True)
class Unknown(Item):
    """Stands where an item was refused, so that what remains can be looked over for further
    mistakes. No backbone that is compiled holds one."""


Node: TypeAlias = Element | OperatorUse | Scope | Residual | Branches | Split | Tap | Unknown
Body: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True)
class Stage:
    """One row: `downsample`, then `blocks` (one body each, depth of them), then `after`."""

    channels: int
    blocks: tuple[Body, ...]
    downsample: Body = ()
    after: Body = ()


@dataclass(frozen=True)
class Backbone:
    """A whole model. `size` is None where no parameter depends on the resolution and none was
    written; `drop_path` is the last block's rate (`linear`) or every block's (`constant`); `init`
    says how linear layers start where their item does not."""

    name: str
    cite: str
    size: Size2 | None
    in_chans: int
    classes: int
    stem: Body
    stages: tuple[Stage, ...]
    head: Body
    drop_path: float = 0.0
    schedule: Literal["linear", "constant"] = "linear"
    init: Start = "default"
    place: Place | None = field(default=None, compare=False, repr=False)


Size2: TypeAlias = tuple[int, int]

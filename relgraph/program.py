"""The program: every node an instance with sizes, a shape at both ends and a name in the file.

`assemble` makes it from a resolved backbone; `lower` and `emit` turn it into text, the reference
interpreter of `verify` walks it, `cost` adds it up. Parameter names are a contract of the program:
the parameter `weight` of a node at path p is `p.weight` in the state dict of every lowering.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from relgraph.algebra.operator import Connection, Operator, Size
from relgraph.algebra.starts import Start
from relgraph.errors import Place
from relgraph.resolved import Argument, Backbone

Layout = Literal["map", "sequence", "vector"]
Role = Literal["block", "definition", "operator", "stem", "downsample", "after", "reduce"]


@dataclass(frozen=True)
class Shape:
    """A value between items, batch aside.

    `map` (B, C, H, W) without extra tokens; `sequence` (B, T + H·W, C) with the extra tokens in
    front, positions in row-major order; `vector` (B, C) once pooled or selected (grid None).
    """

    channels: int
    grid: Size | None
    tokens: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """How a tensor of this shape is laid out in emitted code."""
        if self.grid is None:
            return "vector"
        return "sequence" if self.tokens else "map"

    @property
    def positions(self) -> int:
        """Places of the map, extra tokens not counted; 1 for a vector."""
        return 1 if self.grid is None else self.grid[0] * self.grid[1]


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What every node has. `attr` is its attribute name in the enclosing class, empty for what is
    written inline (activations, pooling, structure)."""

    input: Shape
    output: Shape
    attr: str = ""
    label: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Connect(Instance):
    """One connection with its frame: emitted as one module.

    `reduce` (its own attr names, prefix `reduce.`) makes the map that a pair source's keys and
    values read; empty where they read the input. `init` is how its weights start, None where the
    backbone's rule holds for its linear layers. `baked` attention holds a table of its position
    bias and mask (`relgraph.inference`). `form` names the lowering to take (`relgraph.tuned`), the
    table's own choice where empty.
    """

    name: str
    connection: Connection
    init: Start | None = None
    reduce: Scope | None = None
    cite: str = ""
    baked: bool = False
    form: str = ""


def node_of(connection: Connection, name: str = "core", tokens: tuple[str, ...] = ()) -> Connect:
    """A connection by itself, outside any program, between values of its own shapes."""
    return Connect(
        input=Shape(connection.in_channels, connection.in_grid, tokens),
        output=Shape(connection.out_channels, connection.out_grid, tokens),
        name=name,
        attr=name,
        connection=connection,
    )


@dataclass(frozen=True, kw_only=True)
class Element(Instance):
    """An element with all its fields; see `resolved.Element`."""

    word: str
    arguments: tuple[tuple[str, Argument], ...] = ()
    init: Start | None = None

    def __getitem__(self, name: str) -> Argument:
        return dict(self.arguments)[name]


@dataclass(frozen=True, kw_only=True)
class Scope(Instance):
    """A class of the emitted file: a block, a definition, a composite operator, stem, downsample.

    `role` tells which; `name` is the spec's word for it (class names derive from it). Where a rank
    word is written out, `operator` is what the body's factors stand for.
    """

    name: str
    role: Role
    body: Body
    cite: str = ""
    operator: Operator | None = None


@dataclass(frozen=True, kw_only=True)
class Residual(Instance):
    """shortcut(x) + drop_path(scale(body(x))); `shortcut` () is the identity, None means there is
    no sum. `scale` and `drop_path` are elements with attrs, or None."""

    body: Body
    shortcut: Body | None = ()
    scale: Element | None = None
    drop_path: Element | None = None


@dataclass(frozen=True, kw_only=True)
class Branches(Instance):
    """`sum`, `product` or `concat` of bodies that all read the input. In a `sum`, a token set that
    one branch lacks gets nothing added; a `product` broadcasts one channel or one position."""

    combine: Literal["sum", "product", "concat"]
    branches: tuple[Body, ...]


@dataclass(frozen=True, kw_only=True)
class Split(Instance):
    """Channels cut into `sizes`, one body each, combined."""

    sizes: tuple[int, ...]
    branches: tuple[Body, ...]
    combine: Literal["sum", "product", "concat"] = "concat"


@dataclass(frozen=True, kw_only=True)
class Tap(Instance):
    """`tap` remembers the value under `name`; `from` goes on from it."""

    word: Literal["tap", "from"]
    name: str


Node: TypeAlias = Connect | Element | Scope | Residual | Branches | Split | Tap
Body: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True)
class Stage:
    """`downsample` and `after` are scopes with attrs `downsample` and `after`, or None; `blocks`
    stand under `blocks.0`, `blocks.1`, ... `reduction` is the input's side over the map's."""

    blocks: tuple[Scope, ...]
    output: Shape
    reduction: Size
    downsample: Scope | None = None
    after: Scope | None = None


@dataclass(frozen=True)
class Contract:
    """The input sizes a built model accepts: only its own (`fixed`), or every height and width
    that is a multiple of `multiple` and at least `minimum`. `unique` tells of a fixed one that no
    model can be built for another size: its maps do not follow from the image's sides alone."""

    fixed: bool
    multiple: Size
    minimum: Size
    unique: bool = False


@dataclass(frozen=True)
class Program:
    """The assembled model. Paths: `stem`, `stages.i.downsample`, `stages.i.blocks.j`,
    `stages.i.after`, and the head's own attrs at top level. `inference`: norms are folded into
    layers, attention is baked; `source` is still the spec of the model that was trained.
    `tuned` are lines on forms that were chosen by measurement."""

    source: Backbone
    input: Shape
    stem: Scope
    stages: tuple[Stage, ...]
    head: Body
    contract: Contract
    inference: bool = False
    tuned: tuple[str, ...] = ()

"""One row of the report: what became of one item, from where, to where, and why.

In: nothing. Out: the frozen rows that `bodies` makes and commands print.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from torch import Tensor

from relgraph.algebra.describe import describe
from relgraph.program import Branches, Connect, Element, Node, Residual, Scope, Split
from relgraph.transfer.carried import EXACT, Carried, Method

TOGETHER = " + "
"""Stands between the paths of neighbouring items that were carried as one."""


@dataclass(frozen=True)
class Layer:
    """An item at `path` of the target (of the source where it was dropped).

    `before` and `after` are what stood there and stands there, in words. `error_w` and
    `error_outputs` are relative errors: over the entries of W, and over the outputs of the layer on
    images (None: not told by weights alone; not asked for).
    """

    path: str
    source: str
    kind: Literal["operator", "element", "structure"]
    before: str
    after: str
    method: Method
    reason: str = ""
    error_w: float | None = None
    error_outputs: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether this item's function is unchanged."""
        return self.method in EXACT

    def to_json(self) -> dict[str, Any]:
        """As plain data, keys as in the order of a table."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Tensors of the target by their full names, and one row for each item."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether the function of the whole is unchanged."""
        return all(layer.is_exact for layer in self.layers)

    @property
    def carries(self) -> bool:
        """Whether anything of the source arrived."""
        return any(layer.method not in ("fresh", "dropped", "neutral") for layer in self.layers)


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """Several outcomes as one, in order."""
    tensors: dict[str, Tensor] = {}
    layers: list[Layer] = []
    for one in outcomes:
        tensors |= one.tensors
        layers += one.layers
    return Outcome(tensors, tuple(layers))


KEPT = "; hardly nearer than zero: {0:.1%} of ‖W‖² is kept"
_LITTLE = 0.1  # of ‖W‖²


def row(path: str, source: str, nodes: tuple[Node | None, Node | None], carried: Carried) -> Layer:
    """The row of one pair of items."""
    before, after = nodes
    return Layer(
        path,
        source,
        _kind(before if after is None else after),
        words(before),
        words(after),
        carried.method,
        carried.reason + _remark(carried),
        carried.error,
        carried.error_outputs,
    )


def _remark(carried: Carried) -> str:
    """What a reader of an error near 1 must know: weights of zero have the error 1."""
    if carried.method != "projection" or carried.error is None:
        return ""
    kept = 1 - carried.error**2
    return KEPT.format(max(kept, 0.0)) if kept < _LITTLE else ""


def _kind(node: Node | None) -> Literal["operator", "element", "structure"]:
    if isinstance(node, Connect) or (isinstance(node, Scope) and node.role == "operator"):
        return "operator"
    return "element" if isinstance(node, Element) else "structure"


def words(node: Node | None) -> str:
    """An item in a few words; an operator by its properties."""
    if node is None:
        return ""
    if isinstance(node, Connect):
        return describe(node.connection.operator)
    if isinstance(node, Element):
        return node.word
    if isinstance(node, Scope):
        return node.name
    if isinstance(node, Branches):
        return f"{node.combine} of {len(node.branches)}"
    return {Residual: "residual", Split: "split"}.get(type(node), "tap")

"""Which operators have names: the shipped specs, and those of the user's own folder.

In: a folder, or the name or path of an operator spec. Out: names with citations, files and nodes,
each operator with its defaults. A node keeps its frame; the published figure and family closures
speak of cores, which `relations.node.bare` makes of it. Nothing here knows a graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from relgraph.algebra.operator import Predictor
from relgraph.errors import RelgraphError
from relgraph.graph.bodies import node_of
from relgraph.relations.node import Composite, Node, bare
from relgraph.resolve import resolve_operator
from relgraph.resolve.library import Library, find_spec
from relgraph.resolved import OperatorUse, Scope
from relgraph.shipped import shipped

WIDTHS = (64, 96, 60, 72, 840, 5040)
"""Widths that a use is tried at: a spec names none, and is right where some ordinary one fits."""


@dataclass(frozen=True)
class Named:
    """An operator spec as a node. `width` is the number of channels of the use that was taken,
    which heads by `head_channels` and inner widths by ratio depend on; `predictor` is what the node
    forgets of how weights are predicted, but its cost does not; `use` is the use itself."""

    name: str
    cite: str
    path: Path
    node: Node
    width: int
    predictor: Predictor | None = None
    use: OperatorUse | Scope | None = None

    @property
    def core(self) -> Node:
        """The node without its frame."""
        return without_frame(self.node)


@dataclass(frozen=True)
class Names:
    """Every operator that has a name, sorted, and why specs of the user's folder were left out."""

    operators: tuple[Named, ...]
    refused: tuple[RelgraphError, ...] = ()

    def find(self, name: str) -> Named | None:
        """The operator of this name."""
        return next((one for one in self.operators if one.name == name), None)


def without_frame(node: Node) -> Node:
    """The core of an operator; a composite whose parts are cores."""
    if isinstance(node, Composite):
        return replace(node, parts=tuple(without_frame(part) for part in node.parts))
    return bare(node)


def named_operators(folder: Path | None = None) -> Names:
    """The shipped operators, and those that a spec in `folder` could name.

    A spec of the folder that is no operator (yet) does not hide the others: its problems are kept.
    """
    found: list[Named] = []
    refused: list[RelgraphError] = []
    library = Library()
    for word in shipped("operators") if folder is None else library.names("operators", folder):
        try:
            path = None if folder is None else find_spec("operators", word, library, folder)
            found.append(named(path or word))
        except RelgraphError as error:
            refused.append(error)
    return Names(tuple(sorted(found, key=lambda one: one.name)), tuple(refused))


def named(word: str | Path) -> Named:
    """The operator of a shipped name or of a file, with its defaults.

    Raises RelgraphError with the problems that it has at the first width, or where its body is no
    term of the algebra.
    """
    width, use = use_of(word)
    path = Path(word) if isinstance(word, Path) else find_spec("operators", word, Library(), Path())
    predictor = use.operator.weight.predictor if isinstance(use, OperatorUse) else None
    return Named(use.name, use.cite, path, node_of(use), width, predictor, use)


def use_of(word: str | Path) -> tuple[int, OperatorUse | Scope]:
    """One use of the operator at the first of `WIDTHS` that suits it. Raises RelgraphError."""
    first: RelgraphError | None = None
    for width in WIDTHS:
        try:
            return width, resolve_operator(word, width)
        except RelgraphError as error:
            first = first or error
    assert first is not None, "there is a width to try"
    raise first

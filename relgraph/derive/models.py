"""States as models, without a file: assembled, costed, and told apart.

In: a backbone with its contexts, and states. Out: programs and fingerprints. Two states with one
fingerprint are one model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from relgraph.algebra import geometry
from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Space
from relgraph.assemble import assemble
from relgraph.assemble.walking import nodes
from relgraph.derive.contexts import Context, context_of
from relgraph.derive.lifted import lifted
from relgraph.derive.sites import Found, Site, exchanged
from relgraph.derive.steps import State, operators
from relgraph.program import Connect, Element, Node, Program, Scope
from relgraph.resolved import OperatorUse
from relgraph.understanding import Understood


@dataclass(frozen=True)
class Plan:
    """The backbone, its sites, and the different operators that stand there."""

    understood: Understood
    sites: tuple[Site, ...]
    places: tuple[Context, ...]

    @cached_property
    def _place_of(self) -> dict[tuple[int, int, int], int]:
        """The context of each use, by its stage, block and number in the block."""
        number = {place: at for at, place in enumerate(self.places)}
        return {
            (one.stage, one.turn, one.number): number[context_of(one, site, self.program)]
            for site, chosen in enumerate(self.sites)
            for one in chosen.found
        }

    @property
    def program(self) -> Program:
        """The backbone's own program."""
        return self.understood.program

    def uses(self, state: State) -> tuple[OperatorUse, ...]:
        """The whole operator of every context in this state."""
        nodes_ = zip(self.places, operators(state), strict=True)
        return tuple(lifted(place.use, node) for place, node in nodes_)

    def assembled(self, state: State) -> Program:
        """The program of the backbone in this state. Raises RelgraphError where sizes refuse it."""
        made = self.uses(state)

        def exchange(found: Found) -> OperatorUse:
            at = self._place_of.get((found.stage, found.turn, found.number))
            return found.use if at is None else replace(made[at], label=found.use.label)

        return assemble(exchanged(self.understood.resolution.backbone, exchange))


def fingerprint(program: Program) -> tuple[object, ...]:
    """All that a program computes with, in order, without names."""
    return tuple(_print(node) for _, node in nodes(program) if not isinstance(node, Scope))


def same_here(program: Program) -> tuple[object, ...]:
    """What programs have in common that are one model at their size: blocks as large as their map
    are the map, whatever they are on another."""
    return tuple(
        _print(_covering(node)) for _, node in nodes(program) if not isinstance(node, Scope)
    )


def _covering(node: Node) -> Node:
    """A connection whose one block is its map, as one of all positions."""
    if not isinstance(node, Connect) or node.connection.in_grid is None:
        return node
    connection, grid = node.connection, node.connection.in_grid
    space = connection.operator.space
    sides = list(zip(space.size, grid, strict=True))
    cut = sides if space.connect in ("window", "grid") else ()
    if space.connect == "stripe":
        cut = [sides[geometry.band_axis(space)]]
    if not cut or any(size != side for size, side in cut):
        return node
    share = "none" if space.share == "windows" else space.share
    whole = Space("full", share=share, border=space.border, rank=space.rank)
    operator = replace(connection.operator, space=whole)
    return replace(node, connection=replace(connection, operator=operator))


def _print(node: Node) -> object:
    if isinstance(node, Connect):
        connection = node.connection
        widths = connection.in_channels, connection.out_channels
        known = canonical(connection.operator, *widths).operator
        return replace(connection, operator=known), node.init
    if isinstance(node, Element):
        return node.word, node.arguments, node.input, node.output
    return type(node).__name__, getattr(node, "combine", ""), getattr(node, "sizes", ())

"""The operators that backbones use, with the numbers and options of each use.

In: a resolved backbone. Out: every use of an operator, in the order of the data; and, of shipped
backbones, the uses whose family no operator spec names by its defaults (ResMLP's shared matrix is
`token_mlp` with `share: all`), so that what is published does not count as unnamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from relgraph.algebra.operator import Predictor
from relgraph.graph.bodies import node_of
from relgraph.graph.named import Named
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.words import key
from relgraph.resolve import resolve_backbone
from relgraph.resolved import Backbone, Body, Branches, OperatorUse, Residual, Scope, Split
from relgraph.shipped import shipped


@dataclass(frozen=True)
class Used:
    """A use of an operator in a backbone."""

    use: OperatorUse | Scope

    @property
    def node(self) -> Node:
        """The node of the use, with its frame. Raises RelgraphError where it is no term."""
        return _node(self.use)

    @property
    def predictor(self) -> Predictor | None:
        """The hidden layer of weights that are predicted."""
        use = self.use
        return use.operator.weight.predictor if isinstance(use, OperatorUse) else None


@lru_cache(maxsize=4096)
def _node(use: OperatorUse | Scope) -> Node:
    """Blocks repeat, and so do their uses."""
    return node_of(use)


def uses(backbone: Backbone) -> Iterator[Used]:
    """Every use of an operator, a body of others as one."""
    bodies = [backbone.stem]
    for stage in backbone.stages:
        bodies += [stage.downsample, *stage.blocks, stage.after]
    for body in (*bodies, backbone.head):
        yield from uses_in(body)


def uses_in(body: Body) -> Iterator[Used]:
    """Every use of an operator in one body."""
    for item in body:
        if isinstance(item, OperatorUse) or (isinstance(item, Scope) and item.kind == "operator"):
            yield Used(item)
        elif isinstance(item, Scope | Residual):
            yield from uses_in(item.body)
            if isinstance(item, Residual) and isinstance(item.shortcut, tuple):
                yield from uses_in(item.shortcut)
        elif isinstance(item, Branches | Split):
            for branch in item.branches:
                yield from uses_in(branch)


def named_uses(known: Iterable[Named]) -> tuple[Named, ...]:
    """Uses in shipped backbones whose family none of `known` has, as `token_mlp in resmlp_12`: the
    first backbone of each, by name."""
    families = {key(family(one.core)) for one in known}
    seen: set[Node] = set()
    found: list[Named] = []
    for name, path in shipped("backbones").items():
        for used in uses(resolve_backbone(name).backbone):
            if used.node in seen:
                continue
            seen.add(used.node)
            made = Named(
                f"{used.use.name} in {name}", used.use.cite, path, used.node, 0, used.predictor
            )
            word = key(family(made.core))
            if word not in families:
                families.add(word)
                found.append(made)
    return tuple(found)

"""Shipped backbones of the same skeleton: those whose `extends` leads to the same root.

In: the text of a backbone. Out: their names, costs and fingerprints, so that a variant that
somebody has published is told as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from relgraph.assemble.cost import Cost, cost
from relgraph.derive.models import fingerprint
from relgraph.derive.source import Source
from relgraph.errors import RelgraphError
from relgraph.resolve.chain import chain_of
from relgraph.resolve.library import Library
from relgraph.shipped import shipped
from relgraph.understanding import understand


@dataclass(frozen=True)
class Sibling:
    """A shipped backbone that shares its root with the original."""

    name: str
    cost: Cost
    mark: object


def siblings(source: Source) -> tuple[Sibling, ...]:
    """By name, without the original."""
    own = source.path.resolve()
    root = _root(own)
    return tuple(
        _sibling(name)
        for name, path in shipped("backbones").items()
        if path.resolve() != own and _root(path.resolve()) == root
    )


def _root(path: Path) -> Path:
    try:
        return chain_of(path, Library())[0][0].resolve()
    except RelgraphError:
        return path


@lru_cache(maxsize=64)
def _sibling(name: str) -> Sibling:
    program = understand(name).program
    return Sibling(name, cost(program), fingerprint(program))

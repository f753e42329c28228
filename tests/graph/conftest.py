"""The graph of families, made once."""

from __future__ import annotations

import pytest

from relgraph.graph.closure import families
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Names, named_operators


@pytest.fixture(scope="session")
def names() -> Names:
    return named_operators()


@pytest.fixture(scope="session")
def graph(names: Names) -> RelationGraph:
    return families(names.operators)

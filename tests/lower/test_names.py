"""No spec may be called like a function that its own emitted file needs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import relgraph.lower
from relgraph.lower.module import Definition
from relgraph.resolve.names import EMITTED


def _definitions() -> Iterator[Definition]:
    for module in pkgutil.walk_packages(relgraph.lower.__path__, "relgraph.lower."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, dict):
                yield from (one for one in value.values() if isinstance(one, Definition))
            elif isinstance(value, Definition):
                yield value


def test_functions_of_emitted_files_are_no_names_of_backbones() -> None:
    functions = {one.name for one in _definitions() if one.text.startswith("def ")}
    assert len(functions) > 20
    assert functions <= EMITTED

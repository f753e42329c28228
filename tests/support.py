"""Shared by tests: run emitted text as a module, without a file."""

from __future__ import annotations

import types
from collections.abc import Iterable

from torch import nn

from relgraph.lower.module import Definition, DropPathRate, MapSize, Module, in_reading_order

PRELUDE = (
    "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n"
)


def run_text(text: str, name: str = "emitted") -> types.ModuleType:
    """Execute source text as a module (through linecache, so that tracebacks show it)."""
    import linecache

    filename = f"<{name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    module = types.ModuleType(name)
    exec(compile(text, filename, "exec"), module.__dict__)
    return module


def run_definitions(roots: Iterable[Definition]) -> types.ModuleType:
    """Execute definitions, with what they use, under the prelude that every file has."""
    definitions = in_reading_order(roots)
    imports = sorted({line for definition in definitions for line in definition.imports})
    return run_text("\n\n\n".join([PRELUDE + "\n".join(imports), *(d.text for d in definitions)]))


def build(module: Module) -> nn.Module:
    """The torch module that a lowered constructor call makes."""
    namespace = run_definitions([module.definition] if module.definition else [])
    constructor = eval(module.constructor, namespace.__dict__)
    made = constructor(**{name: _plain(value) for name, value in module.arguments})
    assert isinstance(made, nn.Module)
    return made


def _plain(value: object) -> object:
    if isinstance(value, MapSize):
        return (value.height, value.width)
    return value.rate if isinstance(value, DropPathRate) else value

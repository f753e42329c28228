"""Default values of constructors, so that a call that leaves one out can be compared with others.

Goes in: a lowered module. Comes out: its constructor's defaults, read from the text of the class
that has the constructor, or from a literal table of torch's own.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

from relgraph.lower.module import Argument, Definition, Module

_TORCH: Mapping[str, Mapping[str, Argument]] = {
    "nn.AvgPool2d": {"stride": None, "padding": 0},
    "nn.BatchNorm1d": {"eps": 1e-5, "momentum": 0.1},
    "nn.BatchNorm2d": {"eps": 1e-5, "momentum": 0.1},
    "nn.Conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "nn.Dropout": {"p": 0.5},
    "nn.GroupNorm": {"eps": 1e-5},
    "nn.LayerNorm": {"eps": 1e-5, "bias": True},
    "nn.Linear": {"bias": True},
    "nn.RMSNorm": {"eps": None},
}


def constructor_defaults(module: Module) -> Mapping[str, Argument]:
    """Argument → value where the call of `module` may leave it out."""
    if module.definition is None:
        return _TORCH.get(module.constructor, {})
    return _of_class(module.definition)


@cache
def _of_class(definition: Definition) -> Mapping[str, Argument]:
    tree = ast.parse(definition.text).body[0]
    assert isinstance(tree, ast.ClassDef)
    for item in tree.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _of_function(item.args)
    base = ast.unparse(tree.bases[0])
    parents = [used for used in definition.uses if used.name == base]
    return _of_class(parents[0]) if parents else _TORCH.get(base, {})


def _of_function(arguments: ast.arguments) -> Mapping[str, Argument]:
    names = [argument.arg for argument in arguments.args]
    placed = zip(reversed(names), reversed(arguments.defaults), strict=False)
    named = zip((a.arg for a in arguments.kwonlyargs), arguments.kw_defaults, strict=True)
    found = [*placed, *((name, value) for name, value in named if value is not None)]
    return {name: ast.literal_eval(value) for name, value in found}

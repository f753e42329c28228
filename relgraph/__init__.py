"""relgraph: vision operators as points of one algebra, compiled to readable PyTorch.

The Python API, in the order of the work. Everything raises `RelgraphError` for a user's mistake.

    resolve_backbone(name)    a spec, or a file of one's own, with nothing left to look up
    compile_backbone(name)    its emitted text, and the program with shapes
    cost(program)             parameters and multiply-adds, exact, without a tensor
    generate(names, out)      files
    verify_file(path)         the proof of a file against the spec it carries
    relgraph.certificate      what a proof found, to keep, to show and to compare
    relgraph.relations        edits of one property, their order, what they do to weights
    relgraph.graph            the graph of them, and questions: paths, neighbours, holes
    relgraph.derive           variants of a backbone under budgets, as specs
    relgraph.train            train, evaluate, predict
    relgraph.transfer         trained weights to another backbone
    relgraph.export           ONNX and torch.export

Names are imported when they are first used: `import relgraph` loads neither torch nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relgraph.assemble.cost import Cost, cost
    from relgraph.errors import Place, Problem, RelgraphError
    from relgraph.pipeline import Compiled, Generated, compile_backbone, generate
    from relgraph.resolve import resolve_backbone, resolve_operator
    from relgraph.verify import verify_backbone, verify_file, verify_operator

__version__ = "0.1.0"

__all__ = [
    "Compiled",
    "Cost",
    "Generated",
    "Place",
    "Problem",
    "RelgraphError",
    "compile_backbone",
    "cost",
    "generate",
    "resolve_backbone",
    "resolve_operator",
    "verify_backbone",
    "verify_file",
    "verify_operator",
]

_HOMES = {
    "Compiled": "relgraph.pipeline",
    "Cost": "relgraph.assemble.cost",
    "Generated": "relgraph.pipeline",
    "Place": "relgraph.errors",
    "Problem": "relgraph.errors",
    "RelgraphError": "relgraph.errors",
    "compile_backbone": "relgraph.pipeline",
    "cost": "relgraph.assemble.cost",
    "generate": "relgraph.pipeline",
    "resolve_backbone": "relgraph.resolve",
    "resolve_operator": "relgraph.resolve",
    "verify_backbone": "relgraph.verify",
    "verify_file": "relgraph.verify",
    "verify_operator": "relgraph.verify",
}


def __getattr__(name: str) -> Any:
    """A public name, imported on first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'relgraph' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted([*__all__, "__version__"])

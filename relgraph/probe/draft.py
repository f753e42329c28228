"""A measured operator as a spec that `relgraph check` takes.

In: a part. Out: the text of an operator file, read back before it is handed on: what it means is
the node that was measured. What the properties do not say stands in comments.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from relgraph.algebra.operator import Operator
from relgraph.derive.spelling import spell, with_predictor
from relgraph.derive.text import comment
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically
from relgraph.graph.bodies import node_of
from relgraph.probe.terms import Part
from relgraph.relations.node import core
from relgraph.resolve import resolve_operator


def draft(part: Part, name: str, module: str) -> str:
    """The text of the operator's file. Raises RelgraphError for a product of several operators."""
    if not isinstance(part.node, Operator):
        raise RelgraphError(
            Problem(
                "no-draft",
                "a product of several operators",
                "one operator",
                "probe its branches, each as a module of its own",
            )
        )
    operator = with_predictor(part.measured.operator)
    operator = replace(operator, space=replace(operator.space))
    lines = [f"{module}, as `relgraph probe` measured it. A draft: name it, cite it."]
    lines += [f"Differs: {text}." for text in part.measured.differs]
    lines += [f"Beside the properties: {text}." for text in part.measured.remarks]
    about = "\n".join(comment(tuple(lines)))
    text = f"{about}\n{spell(operator, name, f'Measured from {module}')}"
    _check(text, name, part)
    return text


def _check(text: str, name: str, part: Part) -> None:
    """The draft read back means the measured node."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        write_atomically(path, text)
        made = node_of(resolve_operator(path, part.widths[0]))
    assert made == core(part.measured.operator), "a draft means what was measured"

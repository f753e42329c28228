"""The prose of an emitted file: what the model is, of which operators, at which cost.

Goes in: a program. Comes out: lines of the module docstring. Text that comes from a spec passes
through `prose`, so that it can end neither the docstring nor the line.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.describe import describe
from relgraph.algebra.operator import Operator, Rank
from relgraph.assemble.cost import Cost
from relgraph.assemble.walking import nodes
from relgraph.emit.text import docstring, prose, wrapped
from relgraph.errors import counted
from relgraph.program import Connect, Program, Scope
from relgraph.relations.derivation import derivation
from relgraph.relations.node import core

INFERENCE = (
    "Inference version: norms and scales stand in the weights of the layers beside them, biases "
    "and masks of attention in tables. It takes the weights that were folded for it, not those "
    "that were trained."
)


def module_docstring(program: Program, total: Cost) -> list[str]:
    """The docstring of the file; `total` is the program's cost."""
    source = program.source
    # Three columns are the quotes that open the docstring.
    title = wrapped(f"{source.name}: {prose(source.cite) or 'a vision backbone'}", 3)
    title = [line[3:] for line in title]
    told = (_cost(program, total), _stages(program), _operators(program), _legend())
    return docstring([title, *_made(program), *told], 0)


def _made(program: Program) -> list[list[str]]:
    """What the file is where it is not the spec's own, as paragraphs."""
    paragraphs = []
    if program.inference:
        paragraphs.append(wrapped(INFERENCE, 0))
    if program.tuned:
        first, *rest = program.tuned
        told = [line for one in rest for line in wrapped(prose(one), 2, "", "  ")]
        paragraphs.append([*wrapped(prose(first), 0), *told])
    return paragraphs


def builder_sentence(program: Program, total: Cost) -> str:
    """One line on the whole model."""
    return (
        f"{program.source.name}: {total.parameters:,} parameters, "
        f"{total.macs / 1e9:.2f} G multiply-adds."
    )


def _cost(program: Program, total: Cost) -> list[str]:
    grid = program.input.grid
    assert grid is not None
    return wrapped(
        f"{total.parameters:,} parameters; {total.macs:,} multiply-adds for one image of "
        f"{grid[0]} x {grid[1]} (convolutions and matrix products).",
        0,
    )


def _stages(program: Program) -> list[str]:
    lines = ["Stages:"]
    for at, stage in enumerate(program.stages, 1):
        shape = stage.output
        where = f"{shape.grid[0]} x {shape.grid[1]}" if shape.grid else "pooled"
        tokens = f" and {counted(len(shape.tokens), 'extra token')}" if shape.tokens else ""
        count = f"{len(stage.blocks)} block" + ("s" if len(stage.blocks) > 1 else "")
        lines.append(f"  {at}. {count}, {shape.channels} channels on {where}{tokens}")
    return lines


def _operators(program: Program) -> list[str]:
    """Every operator once: its point in the algebra (of its first use), its paper, and the edits by
    which `mlp` becomes it."""
    said: dict[str, list[str]] = {}
    for _, node in nodes(program):
        if isinstance(node, Connect | Scope) and node.name not in said:
            operator = _operator(node)
            if operator is not None:
                words = f"{node.name}: {describe(operator)}.{_cite(node.cite)}"
                said[node.name] = wrapped(words, 2, "", "  ") + _edits(operator)
            elif node.cite:
                said[node.name] = wrapped(f"{node.name}:{_cite(node.cite)}", 2, "", "  ")
    return [
        "Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):",
        *(x for s in said.values() for x in s),
    ]


def _operator(node: Connect | Scope) -> Operator | None:
    """What the node is a point of; a reduced map of keys and values is a rank word."""
    if isinstance(node, Scope):
        return node.operator
    operator = node.connection.operator
    if node.reduce is None:
        return operator
    return replace(operator, space=replace(operator.space, rank=Rank("reduce")))


def _edits(operator: Operator) -> list[str]:
    """How `mlp` becomes the operator's family; numbers, strides and borders are no edits."""
    edits = derivation(core(operator)) or ()
    steps = [edit.words.replace(": ", " ", 1) for edit in edits]
    frame = [name for name in ("value", "output") if getattr(operator.frame, name)]
    steps += [f"wrap in {name} projection" for name in frame]
    return wrapped(f"from mlp: {'; '.join(steps)}.", 4, "", "  ") if steps else []


def _cite(cite: str) -> str:
    return f" {prose(cite).rstrip('.')}." if cite else ""


def _legend() -> list[str]:
    return wrapped(
        "Shapes: B images, C or dim channels, H x W positions; N = extra tokens + H * W. Maps are "
        "(B, C, H, W) tensors in channels_last memory, where permuting channels last is free. "
        "[f, g](x) is g(f(x)).",
        0,
    )

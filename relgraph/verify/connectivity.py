"""Connectivity: which entries of W exist.

In: W[o, d, i, c] of several draws, and the declared labels. Out: a check with the first output that
depends on an input it must not see, or misses one that it must.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from relgraph.program import Connect, Shape
from relgraph.verify.declared import ABSENT
from relgraph.verify.report import Check

VISIBLE = 1e-12


def check_connectivity(
    subject: str, node: Connect, draws: Sequence[Tensor], labels: Tensor
) -> Check:
    """An entry exists where any draw has it above 1e-12 of that draw's largest."""
    declared, measured = labels != ABSENT, support(draws)
    wrong = (declared != measured).nonzero()
    example = ""
    if len(wrong):
        entry = wrong[0].tolist()
        verb = "depends on" if bool(measured[tuple(entry)]) else "does not depend on"
        example = f"{output_name(node, entry)} {verb} {input_name(node, entry)}"
    return Check(
        "connectivity",
        subject,
        _said(declared),
        _said(measured),
        not len(wrong),
        example,
    )


def support(draws: Sequence[Tensor]) -> Tensor:
    """(O, D, I, C): whether the entry is there in any draw."""
    there = [w.abs() > VISIBLE * w.abs().max() for w in draws]
    return torch.stack(there).any(0)


def _said(there: Tensor) -> str:
    """Inputs and channels that an output sees, at most, and the number of entries."""
    slots = int(there.any(1).any(2).sum(1).max())
    channels = int(there.any(0).any(1).sum(1).max())
    seen = f"{_count(slots, 'position')}, {_count(channels, 'channel')}"
    return f"an output sees {seen}; {int(there.sum()):,} entries"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def output_name(node: Connect, entry: Sequence[int]) -> str:
    """Words for the output of an entry (o, d, i, c)."""
    return f"output {_place(node.output, entry[0])} channel {entry[1]}"


def input_name(node: Connect, entry: Sequence[int]) -> str:
    """Words for the input of an entry (o, d, i, c)."""
    shape, word = node.input, "input"
    if node.reduce is not None:
        shape, word = Shape(shape.channels, node.connection.key_grid), "reduced input"
    return f"{word} {_place(shape, entry[2])} channel {entry[3]}"


def _place(shape: Shape, index: int) -> str:
    if index < len(shape.tokens):
        return f"token {shape.tokens[index]}"
    if shape.grid is None:
        return "vector"
    row, column = divmod(index - len(shape.tokens), shape.grid[1])
    return f"pixel ({row}, {column})"

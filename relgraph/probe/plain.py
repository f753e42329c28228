"""What a recorded module does only for the machine's sake, and is measured without.

In: a tape with its values at one input. Out: the same tape in which numbers stay in float64 where
they were rounded to fewer digits on the way, and in which what guards a division by zero is next to
nothing; and sentences that say so. A sum over inputs cannot be told from one that is rounded in its
seventh digit, nor weights that sum to 1 from weights that sum to 1 - 1e-6.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, fx

from relgraph.errors import counted
from relgraph.probe import operations as ops
from relgraph.probe.draws import Tensors
from relgraph.probe.tape import Tape, Values

LARGEST_GUARD = 1e-3
"""What is added before a division and is more than this is no guard: it changes what is divided."""


def plain(tape: Tape, tensors: Tensors, values: Values) -> tuple[Tape, tuple[str, ...]]:
    """The tape to measure, and in what it differs from what was recorded."""
    rounded = [node for node in tape.nodes if _is_rounding(node, values)]
    guards = [node for node in tape.nodes if _is_guard(tape, node, values)]
    made = replace(tape, passing=frozenset(rounded), guards=frozenset(guards))
    if (not rounded and not guards) or not _runs(made, tensors, values):
        return tape, ()
    said = []
    if rounded:
        said.append(f"float64 is kept where the module rounds ({counted(len(rounded), 'cast')})")
    if guards:
        numbers = ", ".join(dict.fromkeys(f"{guard.args[1]:.1g}" for guard in guards))
        said.append(f"what is added before a division to keep it from zero ({numbers}) is left out")
    return made, tuple(said)


def _is_rounding(node: fx.Node, values: Values) -> bool:
    """A cast of real numbers to a type with fewer digits."""
    value = values.get(node)
    if ops.name(node) != "_to_copy" or not isinstance(value, Tensor):
        return False
    source = node.args[0]
    before = values.get(source) if isinstance(source, fx.Node) else None
    real = isinstance(before, Tensor) and before.is_floating_point() and value.is_floating_point()
    return real and torch.finfo(value.dtype).bits < 64


def _is_guard(tape: Tape, node: fx.Node, values: Values) -> bool:
    """A small number added to what then divides, and to nothing else."""
    small = len(node.args) > 1 and isinstance(node.args[1], float)
    if ops.name(node) != "add" or not small or node not in tape.dependent:
        return False
    number = node.args[1]
    return isinstance(number, float) and 0 < number <= LARGEST_GUARD and _divides(node)


def _divides(node: fx.Node) -> bool:
    """Whether a value is only ever the divisor of a division, however it is laid out before."""
    users = list(node.users)
    return bool(users) and all(
        (ops.name(user) == "div" and user.args[1] is node and user.args[0] is not node)
        or (ops.name(user) in ops.LAYOUT and _divides(user))
        for user in users
    )


def _runs(tape: Tape, tensors: Tensors, values: Values) -> bool:
    """Whether it can still be run: some operations take one type of numbers only."""
    try:
        made = tape.values(tensors, {tape.x: values[tape.x]})[tape.y]
    except Exception:  # foreign operations: anything may come out of them
        return False
    return bool(made.isfinite().all())

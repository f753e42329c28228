"""What is possible at this size but surely not meant: warnings, at the places in the spec."""

from __future__ import annotations

from relgraph.algebra import fit
from relgraph.assemble.walking import nodes
from relgraph.errors import Problem
from relgraph.program import Connect, Program


def cautions(program: Program) -> tuple[Problem, ...]:
    """Every caution of a program's connections, each place once."""
    found = [
        Problem(one.code, one.found, one.expected, one.hint, node.place, severity="warning")
        for _, node in nodes(program)
        if isinstance(node, Connect)
        for one in fit.cautions(node.connection)
    ]
    return tuple(dict.fromkeys(found))

"""What is possible at this size but surely not meant: warnings, at the places in the spec."""

from __future__ import annotations

from relgraph.algebra import fit
from relgraph.assemble.walking import nodes
from relgraph.errors import Problem, told_once
from relgraph.program import Connect, Element, Program


def cautions(program: Program) -> tuple[Problem, ...]:
    """Every caution of a program's connections, each place once; and a head without classes."""
    found = [
        Problem(one.code, one.found, one.expected, one.hint, node.place, severity="warning")
        for _, node in nodes(program)
        if isinstance(node, Connect)
        for one in fit.cautions(node.connection)
    ]
    return (*told_once(dict.fromkeys(found)), *_headless(program))


def _headless(program: Program) -> tuple[Problem, ...]:
    """A model that ends before its classes: features to build on, or a forgotten word."""
    if any(isinstance(node, Element) and node.word == "classifier" for _, node in nodes(program)):
        return ()
    found = f"nothing makes {program.source.classes} classes of the last map"
    hint = "end the head in `classifier`, unless it is features that you want"
    place = program.source.place
    return (Problem("no-classifier", found, "", hint, place, severity="warning"),)

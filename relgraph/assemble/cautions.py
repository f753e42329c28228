"""What is possible at this size but surely not meant: warnings, at the places in the spec."""

from __future__ import annotations

from relgraph.algebra import fit
from relgraph.assemble.walking import nodes, within
from relgraph.errors import Problem, told_once
from relgraph.program import Body, Branches, Connect, Element, Program


def cautions(program: Program) -> tuple[Problem, ...]:
    """Every caution of a program's connections, each place once; and what is odd of the classes."""
    found = [
        Problem(one.code, one.found, one.expected, one.hint, node.place, severity="warning")
        for _, node in nodes(program)
        if isinstance(node, Connect)
        for one in fit.cautions(node.connection)
    ]
    return (*told_once(dict.fromkeys(found)), *_headless(program), *_of_fixed_width(program))


def _headless(program: Program) -> tuple[Problem, ...]:
    """A model that ends before its classes: features to build on, or a forgotten word."""
    if any(isinstance(node, Element) and node.word == "classifier" for _, node in nodes(program)):
        return ()
    found = f"nothing makes {program.source.classes} classes of the last map"
    hint = "end the head in `classifier`, unless it is features that you want"
    place = program.source.place
    return (Problem("no-classifier", found, "", hint, place, severity="warning"),)


def _of_fixed_width(program: Program) -> tuple[Problem, ...]:
    """Sums of logits and something as wide by its own number: a model for so many classes only."""
    classes = program.source.classes
    found = f"a branch of {classes:,} channels beside a classifier, whatever the number of classes"
    hint = "end every branch in `classifier`: a model built for other classes will not run"
    return tuple(
        Problem("classes-fixed", found, "", hint, node.place, severity="warning")
        for _, node in nodes(program)
        if isinstance(node, Branches) and node.combine != "concat"
        if any(map(_classifies, node.branches))
        and any(_is_as_wide(branch, classes) for branch in node.branches)
    )


def _classifies(body: Body) -> bool:
    return any(isinstance(node, Element) and node.word == "classifier" for node in within(body))


def _is_as_wide(branch: Body, classes: int) -> bool:
    """Whether the branch makes `classes` channels, more than one, without a classifier."""
    made = branch[-1].output.channels if branch else 1
    return made == classes > 1 and not _classifies(branch)

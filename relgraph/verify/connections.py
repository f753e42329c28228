"""Each distinct connection of a program, measured from its class in the file at a small size.

In: the model built from the file, its program. Out: for every connection that differs from the
others in class or structure: does its class build, are its weights the reference's, and the four
declared properties beside the measured ones. DESIGN 6, item 2; the numbers of draws and the
tolerances are there. `relgraph.verify.alone.check_connection` does it for a connection of no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from torch import Tensor, nn

from relgraph.algebra.operator import Connection
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Program
from relgraph.verify import declared
from relgraph.verify.compare import Difference, difference, said
from relgraph.verify.connectivity import check_connectivity
from relgraph.verify.dynamism import Images, check_dynamism
from relgraph.verify.extremes import at_extremes
from relgraph.verify.halves import through_halves
from relgraph.verify.heads import check_heads
from relgraph.verify.in_place import seen_in_place, worst_in_place
from relgraph.verify.report import Check
from relgraph.verify.sharing import check_sharing
from relgraph.verify.shifts import check_shifts
from relgraph.verify.shrink import shrunk
from relgraph.verify.small import (
    CannotBuildError,
    Inputs,
    Small,
    build,
    composed,
    forward,
    measure,
    oracle_forward,
    random_inputs,
)
from relgraph.verify.values import Tensors

DRAWS = 3
Tried: TypeAlias = tuple[str, Difference]
"""What was tried of `forward`, and how far it was from the reference."""


@dataclass(frozen=True)
class Kind:
    """Connections that one measurement covers: their class in the file, their small instance, the
    paths where they stand, and each of them at its own size."""

    cls: type[nn.Module]
    node: Connect
    paths: tuple[str, ...]
    full: tuple[Connect, ...]


def kinds(model: nn.Module, program: Program) -> tuple[Kind, ...]:
    """The distinct connections of the program, in the order of the data."""
    found: dict[tuple[type[nn.Module], Connection, bool], Kind] = {}
    for path, node in nodes(program):
        if not isinstance(node, Connect):
            continue
        cls, small = _class(model, path), shrunk(node)
        key = (cls, small.connection, node.input.layout == "map")
        known = found.get(key, Kind(cls, small, (), ()))
        found[key] = replace(known, paths=(*known.paths, path), full=(*known.full, node))
    return tuple(found.values())


def _class(model: nn.Module, path: str) -> type[nn.Module]:
    try:
        return type(model.get_submodule(path))
    except AttributeError:  # nothing stands there: a class that nothing can be built from
        return nn.Identity


def check_kind(model: nn.Module, kind: Kind, tensors: Tensors | None = None) -> Iterator[Check]:
    """All properties of one kind of connection. Where its class does not build at a small size,
    the modules are compared with the reference where they stand, holding `tensors`."""
    subject = f"{kind.paths[0]} ({kind.cls.__name__})"
    try:
        draws = [_Draw.of(kind, seed) for seed in range(1, DRAWS + 1)]
    except CannotBuildError as problem:
        if tensors is not None:
            gap = worst_in_place(model, kind.paths, kind.full, tensors)
            if gap.ok:
                declared = "the reference where it stands, its class being built in another way"
                yield Check("composition", subject, declared, said(gap), True, "", len(kind.paths))
                return
        seen = seen_in_place(model, kind.paths[0], kind.full[0])
        declared = f"a class of this connection ({kind.node.connection.operator.weight.source})"
        yield Check("runs", subject, declared, seen, False, str(problem))
        return
    tried = list(at_extremes(kind.cls, kind.node, draws[0].framed, seed=1))
    for check in _properties(subject, kind.node, draws, tried):
        yield replace(check, covers=len(kind.paths))
    moved = check_shifts(subject, kind.cls, kind.node)
    if moved is not None:
        yield replace(moved, covers=len(kind.paths))
    heard = check_heads(subject, kind.cls, kind.node)
    if heard is not None:
        yield replace(heard, covers=len(kind.paths))


@dataclass(frozen=True)
class _Draw:
    """One draw of parameters: W of the bare core at two random images and at a constant one, as
    measured and as meant; the framed module with an image for its outputs."""

    framed: Small
    inputs: Inputs
    found: Images
    meant: Images
    constant: Tensor
    nonlinear: Difference

    @classmethod
    def of(cls, kind: Kind, seed: int) -> _Draw:
        bare = build(kind.cls, kind.node, seed, bare=True)
        framed = build(kind.cls, kind.node, seed, bare=False)
        inputs, others = random_inputs(bare, seed), random_inputs(bare, seed + 100)
        first, second = measure(bare, inputs), measure(bare, others)
        meant = Images(*(declared.weights(bare, one) for one in (inputs, others)))
        constant = measure(bare, random_inputs(bare, seed, constant=True))
        found = Images(first.w, second.w)
        return cls(framed, inputs, found, meant, constant.w, first.nonlinear)


def _properties(
    subject: str, node: Connect, draws: list[_Draw], tried: list[Tried]
) -> Iterator[Check]:
    labels = _labels(node.connection, draws[0])
    measured = [draw.found.first for draw in draws]
    yield _composition(subject, draws, tried)
    yield _values(subject, draws)
    yield check_connectivity(subject, node, measured, labels)
    yield check_dynamism(
        subject,
        node,
        [draw.found for draw in draws],
        [draw.meant for draw in draws],
        _functions(node.connection, labels),
        draws[0].nonlinear,
    )
    if node.connection.operator.weight.source != "fixed":
        constant = [draw.constant for draw in draws]
        yield check_sharing(subject, node, measured, constant, labels)


def _labels(connection: Connection, draw: _Draw) -> Tensor:
    """Labels of the learned things; for given weights, one thing wherever W is not 0."""
    if connection.operator.weight.source != "fixed":
        return declared.labels(connection)
    return (draw.meant.first != 0).long() - 1


def _functions(connection: Connection, labels: Tensor) -> Tensor:
    """Which entries have one function of the context: for pairs q·k, one for each head."""
    pair = connection.operator.weight.source == "pair"
    return declared.labels(connection, "all") if pair else labels


def _composition(subject: str, draws: list[_Draw], tried: list[Tried]) -> Check:
    """`forward` equals the reference, also where it was `tried` at extremes; so does
    `aggregate(weights(x), x)` where there is one."""
    gaps = [(f"forward {what}", gap) for what, gap in tried]
    for draw in draws:
        wanted = oracle_forward(draw.framed, draw.inputs)
        gaps.append(("forward", difference(forward(draw.framed, draw.inputs), wanted)))
        if draw.framed.predicts:
            both = composed(draw.framed, draw.inputs)
            gaps.append(("aggregate(weights(x), x)", difference(both, wanted)))
    if draws[0].framed.predicts:
        slopes = through_halves(draws[0].framed, draws[0].inputs)
        gaps.append(("a gradient through aggregate(weights(x), x)", slopes))
    name, gap = max(gaps, key=lambda one: one[1].relative)
    text = "forward = aggregate(weights(x), x) = the reference"
    text = text if draws[0].framed.predicts else "forward = the reference"
    text = f"{text}, {', '.join(dict.fromkeys(what for what, _ in tried))}"
    example = "" if gap.ok else f"{name}: {gap}"
    return Check("composition", subject, text, said(gap), gap.ok, example)


def _values(subject: str, draws: list[_Draw]) -> Check:
    gaps = [difference(draw.found.first, draw.meant.first) for draw in draws]
    gap = max(gaps, key=lambda one: one.relative)
    example = "" if gap.ok else f"W[o, d, i, c] is {gap}"
    declared_text = f"the reference's W, {draws[0].meant.first.numel():,} entries"
    return Check("values", subject, declared_text, said(gap), gap.ok, example)

"""`probe`: the stages of a probe in order.

    record → read → cut → measure → place

In: a module, an input or its shape, and what the sizes do not show. Out: `Probed`.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from relgraph.algebra.operator import Size
from relgraph.errors import Problem, RelgraphError, counted
from relgraph.graph.named import Names
from relgraph.probe import operations as ops
from relgraph.probe.draws import drawn, noise
from relgraph.probe.facts import facts, multiply_adds
from relgraph.probe.lab import DRAWS, Lab
from relgraph.probe.placement import placed
from relgraph.probe.places import Layout, Places, detected, places, said
from relgraph.probe.plain import plain
from relgraph.probe.probed import Frozen, Placed, Probed
from relgraph.probe.reading import Reading, Step
from relgraph.probe.split import line
from relgraph.probe.tape import Call, first_line, record
from relgraph.probe.terms import Parts, parts

MOST = 1 << 26
"""Places times numbers of an input: more would take minutes and gigabytes, and show nothing that a
smaller map does not."""
TRIED = 2
"""Products of which both ways are tried where one finds no point of the algebra."""


def probe(
    module: nn.Module,
    inputs: Tensor | Sequence[int],
    *,
    layout: str | None = None,
    grid: Size | None = None,
    tokens: int = 0,
    call: Sequence[Any] = (),
    named: Mapping[str, Any] | None = None,
    turn: Iterable[int] = (),
    name: str = "",
    names: Names | None = None,
) -> Probed:
    """Measure `module` and place it in the relation graph.

    `inputs` is an input or its shape, the batch first (it is probed with one image). `layout` is
    one of NCHW, NHWC, BNC, BCN, BC; `grid` the map of a BNC input whose positions are no square;
    `tokens` extra tokens stand in front. `call` and `named` are further arguments of `forward`.
    `turn` lists products (from 1) of which the other operand is frozen. `names` are the operators
    that have names, the shipped ones by default. The module is copied, not changed.

    Raises RelgraphError where the module cannot be run on this, does not repeat, has no gradient,
    or decides by values what it does.
    """
    shape = (1, *tuple(inputs.shape if isinstance(inputs, Tensor) else inputs)[1:])
    kind = detected(shape, layout, grid)
    into = places(shape, kind, tokens, grid)
    if into.count * into.entries.numel() > MOST:
        found = f"an input of {said(shape)}: {into.count:,} places of {into.channels} channels"
        expected = f"places × places × channels of {MOST:,} at most"
        hint = "tell a smaller --shape; a model is made smaller by --args '{img_size: 56}'"
        raise RelgraphError(Problem("too-large", found, expected, hint))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # what foreign code makes inside must fit too
    given = Call(_doubled(module), tuple(call), tuple((named or {}).items()))
    try:
        with warnings.catch_warnings():
            # Operations that have no batched form are run one by one, and say so.
            warnings.filterwarnings("ignore", message=".*batching rule.*")
            return _probed(module, shape, kind, into, given, tuple(turn), name, names)
    finally:
        torch.set_default_dtype(before)


def _doubled(module: nn.Module) -> nn.Module:
    """A copy in float64 and eval mode."""
    # What older parametrisations keep was computed with gradients, which hinder a copy.
    kept = [value for one in module.modules() for value in vars(one).values()]
    computed = [one for one in kept if isinstance(one, Tensor) and not one.is_leaf]
    try:
        made = copy.deepcopy(module, {id(one): one.detach().clone() for one in computed})
    except Exception as error:  # foreign code: anything may come out of it
        found = f"it cannot be copied: {first_line(error)}"
        raise RelgraphError(Problem("cannot-copy", found, "a module for copy.deepcopy")) from error
    with warnings.catch_warnings():
        # Scripted modules hand out parameters that are no leaves.
        warnings.filterwarnings("ignore", message="The .grad attribute of a Tensor")
        made = made.double().cpu()
    made.eval()  # some modules' own eval() returns nothing
    return made


def _probed(
    module: nn.Module,
    shape: tuple[int, ...],
    kind: Layout,
    into: Places,
    call: Call,
    turn: tuple[int, ...],
    name: str,
    names: Names | None,
) -> Probed:
    if any(map(is_lazy, call.module.parameters())):
        call.once(noise(shape, 1))  # then it has its parameters
    draws = tuple(drawn(call.module, seed) for seed in range(DRAWS))
    tape = record(call, draws[0], shape)
    tape, notes = plain(tape, draws[0], tape.values(draws[0], {tape.x: noise(shape, 1)}))
    values = tape.values(draws[0], {tape.x: noise(shape, 1)})
    output = tuple(values[tape.y].shape)
    out = _out(output, kind, into)
    reading = Reading(tape, values)
    products = _products(reading)
    if turn:
        reading = Reading(tape, values, frozenset(_named(products, turn)))

    def read(one: Reading) -> Parts:
        lab = Lab(tape, one, draws, into, kind)
        return parts(lab, line(lab, tape.x, into, tape.y, out))

    found = read(reading)
    if not turn and not _exact(found):
        for number in _ties(products):
            other = Reading(tape, values, frozenset(_named(products, (number,))))
            instead = read(other)
            if _exact(instead):
                reading, found = other, instead
                told = f"product {number} is read the other way: then all of it is in the algebra"
                notes = (*notes, told)
                break
    word = name or type(module).__name__
    operators = tuple(Placed(part, placed(word, part.node, names)) for part in found.operators)
    return Probed(
        module=word,
        shape=shape,
        output=output,
        layout=kind,
        grid=into.grid,
        tokens=into.tokens,
        parameters=sum(one.numel() for one in call.module.parameters()),
        macs=multiply_adds(call, draws[0], shape),
        facts=facts(call, draws[0], shape),
        frozen=tuple(_frozen(step, reading) for _, step in _products(reading)),
        notes=notes,
        elements=found.elements,
        operators=operators,
    )


def _out(shape: tuple[int, ...], kind: Layout, into: Places) -> Places:
    """The places of the output: laid out as the input, a vector where it has no map left."""
    if len(shape) == len(into.shape):
        same = len(shape) == 3 and shape[1 if kind == "BNC" else 2] == into.count
        return places(shape, kind, into.tokens if same else 0, into.grid if same else None)
    return places(shape, detected(shape, None))


def _products(reading: Reading) -> list[tuple[fx.Node, Step]]:
    """Products of which one operand is frozen, on the value's ways."""
    nodes = reading.between(reading.tape.x, reading.tape.y)
    steps = [(node, reading.step(node)) for node in nodes if node is not reading.tape.x]
    return [(node, step) for node, step in steps if step.kind == "product"]


def _exact(found: Parts) -> bool:
    return bool(found.operators) and all(part.measured.exact for part in found.operators)


def _ties(products: Sequence[tuple[fx.Node, Step]]) -> list[int]:
    """The first products of which either operand may be frozen, by number."""
    return [number for number, (_, step) in enumerate(products, 1) if step.tie][:TRIED]


def _named(products: Sequence[tuple[fx.Node, Step]], turn: Iterable[int]) -> Iterable[str]:
    for number in turn:
        if not 1 <= number <= len(products):
            found = f"there is no product {number}"
            expected = (
                f"one of {counted(len(products), 'product')} of two operands that depend on x"
            )
            raise RelgraphError(Problem("no-product", found, expected))
        yield products[number - 1][0].name


def _frozen(step: Step, reading: Reading) -> Frozen:
    assert step.frozen is not None, "one operand of a product is frozen"
    first = step.place == ops.PRODUCTS[step.name][0]
    side = "the left operand" if first else "the right operand"
    if step.name == "convolution":
        side = "the input" if first else "the kernel"
    size = said(tuple(reading.values[step.frozen].shape))
    return Frozen(step.name, f"{side} ({size})", step.through, step.tie)

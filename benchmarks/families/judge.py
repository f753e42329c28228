"""One family: is what is emitted for it what it means?

In: a family and its number. Out: plain data: everything that is not as it should be, in words, and
how much was compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal

from benchmarks.families.built import build, randomised
from benchmarks.families.equality import differences, layouts
from benchmarks.families.instances import Instance, instances, square_instances
from benchmarks.families.variants import fast_forms
from benchmarks.resumable import Found
from relgraph.algebra.cost import macs
from relgraph.algebra.families import CHANNELS, GRID, MIXED, connection
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Space,
    Weight,
)
from relgraph.algebra.parameters import parameters
from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.lower import candidates
from relgraph.lower.module import Module
from relgraph.program import node_of
from relgraph.resolved import Backbone, Element, OperatorUse, Stage
from relgraph.verify import verify_text
from relgraph.verify.alone import check_connection
from relgraph.verify.oracle_counts import multiply_adds
from relgraph.verify.report import Check

SIDES = (8, 12)  # of a map for terms, whose coarse parts need room
PLAIN = (Channel, Frame, Operator, Predictor, Space, Weight)  # every field has a default
MEASURED = {"composition", "values", "connectivity", "dynamism", "shifts"}  # of every connection
Question = Literal["equality", "fast", "proof", "term"]


@dataclass(frozen=True)
class Task:
    """What is asked about a family: equality with the oracle, also where a fast form applies, the
    proof of a connection, or for a family with a rank word the proof of a whole file."""

    question: Question
    number: int
    operator: Operator

    @property
    def name(self) -> str:
        """Unique; the same as long as the family says nothing new of itself."""
        return f"{self.question} {_short(self.operator)}"


def _short(value: object) -> str:
    """A value of the algebra by what is not its default."""
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    plain = type(value)() if isinstance(value, PLAIN) else None
    told = [
        f"{one.name}={_short(getattr(value, one.name))}"
        for one in fields(value)
        if plain is None or getattr(value, one.name) != getattr(plain, one.name)
    ]
    return f"{type(value).__name__}({', '.join(told)})"


def name(task: Task) -> str:
    """The task's name, as a function of a module."""
    return task.name


def judge(task: Task) -> Found:
    """`problems` in words; `compared`: how many modules, properties, or checks of a file. What
    cannot be asked is a problem too, and the others are asked nevertheless."""
    try:
        return _judged(task)
    except Exception as error:  # whatever it is, it is ours
        told = f"{type(error).__name__}: {error}"[:300]
        return {"compared": 0, "forms": [], "sizes": [], "problems": [told]}


def _judged(task: Task) -> Found:
    if task.question == "equality":
        return _equality(instances(task.operator, task.number))
    if task.question == "fast":
        return _equality(square_instances(task.operator))
    if task.question == "proof":
        return _proof(connection(task.operator))
    return _told(verify_text(emit(assemble(alone(task.operator))), "family.py").checks)


def _equality(fitting: tuple[Instance, ...]) -> Found:
    """Every form at every size."""
    problems: list[str] = []
    compared = 0
    for one in fitting:
        for form, lowered in candidates(node_of(one.connection)):
            compared += 1
            problems += [f"{one.what}, {form}: {told}" for told in _form(one, lowered)]
        problems += [f"{one.what}: {told}" for told in _costs(one.connection)]
    forms, sizes = fast_forms(fitting[0].connection), [one.what for one in fitting]
    return {"compared": compared, "forms": forms, "sizes": sizes, "problems": problems}


def _form(one: Instance, lowered: Module) -> Iterator[str]:
    at = one.connection
    module = randomised(build(lowered))
    found = {name: tuple(p.shape) for name, p in module.named_parameters()}
    wanted = {p.name: p.shape for p in parameters(at)}
    if found != wanted:
        yield f"parameters {found} instead of {wanted}"
        return
    yield from differences(at, module, training=False)
    predictor = at.operator.weight.predictor
    if predictor is not None and predictor.norm == "batch_norm":
        yield from (f"training: {told}" for told in differences(at, module, training=True))
    if at.in_grid == GRID:
        yield from layouts(at, module)


def _costs(at: Connection) -> Iterator[str]:
    if macs(at) != multiply_adds(at):
        yield f"{macs(at)} multiply-adds in closed form, {multiply_adds(at)} counted"


def _proof(at: Connection) -> Found:
    """The proof of a connection, of its fastest form and of the general one."""
    forms = [form for form, _ in candidates(node_of(at))]
    made = {form: check_connection(at, form) for form in dict.fromkeys((forms[0], forms[-1]))}
    found = _told(check for checks in made.values() for check in checks)
    for form, checks in made.items():
        heard = {"heads"} if at.operator.weight.talking_heads != "none" else set()
        silent = (MEASURED | heard) - {check.name for check in checks}
        found["problems"] += [f"{form}: {name} is not measured" for name in sorted(silent)]
    return found


def _told(checks: Iterator[Check] | tuple[Check, ...]) -> Found:
    made = list(checks)
    problems = [
        f"{c.name}: {c.declared} | {c.measured} {c.counter_example}" for c in made if not c.ok
    ]
    return {"compared": len(made), "forms": [], "sizes": [], "problems": problems}


def alone(operator: Operator) -> Backbone:
    """The operator between an image and a classifier."""
    separate = operator.channel.connect == "separate" and not operator.frame.output
    leaving = CHANNELS if separate else MIXED
    use = OperatorUse(name="family", operator=operator, in_channels=CHANNELS, out_channels=leaving)
    pool = Element(word="global_pool", arguments=(("kind", "average"),))
    classifier = Element(word="classifier", arguments=(("bias", True),))
    return Backbone(
        name="family_alone",
        cite="",
        size=SIDES,
        in_chans=CHANNELS,
        classes=3,
        stem=(),
        stages=(Stage(channels=leaving, blocks=((use,),)),),
        head=(pool, classifier),
    )

"""The steps of a proof, in the order of the report.

In: a loaded file with its program and text. Out: steps, each with what the user is told it is and
the checks that it makes when it runs. What an exception in one of them means is `proof`'s affair.
"""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache, cached_property, partial

from torch import nn

from relgraph.assemble.walking import nodes
from relgraph.emit.header import read_header
from relgraph.emitted import load_text
from relgraph.lower import candidates
from relgraph.lower.module import in_reading_order
from relgraph.program import Connect, Program
from relgraph.resolve.literal import digest
from relgraph.verify.calls import check_calls
from relgraph.verify.connections import check_kind, kinds
from relgraph.verify.cost import check_cost
from relgraph.verify.forms import QUESTIONS
from relgraph.verify.inference import check_inference, is_inference
from relgraph.verify.interface import check_interface
from relgraph.verify.loud import check_loud
from relgraph.verify.machine import check_machine
from relgraph.verify.precision import check_precision
from relgraph.verify.rank import check_keys, check_rank, claims, reductions
from relgraph.verify.reached import Reached
from relgraph.verify.report import Check
from relgraph.verify.runs import run_reference
from relgraph.verify.sizes import check_sizes
from relgraph.verify.start import check_start, started
from relgraph.verify.steady import check_steady
from relgraph.verify.stochastic import check_places, check_stochastic
from relgraph.verify.structure import (
    check_model,
    check_parameters,
    check_second_size,
    make_subject,
)
from relgraph.verify.subject import Subject
from relgraph.verify.unreached import check_reach


@dataclass(frozen=True)
class File:
    """A file under proof: its module, what its spec means, its text, and the text that relgraph
    would write for that spec now. `compared` notes what runs where values are compared, `called`
    what runs where only shapes or attributes are."""

    module: types.ModuleType
    program: Program
    text: str
    now: str
    compared: Reached = field(init=False)
    called: Reached = field(init=False)

    def __post_init__(self) -> None:
        for name in ("compared", "called"):
            object.__setattr__(self, name, Reached(self.module.__name__))

    @property
    def current(self) -> bool:
        """Whether the file is what relgraph writes, to the letter."""
        return self.text == self.now

    @property
    def build(self) -> Callable[..., nn.Module]:
        """The builder that the file names."""
        made: Callable[..., nn.Module] = getattr(self.module, self.module.BUILDER)
        return made

    @cached_property
    def fresh(self) -> nn.Module | None:
        """The model that relgraph would write now, where the file is another one."""
        if self.current:
            return None
        module = load_text(self.now, "fresh.py")
        model: nn.Module = getattr(module, module.BUILDER)()
        return model

    def watching(self, compares: bool) -> AbstractContextManager[None]:
        """Notes what runs within it; nothing of a file whose every line is relgraph's own."""
        if self.current:
            return nullcontext()
        return (self.compared if compares else self.called).watching()


@dataclass(frozen=True)
class Step:
    """A part of the proof: what the user is told it is, and the checks that it makes. `compares`
    says whether values that the file computes are held against what they should be."""

    title: str
    run: Callable[[], Iterable[Check]]
    compares: bool = True


def steps(file: File, model: nn.Module) -> list[Step]:
    """All of them. Whole-model checks that need the spec's parameters are left out where the file
    has others: the check of parameters has failed then, and said why."""
    spec = Step("spec", lambda: [_check_carried(file)], False)
    if is_inference(file.module):
        folded = Step("the folded model", lambda: check_inference(model, file.program))
        return [spec, folded, *_text(file)]
    parameters = check_parameters(model, file.program)
    listed = [
        spec,
        Step("parameters", lambda: [parameters], False),
        *_alone(file, model),
    ]
    if not parameters.ok:
        return [*listed, *_connections(file, model, None), *_text(file)]
    subject = make_subject(model, file.program, re.search(QUESTIONS, file.text) is not None)
    wanted = cache(partial(run_reference, subject.program, subject.tensors, subject.images))
    return [
        *listed,
        Step("the whole model", lambda: check_model(subject, wanted())),
        Step("a second size", lambda: [check_second_size(subject, file.build)]),
        Step("places of dropout and drop path", lambda: check_places(subject)),
        Step("large values", lambda: [check_loud(subject)]),
        Step("rank", lambda: _ranks(subject)),
        Step("precision", lambda: [check_precision(subject, wanted().logits, file.fresh)]),
        *_connections(file, model, subject),
        Step("calls", lambda: [check_calls(subject, wanted())]),
        Step("state", lambda: [check_steady(subject, file.module)]),
        *_text(file),
    ]


def _alone(file: File, model: nn.Module) -> Iterator[Step]:
    """What needs no tensors of the proof's own."""
    module, program, build = file.module, file.program, file.build
    built = started(model)
    yield Step("start", lambda: [check_start(built, build, file.fresh)])
    yield Step("interface", lambda: [check_interface(module, program)], False)
    yield Step("sizes", lambda: [check_sizes(module, program)], False)
    yield Step("dropout and drop path", lambda: [check_stochastic(build, program)])
    yield Step("cost", lambda: check_cost(module, program), False)


def _connections(file: File, model: nn.Module, subject: Subject | None) -> Iterator[Step]:
    tensors = None if subject is None else subject.tensors
    for kind in kinds(model, file.program):
        title = f"{kind.paths[0]} ({kind.cls.__name__})"
        yield Step(title, partial(check_kind, model, kind, tensors))


def _text(file: File) -> Iterator[Step]:
    """What is asked of code that relgraph would not write; last, when all has run. A comment is no
    code."""
    if ast.dump(ast.parse(file.text)) != ast.dump(ast.parse(file.now)):
        yield Step("text", lambda: _check_text(file), False)


def _check_text(file: File) -> Iterator[Check]:
    yield check_machine(file.text, file.now)
    yield check_reach(file.text, _written(file), file.compared.spans, file.called.spans)


def _written(file: File) -> str:
    """What relgraph writes itself: the file as it would be now, and every other form of its
    connections, for somebody may have measured one to be faster."""
    found = [node for _, node in nodes(file.program) if isinstance(node, Connect)]
    modules = [module for node in dict.fromkeys(found) for _, module in candidates(node)]
    roots = [module.definition for module in modules if module.definition is not None]
    texts = dict.fromkeys(definition.text for definition in in_reading_order(roots))
    return "\n\n".join((file.now, *texts))


def _check_carried(file: File) -> Check:
    """Whether the spec in the file is the one whose hash its header states."""
    header, own = read_header(file.text), digest(file.program.source)
    stated = "no hash" if header is None else header.spec
    example = "" if stated == own else "SPEC was edited, or the header was"
    return Check("spec", "file", stated[:16], own[:16], stated == own, example)


def _ranks(subject: Subject) -> Iterator[Check]:
    for claim in claims(subject.program):
        yield check_rank(subject.model, subject.tensors, claim)
    for path, node in reductions(subject.program):
        yield check_keys(subject.model, path, node)

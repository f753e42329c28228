"""The proof of one file: load it, compare it with what its spec means, report.

In: an emitted file (or the name of a spec). Out: a `Report`. The file is read once and judged by
the bytes that were read; a model that cannot be built or run is a failed check with the reason,
text that is no model or holds no spec is the user's mistake (RelgraphError).
"""

from __future__ import annotations

import re
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch
from torch import nn

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.emit.header import read_header
from relgraph.emitted import load_text, read_source
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import sha256
from relgraph.pipeline import compile_backbone
from relgraph.program import Program
from relgraph.resolve.literal import digest, parse
from relgraph.resolved import Backbone
from relgraph.verify.calls import check_calls
from relgraph.verify.connections import check_kind, kinds
from relgraph.verify.cost import check_cost
from relgraph.verify.forms import QUESTIONS
from relgraph.verify.interface import check_interface
from relgraph.verify.operators import operator_program
from relgraph.verify.precision import check_precision
from relgraph.verify.rank import check_keys, check_rank, claims, reductions
from relgraph.verify.report import Check, Progress, Report, silent
from relgraph.verify.runs import run_reference
from relgraph.verify.start import check_start, started
from relgraph.verify.stochastic import check_stochastic
from relgraph.verify.structure import (
    check_model,
    check_parameters,
    check_second_size,
    make_subject,
)
from relgraph.verify.subject import Subject


def verify_file(path: Path | str, progress: Progress = silent) -> Report:
    """Prove the file at `path` against the spec that it carries.

    Raises RelgraphError where there is no such file, or where it is not an emitted model.
    """
    path = Path(path)
    return verify_text(read_source(path), str(path), progress)


def verify_backbone(
    name_or_path: str, progress: Progress = silent, generated: Path = Path("generated")
) -> Report:
    """Prove a backbone spec: the file `generated/NAME.py` on disk, where there is one, which must
    carry this very spec; else its freshly emitted text, from memory.

    Raises RelgraphError with all problems of the spec.
    """
    compiled = compile_backbone(name_or_path)
    path = generated / f"{compiled.name}.py"
    if not path.exists():
        return verify_text(compiled.text, f"{compiled.name}.py (fresh)", progress)
    text = read_source(path)
    report = verify_text(text, str(path), progress)
    own = _check_spec(text, compiled.program)
    return replace(report, checks=(own, *report.checks))


def _check_spec(text: str, program: Program) -> Check:
    """Whether the file was made from the spec as it is now."""
    wanted, header = digest(program.source), read_header(text)
    found = "no hash" if header is None else header.spec
    example = "" if found == wanted else "the spec changed since the file was generated"
    return Check("spec", "model", wanted[:16], found[:16], found == wanted, example)


def verify_operator(name_or_path: str, progress: Progress = silent) -> Report:
    """Prove an operator spec: emitted alone, in the smallest backbone that holds it.

    Raises RelgraphError with all problems of the spec.
    """
    program = operator_program(name_or_path)
    return verify_text(emit(program), f"{program.source.name}.py (fresh)", progress)


def verify_text(text: str, file: str, progress: Progress = silent) -> Report:
    """Prove emitted text; `file` is what messages call it."""
    module = load_text(text, file)
    program = assemble(_carried(module, file))
    header = read_header(text)
    edited = header is None or not header.intact
    checks = tuple(_checks(module, program, text, progress))
    return Report(program.source.name, file, edited, checks, digest(program.source), sha256(text))


def _carried(module: types.ModuleType, file: str) -> Backbone:
    """The spec that the file carries."""
    spec, builder = getattr(module, "SPEC", None), getattr(module, "BUILDER", None)
    place = Place(file, 1, 1)
    if spec is None or not callable(getattr(module, str(builder), None)):
        found = "no SPEC, or no BUILDER that names a function"
        raise RelgraphError(
            Problem("not-emitted", found, "a file that relgraph emitted", place=place)
        )
    try:
        return parse(spec)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        found = f"a SPEC that no backbone reads as: {type(error).__name__} {error}"
        raise RelgraphError(
            Problem("damaged-spec", found, "the literal that relgraph wrote", place=place)
        ) from None


@dataclass(frozen=True)
class Step:
    """A part of the proof: what the user is told it is, and the checks that it makes."""

    title: str
    run: Callable[[], Iterable[Check]]


def _checks(
    module: types.ModuleType, program: Program, text: str, progress: Progress
) -> Iterator[Check]:
    """All checks, in the order of the report."""
    with _float64():
        try:
            model = getattr(module, module.BUILDER)()
        except Exception as error:
            yield _broken("model", error)
            return
        steps = _steps(module, model, program, text)
        for number, step in enumerate(steps):
            progress(step.title, number, len(steps))
            yield from _run(step)


def _run(step: Step) -> Iterator[Check]:
    """The step's checks. The file is a stranger's: what it raises is a finding, not a crash; a
    failed assertion outside it is a bug of ours and goes through."""
    try:
        yield from step.run()
    except RelgraphError:
        raise
    except Exception as error:
        if isinstance(error, AssertionError) and not _in_emitted(error):
            raise
        yield _broken(step.title, error)


def _broken(subject: str, error: Exception) -> Check:
    reason = f"{type(error).__name__}: {error}"
    return Check("runs", subject, "it runs", "it breaks", False, reason)


def _in_emitted(error: Exception) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any("relgraph_emitted" in frame.f_globals.get("__name__", "") for frame, _ in frames)


def _steps(module: types.ModuleType, model: nn.Module, program: Program, text: str) -> list[Step]:
    """Whole-model checks that need the spec's parameters are left out where the file has others:
    the check of parameters has failed then, and said why."""
    parameters = check_parameters(model, program)
    build = getattr(module, module.BUILDER)
    built, fresh = started(model), cache(partial(_fresh, program, text))
    steps = [
        Step("spec", lambda: [_check_carried(text, program)]),
        Step("parameters", lambda: [parameters]),
        Step("start", lambda: [check_start(built, build, fresh())]),
        Step("interface", lambda: [check_interface(module, program)]),
        Step("dropout and drop path", lambda: [check_stochastic(build, program)]),
        Step("cost", lambda: check_cost(module, program)),
    ]
    tensors = None
    if parameters.ok:
        subject = make_subject(model, program, re.search(QUESTIONS, text) is not None)
        tensors = subject.tensors
        wanted = cache(partial(run_reference, program, subject.tensors, subject.images))
        steps.append(Step("the whole model", lambda: check_model(subject, wanted())))
        steps.append(Step("a second size", lambda: [check_second_size(subject, build)]))
        steps.append(Step("rank", lambda: _ranks(subject)))
        precision = lambda: [check_precision(subject, wanted().logits, fresh())]  # noqa: E731
        steps.append(Step("precision", precision))
    for kind in kinds(model, program):
        title = f"{kind.paths[0]} ({kind.cls.__name__})"
        steps.append(Step(title, partial(check_kind, model, kind, tensors)))
    if parameters.ok:
        steps.append(Step("calls", lambda: [check_calls(subject, wanted())]))
    return steps


def _fresh(program: Program, text: str) -> nn.Module | None:
    """The model that relgraph would write now, where `text` is another one."""
    now = emit(program)
    if now == text:
        return None
    module = load_text(now, "fresh.py")
    model: nn.Module = getattr(module, module.BUILDER)()
    return model


def _check_carried(text: str, program: Program) -> Check:
    """Whether the spec in the file is the one whose hash its header states."""
    header, own = read_header(text), digest(program.source)
    stated = "no hash" if header is None else header.spec
    example = "" if stated == own else "SPEC was edited, or the header was"
    return Check("spec", "file", stated[:16], own[:16], stated == own, example)


def _ranks(subject: Subject) -> Iterator[Check]:
    for claim in claims(subject.program):
        yield check_rank(subject.model, subject.tensors, claim)
    for path, node in reductions(subject.program):
        yield check_keys(subject.model, path, node)


@contextmanager
def _float64() -> Iterator[None]:
    """Everything is built in float64, constants in buffers included."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)

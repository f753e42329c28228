"""The proof of one file: load it, compare it with what its spec means, report.

In: an emitted file (or the name of a spec). Out: a `Report`. The file is read once and judged by
the bytes that were read; a model that cannot be built or run is a failed check with the reason,
text that is no model or holds no spec is the user's mistake (RelgraphError).
"""

from __future__ import annotations

import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.emit.header import read_header
from relgraph.emitted import load_text, read_source
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import sha256
from relgraph.inference import for_inference
from relgraph.pipeline import compile_backbone
from relgraph.program import Program
from relgraph.resolve.literal import digest, parse
from relgraph.resolved import Backbone
from relgraph.verify.inference import is_inference
from relgraph.verify.operators import operator_program
from relgraph.verify.report import Check, Enough, Progress, Report, silent
from relgraph.verify.steps import File, Step, steps

# What no file can raise in our own frame: a name that is missing there, a condition of our own.
OWN = (AssertionError, ImportError, NameError)


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


def verify_text(
    text: str, file: str, progress: Progress = silent, until: Enough | None = None
) -> Report:
    """Prove emitted text; `file` is what messages call it. The proof ends with the first check
    that is `until` enough, where only a verdict is wanted."""
    module = load_text(text, file)
    program = assemble(_carried(module, file))
    header = read_header(text)
    edited = header is None or not header.intact
    now = emit(for_inference(program).program if is_inference(module) else program)
    made = _checks(File(module, program, text, now), progress)
    checks = tuple(made if until is None else _until(until, made))
    return Report(program.source.name, file, edited, checks, digest(program.source), sha256(text))


def _until(enough: Enough, checks: Iterator[Check]) -> Iterator[Check]:
    for check in checks:
        yield check
        if enough(check):
            return


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


def _checks(file: File, progress: Progress) -> Iterator[Check]:
    """All checks, in the order of the report."""
    with _float64():
        try:
            with file.watching(compares=True):
                model = file.build()
        except Exception as error:
            yield _broken("model", error)
            return
        listed = steps(file, model)
        for number, step in enumerate(listed):
            progress(step.title, number, len(listed))
            yield from _run(step, file)


def _run(step: Step, file: File) -> list[Check]:
    """The step's checks. The file is a stranger's: what it raises is a finding, not a crash; what
    goes wrong in our own code is a bug of ours and goes through."""
    made: list[Check] = []
    try:
        with file.watching(step.compares):
            made.extend(step.run())
    except RelgraphError:
        raise
    except Exception as error:
        if _is_ours(error, file):
            raise
        made.append(_broken(step.title, error))
    return made


def _broken(subject: str, error: Exception) -> Check:
    reason = f"{type(error).__name__}: {error}"
    return Check("runs", subject, "it runs", "it breaks", False, reason)


def _is_ours(error: Exception, file: File) -> bool:
    """Whether the proof broke, not the file: no frame of the file was running, and either no file
    could cause such an error in our frame, or the file is what relgraph itself writes."""
    frames = traceback.walk_tb(error.__traceback__)
    names = [str(frame.f_globals.get("__name__", "")) for frame, _ in frames]
    if file.module.__name__ in names:
        return False
    in_our_frame = names[-1].startswith("relgraph.")
    return (in_our_frame and isinstance(error, OWN)) or file.current


@contextmanager
def _float64() -> Iterator[None]:
    """Everything is built in float64, constants in buffers included."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)

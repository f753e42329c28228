"""What relgraph says of one case, and whether that is right.

A valid case must be understood: its cost is a finite number, its resolved form is read back from
its own text, and it is emitted as Python, twice the same. A damaged one must be refused by problems
that have a place, one of them in the case's own files, or still be valid; anything else is a
failure, and so is more work than a spec can be worth. Work is counted in calls, not in seconds: a
clock only says which cases to count.
"""

from __future__ import annotations

import ast
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from relgraph.assemble import assemble
from relgraph.assemble.cost import cost
from relgraph.cli.alone import alone
from relgraph.emit import emit
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.resolve.literal import dump, parse
from relgraph.understanding import understand

Outcome = Literal["valid", "refused", "failed"]
MOST_CALLS = 4_000_000
SUSPICIOUS = 5.0  # seconds of this process's own time


@dataclass(frozen=True)
class Verdict:
    """`codes` are those of the problems, `why` says what is wrong with relgraph's answer."""

    outcome: Outcome
    codes: tuple[str, ...] = ()
    why: str = ""


class TooLongError(BaseException):
    """Not an Exception: nothing that is judged may take it for one of its own."""


def write(folder: Path, texts: Mapping[str, bytes]) -> None:
    """The case's files, and nothing else, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name.removesuffix(".yaml") not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_bytes(text)


def judge_valid(path: Path) -> Verdict:
    """The verdict on a case that must be understood."""
    return _judged(lambda: _understood(path), path)


def judge_damaged(path: Path) -> Verdict:
    """The verdict on a case that is probably wrong."""
    return _judged(lambda: _looked_over(path), path)


def _judged(look: Callable[[], None], path: Path) -> Verdict:
    try:
        return _answer(look, path)
    except TooLongError:
        pass
    with _counted():
        try:
            return _answer(look, path, watched=False)
        except TooLongError:
            return Verdict("failed", why=f"more than {MOST_CALLS:,} calls")


def _answer(look: Callable[[], None], path: Path, watched: bool = True) -> Verdict:
    try:
        with _clock(watched):
            look()
    except RelgraphError as error:
        codes = tuple(dict.fromkeys(problem.code for problem in error.problems))
        wrong = _misplaced(error.problems, path.parent)
        return Verdict("failed" if wrong else "refused", codes, wrong)
    except Exception as error:  # whatever it is, it is ours
        return Verdict("failed", why=f"{type(error).__name__}: {error}"[:300])
    return Verdict("valid")


def _looked_over(path: Path) -> None:
    if path.read_bytes().lstrip(b"\xef\xbb\xbf").startswith(b"operator:"):
        alone(str(path))
    else:
        understand(str(path))


def _understood(path: Path) -> None:
    program = understand(str(path)).program
    whole = cost(program)
    assert whole.parameters >= 0 and whole.macs >= 0, "a cost below nothing"
    again = parse(dump(program.source))
    assert again == program.source, "the resolved form is not read back"
    text = emit(program)
    ast.parse(text)
    assert emit(assemble(again, program.input.grid)) == text, "the same spec, other bytes"


def _misplaced(problems: tuple[Problem, ...], folder: Path) -> str:
    """What is wrong with the problems' places, in words; nothing where all is well."""
    if not problems:
        return "refused without a problem"
    places = [place for one in problems for place in (one.place, *one.related, *one.uses)]
    for one in problems:
        if one.place is None:
            return f"no place: {one.code}"
    lines = {str(file): _lines(file) for file in folder.glob("*.yaml")}
    own = [place for place in places if place is not None and place.file in lines]
    if not own:
        return f"no place in the case's own files: {problems[0].code}"
    for place in own:
        if not _is_inside(place, lines[place.file]):
            return f"a place outside its file: {place}"
    return ""


def _lines(file: Path) -> list[str]:
    text = file.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_inside(place: Place, lines: list[str]) -> bool:
    if not 1 <= place.line <= len(lines):
        return False
    return 1 <= place.column <= max(1, len(lines[place.line - 1].encode()) + 1)


@contextmanager
def _clock(watched: bool) -> Iterator[None]:
    """Ends what takes suspiciously long, to be counted."""
    if not watched:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SUSPICIOUS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _counted() -> Iterator[None]:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"
        if calls > MOST_CALLS:
            sys.setprofile(None)
            raise TooLongError

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)

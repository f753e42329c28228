"""The stages in order: spec → resolve → assemble → lower and emit → file, a check between each two.

`compile_backbone` gives text, `generate` writes files: atomically, never over a hand-edited one
unless forced, and with `check` only compares. No torch here: emitted text is checked as text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relgraph.emit import emit
from relgraph.emit.header import read_header
from relgraph.emitted import check_source, read_source
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import write_atomically
from relgraph.program import Program
from relgraph.resolve.literal import dump, parse
from relgraph.tuned import Tuned, with_forms
from relgraph.understanding import understand

Status = Literal["written", "unchanged", "fresh", "stale", "missing", "edited"]


@dataclass(frozen=True)
class Compiled:
    """A compiled backbone: its emitted text and the program it was made from."""

    name: str
    text: str
    program: Program
    notes: tuple[Problem, ...] = ()
    sources: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Generated:
    """What became of one file: `written` or `unchanged`; with check, `fresh`, `stale`, `missing`
    or `edited` (its text no longer has the hash in its header)."""

    name: str
    path: Path
    status: Status

    @property
    def ok(self) -> bool:
        """Whether the file on disk equals a fresh run."""
        return self.status in ("written", "unchanged", "fresh")


def compile_backbone(name_or_path: str, tuned: Tuned | None = None) -> Compiled:
    """The emitted text of a shipped backbone or of a spec file, with the forms that `tuned` chose.

    Raises RelgraphError with all problems of the spec.
    """
    understood = understand(name_or_path)
    resolution, program = understood.resolution, understood.program
    backbone = resolution.backbone
    assert parse(dump(backbone)) == backbone, "a resolved spec does not survive its own literal"
    program = program if tuned is None else with_forms(program, tuned)
    text = emit(program)
    check_source(text, f"{backbone.name}.py")
    return Compiled(backbone.name, text, program, understood.notes, resolution.files)


def generate(
    names: Sequence[str],
    out: Path,
    check: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda name: None,
    tuned: Tuned | None = None,
) -> list[Generated]:
    """Write (or with `check` compare) `out/NAME.py` for every spec, with the forms of `tuned`.

    All specs are compiled before the first file is written, so a mistake in one writes nothing.
    Raises RelgraphError for mistakes in specs, for two specs of one name, and for files that were
    edited by hand unless `force`.
    """
    compiled = []
    for name in names:
        progress(name)
        compiled.append(compile_backbone(name, tuned))
    _refuse_clashes(compiled)
    if check:
        return [_compared(one, out / f"{one.name}.py") for one in compiled]
    _refuse_edited(compiled, out, force)
    return [_written(one, out / f"{one.name}.py") for one in compiled]


def _refuse_clashes(compiled: Sequence[Compiled]) -> None:
    seen: dict[str, Compiled] = {}
    for one in compiled:
        other = seen.setdefault(one.name, one)
        if other is not one and other.text != one.text:
            found = f"two specs called {one.name}: {other.sources[0]} and {one.sources[0]}"
            raise RelgraphError(Problem("same-name", found, "one file per name"))


def _refuse_edited(compiled: Sequence[Compiled], out: Path, force: bool) -> None:
    edited = [one for one in compiled if _status(one, out / f"{one.name}.py") == "edited"]
    if edited and not force:
        raise RelgraphError(
            Problem(
                "hand-edited",
                "this file was edited by hand, or was not made by relgraph",
                "a file that relgraph made",
                "move it away, or overwrite it with --force",
                Place(str(out / f"{one.name}.py"), 1, 1),
            )
            for one in edited
        )


def _status(one: Compiled, path: Path) -> Status:
    if not path.exists():
        return "missing"
    text = read_source(path)
    if text == one.text:
        return "fresh"
    header = read_header(text)
    return "stale" if header is not None and header.intact else "edited"


def _compared(one: Compiled, path: Path) -> Generated:
    return Generated(one.name, path, _status(one, path))


def _written(one: Compiled, path: Path) -> Generated:
    if _status(one, path) == "fresh":
        return Generated(one.name, path, "unchanged")
    write_atomically(path, one.text)
    return Generated(one.name, path, "written")

"""Variants into a folder: all files or none, never over one that was edited by hand.

In: variants, the backbone that they extend, a folder. Out: what became of each file. A file that is
ours, and as we wrote it, is replaced by a newer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relgraph.derive.answer import Variant
from relgraph.derive.source import Source
from relgraph.derive.text import is_intact
from relgraph.errors import Place, Problem, RelgraphError, nearest
from relgraph.files import write_atomically

Status = Literal["written", "unchanged"]


@dataclass(frozen=True)
class Written:
    """What became of one file."""

    path: Path
    status: Status


def chosen(variants: Sequence[Variant], names: Iterable[str], top: int | None) -> list[Variant]:
    """The variants of these names, or the first ones, or all. Raises RelgraphError, naming the
    nearest, for a name that none has."""
    known = {variant.name: variant for variant in variants}
    wanted = tuple(names)
    problems = [
        Problem("unknown-variant", f"no variant is called {name}", "", nearest(name, known))
        for name in wanted
        if name not in known
    ]
    if problems:
        raise RelgraphError(problems)
    return [known[name] for name in wanted] if wanted else list(variants[:top])


def store(
    variants: Sequence[Variant], source: Source, folder: Path, force: bool = False
) -> list[Written]:
    """Write the files of the variants. Raises RelgraphError, and writes nothing, where a file was
    edited by hand, unless `force`."""
    extends = source.extends(folder)
    texts = {
        folder / path: text
        for variant in variants
        for path, text in variant.draft.files(extends).items()
    }
    old = {path: path.read_text("utf-8") if path.exists() else None for path in texts}
    edited = [path for path, text in old.items() if text is not None and not is_intact(text)]
    if edited and not force:
        raise RelgraphError(
            Problem(
                "hand-edited",
                "this file was edited by hand, or was not made by relgraph",
                "a file that relgraph made",
                "move it away, or overwrite it with --force",
                Place(str(path), 1, 1),
            )
            for path in edited
        )
    return [_written(path, text, old[path]) for path, text in texts.items()]


def _written(path: Path, text: str, old: str | None) -> Written:
    if old == text:
        return Written(path, "unchanged")
    write_atomically(path, text)
    return Written(path, "written")

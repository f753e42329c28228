"""Forms chosen by measurement: a small JSON file that `bench` writes and `generate --tuned` reads.

In: the file, or a program. Out: the choices; the program whose connections carry the chosen forms.
A choice holds for a connection with all its sizes, wherever it stands; what the file does not know
keeps the form that the table of lowerings prefers. All forms of a connection have the same
parameters, so checkpoints move freely between choices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import sha256, write_atomically
from relgraph.lower import candidates
from relgraph.program import Body, Branches, Connect, Node, Program, Residual, Scope, Split, Stage

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`form` was faster than `instead_of` for the connection with this `key`: `ratio` of its time.
    `where` are the paths of the backbone that was measured, for people."""

    key: str
    form: str
    instead_of: str
    ratio: float
    where: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What was measured (`forward` or `training step`), on what, of which backbone, and what was
    chosen: only where another form than the table's own was faster."""

    backbone: str
    measured: str
    machine: str
    choices: tuple[Choice, ...] = field(default=())

    def to_text(self) -> str:
        """As JSON, the same bytes for the same value."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def key_of(node: Connect) -> str:
    """A name for a connection with all its sizes, the same on every machine."""
    return sha256(f"{node.connection!r} {node.input!r} {node.reduce is not None}")[:16]


def write_tuned(path: Path, tuned: Tuned) -> None:
    """Replace `path` atomically."""
    write_atomically(path, tuned.to_text())


def read_tuned(path: Path) -> Tuned:
    """What `bench` wrote. Raises RelgraphError where it is no such file."""
    place = Place(str(path), 1, 1)
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise RelgraphError(Problem("unreadable", str(error.strerror), place=place)) from None
    except ValueError as error:
        raise RelgraphError(_damaged(str(error), place)) from None
    try:
        return _parsed(data)
    except (KeyError, TypeError, ValueError) as error:
        raise RelgraphError(_damaged(f"{type(error).__name__}: {error}", place)) from None


def _parsed(data: Mapping[str, Any]) -> Tuned:
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}")
    choices = tuple(_choice(one) for one in data["choices"])
    words = {name: _text(data[name]) for name in ("backbone", "measured", "machine")}
    return Tuned(choices=choices, **words)


def _choice(data: Mapping[str, Any]) -> Choice:
    words = {name: _text(data[name]) for name in ("key", "form", "instead_of")}
    unknown = set(data) - {one.name for one in fields(Choice)}
    if unknown:
        raise ValueError(f"unknown {sorted(unknown)[0]}")
    where = tuple(_text(path) for path in data["where"])
    return Choice(ratio=float(data["ratio"]), where=where, **words)


def _text(value: object) -> str:
    """A word of the file: it stands in a docstring, so it must be one plain line."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise ValueError(f"no plain line of text: {value!r:.60}")
    return value


def _damaged(found: str, place: Place) -> Problem:
    return Problem("not-tuned", found, "a file that `relgraph bench --tune` wrote", place=place)


def with_forms(program: Program, tuned: Tuned) -> Program:
    """The program with the chosen forms, and what is told of them in its file.

    Raises RelgraphError where a choice names a form that its connection does not have.
    """
    work = _Choosing({choice.key: choice for choice in tuned.choices})
    stages = tuple(work.stage(stage) for stage in program.stages)
    made = replace(
        program, stem=work.scope(program.stem), stages=stages, head=work.body(program.head)
    )
    if not work.used:
        return program
    first = f"Forms chosen by measurement ({tuned.measured}; {tuned.machine}):"
    told = [
        f"{choice.form} instead of {choice.instead_of}, {choice.ratio:.2f} of its time: {words}"
        for choice, words in work.used.values()
    ]
    return replace(made, tuned=(first, *told))


@dataclass
class _Choosing:
    """One pass over a program; `used` are the choices that fitted something."""

    choices: Mapping[str, Choice]
    used: dict[str, tuple[Choice, str]] = field(default_factory=dict)

    def stage(self, stage: Stage) -> Stage:
        return replace(
            stage,
            blocks=tuple(self.scope(block) for block in stage.blocks),
            downsample=stage.downsample and self.scope(stage.downsample),
            after=stage.after and self.scope(stage.after),
        )

    def scope(self, scope: Scope) -> Scope:
        return replace(scope, body=self.body(scope.body))

    def body(self, body: Body) -> Body:
        return tuple(self._node(node) for node in body)

    def _node(self, node: Node) -> Node:
        if isinstance(node, Scope):
            return self.scope(node)
        if isinstance(node, Residual):
            shortcut = None if node.shortcut is None else self.body(node.shortcut)
            return replace(node, body=self.body(node.body), shortcut=shortcut)
        if isinstance(node, Branches | Split):
            return replace(node, branches=tuple(self.body(one) for one in node.branches))
        if not isinstance(node, Connect):
            return node
        if node.reduce is not None:
            node = replace(node, reduce=self.scope(node.reduce))
        return self._chosen(node)

    def _chosen(self, node: Connect) -> Connect:
        choice = self.choices.get(key_of(node))
        if choice is None:
            return node
        names = [name for name, _ in candidates(node)]
        if choice.form not in names:
            found = f"{node.name} has no form {choice.form}"
            raise RelgraphError(Problem("no-form", found, f"one of: {', '.join(names)}"))
        grid = node.input.grid or (1, 1)
        self.used[choice.key] = (choice, f"{node.name} on {grid[0]} x {grid[1]}")
        return replace(node, form=choice.form)

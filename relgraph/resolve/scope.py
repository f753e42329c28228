"""Where a value is written decides what its names mean: files, environments and closures.

A `Closure` is a node with the environment of the place where it is written; it travels as an
argument and is forced where a value is needed. So an argument is resolved where it is written, a
default where it is defined, and only if used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from relgraph.errors import Place, nearest
from relgraph.resolve.findings import Findings
from relgraph.spec.nodes import Node, ScalarNode

Width = int | None  # None: unknown, because something before it was refused


@dataclass(frozen=True)
class Definition:
    """A `define` entry: a body with parameters, and the file that it is written in."""

    name: str
    params: tuple[tuple[str, Node], ...]
    body: Node
    home: Home
    place: Place
    broken: bool = False  # a problem is reported already; its uses say nothing more


@dataclass(frozen=True)
class Home:
    """What the text of one file can see besides local names. `level` counts `extends` from the
    root (0): edits of a level see only what was written below it. Definitions and defaults are
    those of the whole chain; an operator file has none of its own."""

    path: Path
    kind: Literal["backbone", "operator"]
    level: int
    definitions: Mapping[str, Definition]
    defaults: Mapping[str, Mapping[str, tuple[Node, Home]]]


@dataclass(frozen=True)
class Section:
    """The part of the model that is being walked: a stage's variables, or stem and head.

    `stride` is what `$stride` means here; `width` is what enters the block or section.
    """

    name: str
    channels: int | None
    stride: int | None
    variables: Mapping[str, tuple[Node, Home]]
    width: Width = None


@dataclass(frozen=True)
class Env:
    """What names mean at one place. `names` are parameters; `width` is `$in`; `channels` is the
    width that an operator's use asked for (None outside operator files)."""

    home: Home
    section: Section
    width: Width
    names: Mapping[str, Closure]
    channels: Width = None

    def at_level(self, home: Home) -> Env:
        """The environment of something that file `home` puts here: no parameters of ours."""
        return Env(home, self.section, self.width, {})


@dataclass(frozen=True)
class Closure:
    """A node and what its names mean. `default` tells that nobody wrote it at the use."""

    node: Node
    env: Env
    default: bool = False

    @property
    def place(self) -> Place:
        """Where the value is written."""
        return self.node.place


def reference(node: Node) -> str | None:
    """The name that `$name` refers to, or None for any other node."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str) and not node.quoted:
        return node.value[1:] if node.value.startswith("$") else None
    return None


def force(closure: Closure, findings: Findings) -> Closure:
    """Follow `$name`s until something else stands there. Raises RefusedError."""
    seen: list[Place] = []
    while (name := reference(closure.node)) is not None:
        if closure.place in seen:
            raise findings.refuse(
                "reference-cycle",
                closure.place,
                f"${name} leads back to itself",
                related=seen[seen.index(closure.place) :],
            )
        seen.append(closure.place)
        closure = _look_up(name, closure, findings)
    return closure


def _look_up(name: str, at: Closure, findings: Findings) -> Closure:
    env = at.env
    if name == "in":
        return _number(env.width, at, findings)
    if env.home.kind == "operator" and name == "channels":
        return _number(env.channels, at, findings)
    if name in env.names:
        found = env.names[name]
        # `replace` only where it changes something: every use of a parameter comes by.
        return replace(found, default=True) if at.default and not found.default else found
    if env.home.kind == "backbone":
        in_stage = _stage_variable(name, at, findings)
        if in_stage is not None:
            return in_stage
    raise findings.refuse(
        "unknown-variable",
        at.place,
        f"${name} is set nowhere" + _where(env),
        hint=variable_hint(name, visible(env)),
    )


def _stage_variable(name: str, at: Closure, findings: Findings) -> Closure | None:
    section = at.env.section
    findings.read.add(name)
    if name == "channels" and (section.name or section.channels is not None):
        return _number(section.channels, at, findings)
    if name == "stride" and section.stride is not None:
        return _number(section.stride, at, findings)
    if name not in section.variables:
        return None
    node, home = section.variables[name]
    return Closure(node, Env(home, section, section.width, {}))


def _number(value: Width, at: Closure, findings: Findings) -> Closure:
    if value is None:
        # Something before this place was refused, so the width is unknown: already told.
        raise findings.silent()
    return Closure(ScalarNode(value, at.place), at.env, at.default)


def _where(env: Env) -> str:
    if env.home.kind == "operator":
        return " in this operator"
    return f" in {env.section.name}" if env.section.name else ""


def variable_hint(name: str, legal: Iterable[str]) -> str:
    """The nearest variable; for arithmetic, that there is none."""
    if any(sign in name for sign in "*/+-() .["):
        return "there are no expressions: write the number, or a variable that holds it"
    return nearest(name, legal)


def visible(env: Env) -> list[str]:
    """The names that may be written after `$` here."""
    if env.home.kind == "operator":
        return ["in", "channels", *env.names]
    section = env.section
    known = [
        name
        for name, value in (("channels", section.channels), ("stride", section.stride))
        if value is not None
    ]
    return ["in", *known, *env.names, *section.variables]

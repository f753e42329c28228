"""Shared by the resolver's tests: write spec files, resolve them, look at what came out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.resolve import Resolution, resolve_backbone
from relgraph.resolved import (
    Body,
    Branches,
    Element,
    Node,
    OperatorUse,
    Residual,
    Scope,
    Split,
)


def write(folder: Path, **files: str) -> Path:
    """Write NAME=text as NAME.yaml; `sub__name` goes into the folder `sub`. The last one's path."""
    path = folder
    for name, text in files.items():
        *sub, stem = name.split("__")
        path = folder.joinpath(*sub) / f"{stem}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return path


def resolved(folder: Path, **files: str) -> Resolution:
    """Resolve the last of the files."""
    return resolve_backbone(write(folder, **files))


def codes(folder: Path, **files: str) -> list[str]:
    """The codes of the problems that the last file has."""
    with pytest.raises(RelgraphError) as caught:
        resolved(folder, **files)
    assert all(problem.place is not None for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems]


def around(block: str, **keys: str) -> str:
    """A backbone of one stage of width 8 around a block, with further or other top-level keys."""
    wanted = {
        "stem": "[conv: {size: 3, channels: $channels}]",
        "stages": "[{depth: 1, channels: 8}]",
        "block": block,
        "head": "[global_pool, classifier]",
        **keys,
    }
    return "backbone: tested\n" + "".join(f"{key}: {value}\n" for key, value in wanted.items())


def leaves(body: Body) -> Iterator[Node]:
    """The elements and operators of a body in reading order, structure descended into."""
    for node in body:
        if isinstance(node, Scope | Residual):
            yield from leaves(node.body)
            if isinstance(node, Residual) and isinstance(node.shortcut, tuple):
                yield from leaves(node.shortcut)
        elif isinstance(node, Branches | Split):
            for branch in node.branches:
                yield from leaves(branch)
        else:
            yield node


def words(body: Body) -> list[str]:
    """The words of a body's leaves."""
    return [
        node.word if isinstance(node, Element) else getattr(node, "name", "")
        for node in leaves(body)
    ]


def uses(body: Body, name: str) -> list[OperatorUse]:
    """The uses of one operator."""
    return [n for n in leaves(body) if isinstance(n, OperatorUse) and n.name == name]

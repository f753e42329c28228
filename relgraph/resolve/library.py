"""Finds specs by name: in the folder of the file that names them, around it, then among the
shipped. Nothing is registered; folders are listed.

A name that is found twice is an error: a spec must not change its meaning with the folder it is
read from.
"""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from relgraph.errors import Place, Problem, RelgraphError, nearest
from relgraph.shipped import Kind, shipped, specs_folder
from relgraph.spec.document import Document, load
from relgraph.spec.nodes import MapNode

TOP_KEY: dict[Kind, str] = {"operators": "operator", "backbones": "backbone"}


@dataclass
class Library:
    """Looks names up and reads every file once. One for each resolution."""

    documents: dict[Path, Document] = field(default_factory=dict)
    _listed: dict[tuple[Kind, Path], dict[str, list[Path]]] = field(default_factory=dict)
    _found: dict[tuple[Kind, str, Path], tuple[Path, ...]] = field(default_factory=dict)
    _shipped: dict[Kind, dict[str, Path]] = field(default_factory=dict)

    def read(self, path: Path) -> Document:
        """The document at `path`. Raises RelgraphError."""
        known = self.documents.get(path)
        if known is None:
            known = self.documents[path] = _loaded(path)
        return known

    def find(self, kind: Kind, name: str, near: Path) -> tuple[Path, ...]:
        """Where the spec `name` lies, seen from the folder `near`: none, one, or several files."""
        key = (kind, name, near)
        if key not in self._found:
            self._found[key] = self._paths(kind, name, near)
        return self._found[key]

    def _paths(self, kind: Kind, name: str, near: Path) -> tuple[Path, ...]:
        own: dict[Path, Path] = {}  # by where it really lies: as it is told
        for path in self._own(kind, near).get(name, ()):
            if path.parent != near or self._is(kind, path):
                own.setdefault(path.parent.resolve() / path.name, path)
        other = self._among_shipped(kind).get(name)
        return (*own.values(),) if other is None or other in own else (*own.values(), other)

    def names(self, kind: Kind, near: Path) -> list[str]:
        """The names that can be used from the folder `near`."""
        own = (name for name in self._own(kind, near) if self.find(kind, name, near))
        return sorted({*own, *self._among_shipped(kind)})

    def _among_shipped(self, kind: Kind) -> dict[str, Path]:
        if kind not in self._shipped:
            self._shipped[kind] = shipped(kind)
        return self._shipped[kind]

    def _own(self, kind: Kind, near: Path) -> dict[str, list[Path]]:
        """By name: the files that may hold such a spec, seen from the folder `near`."""
        key = (kind, near)
        if key not in self._listed:
            found = self._listed[key] = {}
            beside = near.parent if near.name not in ("", "..") else near / ".."
            for folder in (near, near / kind, beside / kind):
                for name in _yaml_files(folder):
                    found.setdefault(name.removesuffix(".yaml"), []).append(folder / name)
        return self._listed[key]

    def _is(self, kind: Kind, path: Path) -> bool:
        """Whether a file that may hold any kind of spec holds this one, by its first lines."""
        try:
            with path.open("rb") as stream:
                head = stream.read(4096).removeprefix(codecs.BOM_UTF8)
        except OSError:
            return False
        key = f"{TOP_KEY[kind]}:".encode()
        return any(line.startswith(key) for line in head.splitlines())


def _loaded(path: Path) -> Document:
    """The document at `path`. Shipped ones are read by most specs: a process parses each once, for
    as long as its file stays what it was."""
    if path.parent.parent != specs_folder():
        return load(path)
    try:
        about = path.stat()
    except OSError:
        return load(path)  # which tells it
    return _parsed(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=256)
def _parsed(path: Path, changed: int, size: int) -> Document:
    return load(path)


def _yaml_files(folder: Path) -> list[str]:
    """Their names; listed without a path for each, which would take most of a small spec's time."""
    try:
        with os.scandir(folder) as found:
            return sorted(one.name for one in found if one.name.endswith(".yaml") and one.is_file())
    except OSError:
        return []


def is_path(name: str) -> bool:
    """Whether the text means a file rather than a name: it has a slash or ends in .yaml."""
    return "/" in name or "\\" in name or name.endswith((".yaml", ".yml"))


def find_spec(
    kind: Kind, name: str, library: Library, near: Path, place: Place | None = None
) -> Path:
    """The file of the spec `name`, which may also be a path (relative to `near`).

    Raises RelgraphError where there is none, or several.
    """
    if is_path(name):
        return near / name
    paths = library.find(kind, name, near)
    if len(paths) == 1:
        return paths[0]
    what = TOP_KEY[kind]
    if not paths:
        hint = nearest(name, library.names(kind, near))
        raise RelgraphError(Problem(f"unknown-{what}", f"no {what} {name}", "", hint, place))
    listed = " and ".join(str(path) for path in paths)
    raise RelgraphError(
        Problem(
            "shadowing",
            f"{name} names {listed}",
            "expected one spec of that name",
            "rename yours, or give its path",
            place,
        )
    )


def top_map(document: Document) -> MapNode:
    """The file's map. Raises RelgraphError where the file holds something else."""
    if isinstance(document.root, MapNode):
        return document.root
    raise RelgraphError(
        Problem(
            "not-a-map",
            "the file holds no map",
            "expected key: value lines",
            place=document.root.place,
        )
    )

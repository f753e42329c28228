"""A backbone's files from the root of `extends` to the file asked for, merged key by key.

In: a path. Out: one `Merged` value: every key with the file that wrote it. `define`, `defaults`,
`params` and `input` merge by key, `stages` patches or replaces, the rest replaces. No body is
looked into here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from relgraph.errors import Place, Problem, RelgraphError
from relgraph.resolve.definitions import read_definitions
from relgraph.resolve.edits import Edit, edits_of
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.library import Library, find_spec, top_map
from relgraph.resolve.scope import Definition, Home
from relgraph.resolve.stages import Row, merged_rows
from relgraph.resolve.table import check_keys, check_required
from relgraph.spec.document import Document
from relgraph.spec.field import named
from relgraph.spec.keys import BACKBONE, INPUT
from relgraph.spec.nodes import MapNode, Node, ScalarNode

MAX_CHAIN = 16
Written = tuple[Node, Home]
MERGED_BY_KEY = ("define", "defaults", "params", "input")
SECTIONS = ("stem", "block", "cycle", "first", "downsample", "after", "head")


@dataclass
class Merged:
    """All files of a chain as one. `top` is the level of the file that was asked for."""

    paths: list[Path] = field(default_factory=list)
    keys: dict[str, Written] = field(default_factory=dict)
    input: dict[str, Written] = field(default_factory=dict)
    params: dict[str, Written] = field(default_factory=dict)
    own_params: dict[str, ScalarNode] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    defaults: dict[str, dict[str, Written]] = field(default_factory=dict)
    default_words: dict[str, ScalarNode] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    roots: list[MapNode] = field(default_factory=list)

    @property
    def root(self) -> MapNode:
        """The map of the file that was asked for."""
        return self.roots[-1]

    @property
    def top(self) -> int:
        """The level of the file that was asked for."""
        return len(self.paths) - 1


def chain_of(path: Path, library: Library) -> list[tuple[Path, MapNode]]:
    """The files of the chain, root first. Raises RelgraphError on a cycle or a missing parent."""
    files: list[tuple[Path, MapNode]] = []
    seen: dict[Path, Place] = {}
    asked: Place | None = None
    while True:
        root = top_map(_read(path, asked, library))
        files.insert(0, (path, root))
        extends = root.get("extends")
        if extends is None:
            return files
        key = root.key("extends")
        assert key is not None
        asked = seen[path.resolve()] = extends.place
        path = _parent(extends, path, library)
        if path.resolve() in seen or len(files) > MAX_CHAIN:
            raise RelgraphError(
                Problem(
                    "extends-cycle",
                    f"extends leads back to {path.name}",
                    "expected a chain that ends",
                    place=extends.place,
                    related=(seen[path.resolve()],) if path.resolve() in seen else (),
                )
            )


def extends_of(files: list[tuple[Path, MapNode]]) -> tuple[Place, ...]:
    """Where each file of a chain asks for the one before it, the file asked for first."""
    written = (root.get("extends") for _, root in reversed(files))
    return tuple(node.place for node in written if node is not None)


def _read(path: Path, asked: Place | None, library: Library) -> Document:
    """The document at `path`; one that cannot be opened is told where `extends` asks for it."""
    try:
        return library.read(path)
    except RelgraphError as error:
        if asked is None:
            raise
        if error.problems[0].code != "no-file":
            told = (replace(one, uses=(*one.uses, asked)) for one in error.problems)
            raise RelgraphError(told) from None
        (problem,) = error.problems
        found = f"{path}: {problem.found}"
        raise RelgraphError(replace(problem, found=found, place=asked)) from None


def _parent(extends: Node, path: Path, library: Library) -> Path:
    if not isinstance(extends, ScalarNode) or not isinstance(extends.value, str):
        raise RelgraphError(
            Problem(
                "bad-value", "extends is no name", "expected a backbone's name", place=extends.place
            )
        )
    return find_spec("backbones", extends.value, library, path.parent, extends.place)


def merge(files: list[tuple[Path, MapNode]], library: Library, findings: Findings) -> Merged:
    """The chain as one value; mistakes of shape go into the findings."""
    merged = Merged()
    for level, (path, root) in enumerate(files):
        home = Home(path, "backbone", level, merged.definitions, merged.defaults)
        merged.paths.append(path)
        merged.roots.append(root)
        _merge_file(root, home, merged, library, findings)
    _check_own(merged.root, len(files) == 1, findings)
    return merged


def _check_own(root: MapNode, alone: bool, findings: Findings) -> None:
    required = [named(BACKBONE)["backbone"], named(BACKBONE)["stages"]]
    check_required(root, required if alone else required[:1], "a backbone file", findings)


def _merge_file(
    root: MapNode, home: Home, merged: Merged, library: Library, findings: Findings
) -> None:
    check_keys(root, BACKBONE, "a backbone file", findings)
    for key, value in root.entries:
        if isinstance(key.value, str) and key.value not in MERGED_BY_KEY:
            merged.keys[key.value] = (value, home)
    _drop_other_blocks(root, merged, findings)
    merged.input |= _entries(root, "input", home)
    merged.params |= _entries(root, "params", home)
    merged.own_params = _keys(root, "params")
    _merge_defaults(root, home, merged, findings)
    images = root.get("input")
    if isinstance(images, MapNode):
        check_keys(images, INPUT, "input", findings)
    table = root.get("define")
    if isinstance(table, MapNode):
        taken = dict.fromkeys(library.names("operators", home.path.parent))
        merged.definitions.update(read_definitions(table, home, taken, findings))
    stages = root.get("stages")
    if stages is not None:
        _merge_stages(stages, home, merged, findings)
    for kind in ("replace", "set"):
        _merge_edits(kind, root, home, merged)


def _merge_stages(stages: Node, home: Home, merged: Merged, findings: Findings) -> None:
    try:
        merged.rows = merged_rows(merged.rows, stages, home, findings)
    except RefusedError:
        merged.rows = []


def _merge_edits(
    kind: Literal["replace", "set"], root: MapNode, home: Home, merged: Merged
) -> None:
    table = root.get(kind)
    written = table if isinstance(table, MapNode) else None
    merged.edits += edits_of(kind, written, home, len(merged.edits))


def _drop_other_blocks(root: MapNode, merged: Merged, findings: Findings) -> None:
    """`block` and `cycle` exclude each other: the later file's word stands."""
    block, cycle = root.key("block"), root.key("cycle")
    if block is not None and cycle is not None:
        findings.refuse(
            "block-and-cycle",
            cycle.place,
            "cycle beside block",
            "expected one of them: `block` is every block, `cycle` takes bodies in turn",
            related=(block.place,),
        )
    elif block is not None:
        merged.keys.pop("cycle", None)
    elif cycle is not None:
        merged.keys.pop("block", None)


def _entries(root: MapNode, name: str, home: Home) -> dict[str, Written]:
    table = root.get(name)
    if not isinstance(table, MapNode):
        return {}
    return {str(key.value): (value, home) for key, value in table.entries}


def _keys(root: MapNode, name: str) -> dict[str, ScalarNode]:
    table = root.get(name)
    return {str(key.value): key for key, _ in table.entries} if isinstance(table, MapNode) else {}


def _merge_defaults(root: MapNode, home: Home, merged: Merged, findings: Findings) -> None:
    table = root.get("defaults")
    if not isinstance(table, MapNode):
        return
    for key, value in table.entries:
        if not isinstance(value, MapNode):
            findings.refuse(
                "bad-value",
                value.place,
                f"the defaults of {key.value} are no map",
                "expected {field: value}",
            )
            continue
        merged.default_words[str(key.value)] = key
        fields = merged.defaults.setdefault(str(key.value), {})
        fields |= {str(name.value): (written, home) for name, written in value.entries}

"""What a NAME on the command line means: a shipped spec, one in the current folder, or a path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from relgraph.errors import Place, Problem, RelgraphError, nearest
from relgraph.shipped import KINDS, Kind, shipped

if TYPE_CHECKING:
    from relgraph.graph.named import Names

_KEYS: dict[str, Kind] = {"operator": "operators", "backbone": "backbones", "recipe": "recipes"}


@dataclass(frozen=True)
class Named:
    """A spec file that was asked for. `word` is what the resolver is to be asked for: the name of
    a shipped spec, or the path as it was written."""

    kind: Kind
    path: Path
    word: str


def find(name: str, kinds: Iterable[Kind] = KINDS) -> Named:
    """The spec that `name` means: shipped or in the current folder under that name, or a file.

    Raises RelgraphError where there is none, where the file is no spec, where the name is taken
    twice, and where it is a spec of another kind than the `kinds` that are wanted.
    """
    from relgraph.resolve.library import is_path

    wanted = tuple(kinds)
    if is_path(name):
        path = Path(name)
        return _of_kind(Named(kind_of(path), path, name), wanted)
    for kind in wanted:
        path_of_kind = _known(kind, name)
        if path_of_kind is not None:
            return Named(kind, path_of_kind, name)
    raise _unknown(name, wanted)


def _known(kind: Kind, name: str) -> Path | None:
    """Where the resolver would find `name`, seen from the current folder."""
    from relgraph.resolve.library import Library, find_spec

    if kind == "recipes":
        return shipped(kind).get(name)
    library = Library()
    return find_spec(kind, name, library, Path()) if library.find(kind, name, Path()) else None


def kind_of(path: Path) -> Kind:
    """Which kind of spec a file is, by the key that names it. Raises RelgraphError."""
    from relgraph.spec.document import MapNode, load

    root = load(path).root
    keys = [str(key.value) for key, _ in root] if isinstance(root, MapNode) else []
    for key in keys:
        if key in _KEYS:
            return _KEYS[key]
    expected = "expected one of the keys operator, backbone, recipe"
    raise RelgraphError(
        Problem("no-kind", "this file does not say what it is", expected, place=root.place)
    )


def files_in(folder: Path) -> tuple[str, ...]:
    """Every .yaml file below a folder, sorted. Raises RelgraphError where there is none."""
    files = tuple(str(path) for path in sorted(folder.rglob("*.yaml")))
    if not files:
        place = Place(str(folder), 1, 1)
        raise RelgraphError(Problem("no-specs", "no .yaml file in this folder", place=place))
    return files


def _of_kind(named: Named, wanted: tuple[Kind, ...]) -> Named:
    if named.kind in wanted:
        return named
    found = f"{named.path} is one of the {named.kind}"
    raise RelgraphError(Problem("wrong-kind", found, f"expected one of the {_either(wanted)}"))


def _unknown(name: str, wanted: tuple[Kind, ...]) -> RelgraphError:
    known = [known for kind in wanted for known in shipped(kind)]
    found = f"none of the {_either(wanted)} is called {name!r}"
    hint = nearest(name, known)
    return RelgraphError(Problem("no-such-spec", found, "a shipped name or a path", hint))


def _either(kinds: tuple[Kind, ...]) -> str:
    return " or ".join(kinds)


def known_operators() -> Names:
    """Shipped operators and those of the current folder; what is left out of these is told."""
    from relgraph.cli import output
    from relgraph.graph.named import named_operators

    names = named_operators(Path())
    for error in names.refused:
        first = error.problems[0]
        because = "`relgraph check` refuses it"
        if first.code == "no-term":
            because = "it is no term of the algebra"
        output.remark(f"left out, since {because}: {first.place or first.found}")
    return names

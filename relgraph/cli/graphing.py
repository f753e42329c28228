"""`graph`: the relation graph, or the published figure, as words, files and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from relgraph.cli import output
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically

if TYPE_CHECKING:
    from relgraph.graph.model import RelationGraph
    from relgraph.graph.named import Names
    from relgraph.graph.picture.scene import Scene
    from relgraph.relations.node import Node

Format: TypeAlias = Literal["json", "graphml", "dot", "mmd", "svg", "png"]
PICTURES: tuple[Format, ...] = ("svg", "png")
FORMATS: tuple[Format, ...] = ("json", "graphml", "dot", "mmd", *PICTURES)
_ENDINGS: dict[str, Format] = {".gv": "dot", ".mermaid": "mmd"}
ROOT = "mlp"


@click.command
@click.argument("roots", nargs=-1, help="Operators to start from, names or paths; mlp by default.")
@click.option("--published", is_flag=True, help="The paper's figure, with its arrows computed.")
@click.option("--around", metavar="NODE", help="Only what lies near this node.")
@click.option("--steps", type=AT_LEAST_ONE, default=1, help="How near: so many edits.")
@click.option(
    "--named-only", is_flag=True, help="Only what specs name; drawn with what lies between."
)
@click.option(
    "--numbers",
    "words",
    multiple=True,
    metavar="KIND=N,N,…",
    help="Instances instead of families: sizes that edits may write, as in kernel=3,5.",
)
@click.option("--frames", is_flag=True, help="With edits that add and drop projections.")
@click.option("--limit", type=AT_LEAST_ONE, default=200_000, help="The most nodes there may be.")
@click.option("-o", "--out", type=PATH, help="Write the graph: .json .graphml .dot .mmd .svg .png.")
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="By the file's ending if absent."
)
@click.option("--save", type=PATH, help="Write the graph as relgraph loads it again.")
@as_json
def graph(
    roots: tuple[str, ...],
    published: bool,
    around: str | None,
    steps: int,
    named_only: bool,
    words: tuple[str, ...],
    frames: bool,
    limit: int,
    out: Path | None,
    kind: Format | None,
    save: Path | None,
    json: bool,
) -> None:
    """Compute the relation graph, and write or draw it.

    Families of operators and the edits between them, from all that edits make of the ROOTS.
    """
    if published:
        _refuse_for_published(bool(roots or around or named_only or words or frames or save))
        _figure(out, kind, json)
        return
    chosen = None if out is None else _format(out, kind)
    from relgraph.graph.part import part

    names = _names()
    whole = _closure(roots, names, words, limit, frames)
    middle = None if around is None else _place(whole, names, around)
    places = _places(whole, middle, steps, named_only)
    shown = part(whole, places)
    if out is not None and chosen in PICTURES:
        _draw(_scene(whole, places, middle, named_only), out, chosen)
    elif out is not None and chosen is not None:
        from relgraph.graph.formats import FORMATS as TEXTS

        write_atomically(out, TEXTS[chosen](shown))
    if save is not None:
        from relgraph.graph.store import save as store

        store(shown, save)
    _tell(shown, [path for path in (out, save) if path is not None], json)


def _refuse_for_published(other: bool) -> None:
    if other:
        found = "--published with roots or options that choose nodes"
        raise RelgraphError(Problem("two-graphs", found, "one of them"))


def _figure(out: Path | None, kind: Format | None, json: bool) -> None:
    chosen = None if out is None else _format(out, kind)
    if chosen is not None and chosen not in PICTURES:
        raise RelgraphError(
            Problem(
                "no-such-form",
                f"the published figure as {chosen}",
                "a picture (svg, png)",
                "relgraph graph --published --json has everything as data",
            )
        )
    from relgraph.graph.published import published

    figure = published()
    if out is not None and chosen is not None:
        from relgraph.graph.picture import published_scene

        _draw(published_scene(figure), out, chosen)
    if json:
        output.print_json(figure.to_json())
        return
    if out is not None:
        output.say(f"wrote {out}")
        return
    for line in figure.lines():
        output.say(line)
    for table in figure.tables():
        output.say()
        output.print_table(table.headers, table.rows, table.title)


def _format(path: Path, kind: Format | None) -> Format:
    """The format of a file by its ending, if none is asked for. Raises RelgraphError."""
    if kind is not None:
        return kind
    ending = path.suffix.lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    for known in FORMATS:
        if ending == f".{known}":
            return known
    expected = ", ".join(f".{known}" for known in FORMATS)
    hint = "name one with --format"
    raise RelgraphError(Problem("unknown-format", f"{path} ends in {ending!r}", expected, hint))


def _names() -> Names:
    """The shipped operators and those of the current folder; what is wrong with some is told."""
    from relgraph.graph.named import named_operators

    names = named_operators(Path())
    for refused in names.refused:
        output.print_problems(refused.problems)
    return names


def _closure(
    roots: tuple[str, ...], names: Names, words: tuple[str, ...], limit: int, frames: bool
) -> RelationGraph:
    from relgraph.cli.numbers import numbers
    from relgraph.graph.closure import closure

    legal = numbers(words)
    starts = [_root(word) for word in roots or (ROOT,)]
    return closure(starts, legal, limit, frames, names.operators)


def _place(whole: RelationGraph, names: Names, word: str) -> int:
    """Where a name, a path or a key stands in the graph. Raises RelgraphError."""
    from relgraph.graph.questions.asked import asked
    from relgraph.relations.families import family
    from relgraph.relations.words import key

    known = asked(word, names, lambda: whole)
    node = known.node if whole.frames else known.core
    return whole.place(key(family(node) if whole.numbers.families else node))


def _root(word: str) -> Node:
    from relgraph.cli.naming import find
    from relgraph.graph.named import named

    return named(find(word, ["operators"]).word).node


def _places(
    whole: RelationGraph, middle: int | None, steps: int, named_only: bool
) -> tuple[int, ...]:
    """The nodes that were asked for."""
    from relgraph.graph.part import around

    near = range(len(whole)) if middle is None else around(whole, middle, steps)
    return tuple(at for at in near if not named_only or at in whole.titles or at == middle)


def _scene(
    whole: RelationGraph, places: tuple[int, ...], middle: int | None, named_only: bool
) -> Scene:
    """Named operators are drawn with the shortest paths between them, others with their edits."""
    from relgraph.graph.part import part
    from relgraph.graph.picture import named_scene, neighbourhood_scene

    if named_only:
        return named_scene(whole, places, middle)
    shown = part(whole, places)
    return neighbourhood_scene(shown, None if middle is None else shown.place(whole.keys[middle]))


def _draw(scene: Scene, out: Path, kind: Format) -> None:
    from relgraph.graph.picture import png, svg

    text = svg(scene)
    write_atomically(out, text if kind == "svg" else png(text))


def _tell(graph: RelationGraph, written: list[Path], json: bool) -> None:
    if json:
        output.print_json(
            {
                "roots": list(graph.roots),
                "nodes": len(graph),
                "edges": graph.edges,
                "named": {graph.keys[at]: list(graph.names(at)) for at in graph.titles},
                "files": [str(path) for path in written],
            }
        )
        return
    for line in _lines(graph):
        output.say(line)
    rows = [(", ".join(graph.names(at)), graph.keys[at]) for at in sorted(graph.titles)]
    output.say()
    output.print_table(("spec", "node"), rows)
    for path in written:
        output.say(f"wrote {path}")


def _lines(graph: RelationGraph) -> Iterator[str]:
    kind = "families" if graph.numbers.families else "instances"
    named = f"specs name {len(graph.titles):,}"
    yield f"{len(graph):,} {kind}, {graph.edges:,} edits between them; {named}"

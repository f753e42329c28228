"""`graph`: the relation graph, or the published figure, as words, files and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from relgraph.cli import output
from relgraph.cli.naming import known_operators
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically

if TYPE_CHECKING:
    from relgraph.graph.model import RelationGraph
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
@click.option("--around", metavar="NODE", help="Only what lies near: of a name, a path or a key.")
@click.option(
    "--steps", type=AT_LEAST_ONE, help="No more than so many edits from the ROOTS, or from NODE."
)
@click.option("--named-only", is_flag=True, help="Only what specs name, drawn with paths.")
@click.option(
    "--numbers",
    "words",
    multiple=True,
    metavar="KIND=N,N,…",
    help="Instances instead of families: sizes that edits may write, as in kernel=3,5.",
)
@click.option("--frames", is_flag=True, help="With edits that add and drop projections.")
@click.option("--limit", type=AT_LEAST_ONE, default=200_000, help="The most nodes there may be.")
@click.option("-o", "--out", type=PATH, help="Write it: .json .graphml .dot .mmd .svg .png.")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Where the ending says none.")
@click.option("--save", type=PATH, help="Write the graph as relgraph loads it again.")
@as_json
def graph(
    roots: tuple[str, ...],
    published: bool,
    around: str | None,
    steps: int | None,
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

    Families of operators, from all that edits make of the ROOTS, and the edits between them.
    """
    chosen = None if out is None else _format(out, kind)
    if published:
        _refuse_both(
            "--published", bool(roots or around or steps or named_only or words or frames or save)
        )
        _figure(out, chosen, json)
        return
    if around is not None:
        _refuse_both("--around", bool(roots))
        found = _near([_asked(around)], steps or 1, words, limit, frames)
    elif steps is not None:
        found = _near([_root(word) for word in roots or (ROOT,)], steps, words, limit, frames)
    else:
        found = _closure(roots, words, limit, frames)
    _write(found, around is not None, named_only, out, chosen)
    shown = _shown(found, around is not None, named_only)
    if save is not None:
        from relgraph.graph.store import save as store

        store(shown, save)
    _tell(shown, [path for path in (out, save) if path is not None], json)


def _refuse_both(option: str, other: bool) -> None:
    if other:
        found = f"{option} with roots or options that choose other nodes"
        raise RelgraphError(Problem("two-graphs", found, "one of them"))


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


def _figure(out: Path | None, kind: Format | None, json: bool) -> None:
    if kind is not None and kind not in PICTURES:
        raise RelgraphError(
            Problem(
                "no-such-form",
                f"the published figure as {kind}",
                "a picture (svg, png)",
                "relgraph graph --published --json has everything as data",
            )
        )
    from relgraph.graph.published import published

    figure = published()
    if out is not None and kind is not None:
        from relgraph.graph.picture import published_scene

        _draw(published_scene(figure), out, kind)
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


def _closure(
    roots: tuple[str, ...], words: tuple[str, ...], limit: int, frames: bool
) -> RelationGraph:
    from relgraph.cli.numbers import numbers
    from relgraph.graph.closure import closure

    legal, names = numbers(words), known_operators()
    starts = [_root(word) for word in roots or (ROOT,)]
    with output.progress("counting nodes") as tell:
        return closure(
            starts,
            legal,
            limit,
            frames,
            names.operators,
            lambda done, most: tell(f"{done:,} nodes", done, most),
        )


def _root(word: str) -> Node:
    from relgraph.cli.naming import find
    from relgraph.graph.named import named

    return named(find(word, ["operators"]).word).node


def _asked(word: str) -> Node:
    """The node of a name, a path or a key."""
    from relgraph.graph.closure import families
    from relgraph.graph.questions.asked import asked

    return asked(word, known_operators(), families).node


def _near(
    starts: Sequence[Node], steps: int, words: tuple[str, ...], limit: int, frames: bool
) -> RelationGraph:
    """What lies near some nodes, which are the first of the graph."""
    from relgraph.cli.numbers import numbers
    from relgraph.graph.near import near

    return near(starts, steps, numbers(words), limit, frames, known_operators().operators)


def _shown(found: RelationGraph, has_middle: bool, named_only: bool) -> RelationGraph:
    """The nodes that were asked for; the middle is among them, and the first."""
    if not named_only:
        return found
    from relgraph.graph.part import part

    return part(found, {*found.titles, *([0] if has_middle else [])})


def _write(
    found: RelationGraph, has_middle: bool, named_only: bool, out: Path | None, kind: Format | None
) -> None:
    """Pictures join named operators by the shortest paths; everything else has single edits."""
    if out is None or kind is None:
        return
    shown = _shown(found, has_middle, named_only)
    if kind not in PICTURES:
        from relgraph.graph.formats import FORMATS as TEXTS

        write_atomically(out, TEXTS[kind](shown))
        return
    from relgraph.graph.picture import named_scene, neighbourhood_scene

    middle = 0 if has_middle else None
    scene = named_scene(found, middle) if named_only else neighbourhood_scene(shown, middle)
    _draw(scene, out, kind)


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
    kind = "families" if graph.numbers.families else "instances"
    named = f"specs name {len(graph.titles):,}"
    output.say(f"{len(graph):,} {kind}, {graph.edges:,} edits between them; {named}")
    output.say()
    rows = [(", ".join(graph.names(at)), graph.keys[at]) for at in sorted(graph.titles)]
    output.print_table(("spec", "node"), rows)
    for path in written:
        output.say(f"wrote {path}")

"""`path`, `neighbours`, `common`, `holes`, `where`: what the relation graph answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

import click

from relgraph.algebra.operator import (
    ChannelConnect,
    Normalize,
    Source,
    SpaceConnect,
    SpaceShare,
)
from relgraph.cli import output
from relgraph.cli.naming import known_operators
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json
from relgraph.errors import Problem, RelgraphError

if TYPE_CHECKING:
    from relgraph.graph.cost import Setting
    from relgraph.graph.model import RelationGraph
    from relgraph.graph.named import Names
    from relgraph.graph.questions.answer import Answer
    from relgraph.graph.questions.asked import Asked
    from relgraph.graph.questions.backbones import BackbonesAnswer

_Command = TypeVar("_Command", bound=Callable[..., None])

_NAME = "An operator: a shipped one, a path, or a key."
_FAMILIES = click.option("--families", is_flag=True, help="Forget all numbers; no costs then.")
_WHY = click.option("--why", is_flag=True, help="Say the reasons of order and weights too.")
_INSTANCE = click.option("--instance", is_flag=True, help="With its own numbers, and costs.")


def _one_of(values: object) -> click.Choice[str]:
    """One of the values of a property."""
    return click.Choice(get_args(values))


def _at(command: _Command) -> _Command:
    """The options that say where costs are counted."""
    side = click.option("--size", type=AT_LEAST_ONE, help="Side of the map costs are counted on.")
    width = click.option(
        "--channels", type=AT_LEAST_ONE, help="Width costs are counted at: 64 where nobody says it."
    )
    return width(side(command))


@click.command
@click.argument("first", metavar="A", help="An operator or a backbone: its name or path.")
@click.argument("second", metavar="B", help="Another of the same kind.")
@_FAMILIES
@_at
@click.option("--ways", type=AT_LEAST_ONE, help="Show so many different ways: 1 if not said.")
@click.option("--graph", "file", type=PATH, help="Ask a saved graph; A and B may be its keys.")
@_WHY
@as_json
def path(
    first: str,
    second: str,
    families: bool,
    channels: int | None,
    size: int | None,
    ways: int | None,
    file: Path | None,
    why: bool,
    json: bool,
) -> None:
    """Show all shortest ways from A to B, as edits in words.

    Of two backbones one way is shown for each pair of blocks, at their own widths and maps.
    """
    backbones = [_is_backbone(word) for word in (first, second)]
    costs = {"--channels": channels, "--size": size}
    if all(backbones):
        others = {"--families": families, **costs, "--ways": ways, "--graph": file}
        _refuse_silent(others, "two backbones: each pair of blocks has numbers of its own")
        _answer(replace(_backbones(first, second), reasoned=why), json)
        return
    if any(backbones):
        mixed = f"{first} and {second} are a backbone and an operator"
        raise RelgraphError(Problem("two-kinds", mixed, "two operators, or two backbones"))
    if families:
        _refuse_silent({**costs, "--graph": file}, "--families: they have no numbers, and no costs")
    from relgraph.graph.questions import path as question

    names = known_operators()
    graph = _saved_or_families(file, names)
    a, b = (_asked(word, names, graph) for word in (first, second))
    setting = None if families else _setting((a, b), channels, size)
    if file is None:
        answer = question.path(a, b, names, setting, ways or 1)
    else:
        answer = question.path_in(graph(), a, b, names, setting, ways or 1)
    _answer(replace(answer, reasoned=why), json)


@click.command
@click.argument("name", help=_NAME)
@_INSTANCE
@_at
@_WHY
@as_json
def neighbours(
    name: str, instance: bool, channels: int | None, size: int | None, why: bool, json: bool
) -> None:
    """Show everything that one edit makes of an operator."""
    if not instance:
        silent = {"--channels": channels, "--size": size}
        _refuse_silent(silent, "families, which have no costs: add --instance")
    from relgraph.graph.questions import neighbours as question

    names = known_operators()
    asked = _asked(name, names, _saved_or_families(None, names))
    setting = _setting((asked,), channels, size) if instance else None
    found = question.neighbours(asked, names, setting)
    _answer(replace(found, reasoned=why), json)


@click.command
@click.argument("first", metavar="A", help=_NAME)
@click.argument("second", metavar="B", help="Another one.")
@_INSTANCE
@click.option("--limit", type=AT_LEAST_ONE, help="Allow so many nodes of an instance graph.")
@as_json
def common(first: str, second: str, instance: bool, limit: int | None, json: bool) -> None:
    """Show the least that contains both A and B, and the greatest that both contain."""
    if not instance:
        _refuse_silent({"--limit": limit}, "families, of which all are looked at: add --instance")
    from relgraph.graph.closure import LIMIT, closure, widened
    from relgraph.graph.numbering import only_numbers
    from relgraph.graph.questions import common as question
    from relgraph.graph.questions.asked import one_operator

    names = known_operators()
    families = _saved_or_families(None, names)
    a, b = (_asked(word, names, families) for word in (first, second))
    roots = (one_operator(a), one_operator(b))
    if instance:
        graph = closure(roots, only_numbers(roots), limit or LIMIT, names=names.operators)
    else:
        graph = widened(families(), roots, names.operators)
    _answer(question.common(a, b, graph), json)


@click.command
@click.option("--source", type=_one_of(Source), help="Where weights come from.")
@click.option("--connect", type=_one_of(SpaceConnect), help="Which positions are read.")
@click.option("--share", type=_one_of(SpaceShare), help="Which positions share a weight.")
@click.option("--channel", type=_one_of(ChannelConnect), help="Which channels are read.")
@click.option("--normalize", type=_one_of(Normalize), help="What normalises the weights.")
@click.option("--near", metavar="NAME", help="Only those few edits from this operator.")
@click.option("--within", type=AT_LEAST_ONE, help="How many edits are near: 2 if not said.")
@click.option("--limit", type=AT_LEAST_ONE, default=20, help="Show so many.")
@_at
@as_json
def holes(
    near: str | None,
    within: int | None,
    limit: int,
    channels: int | None,
    size: int | None,
    json: bool,
    **wanted: str | None,
) -> None:
    """List families that no spec names, nearest to named ones and cheapest first."""
    if near is None:
        _refuse_silent({"--within": within}, "all holes: add --near NAME")
    from relgraph.graph.closure import families
    from relgraph.graph.cost import Setting
    from relgraph.graph.questions import holes as question
    from relgraph.graph.uses import named_uses

    names = known_operators()
    known = (*names.operators, *named_uses(names.operators))
    graph, place = families(known), None
    if near is not None:
        asked = _asked(near, names, lambda: graph)
        graph, place = question.with_middle(graph, asked, known)
    side = size or Setting().grid[0]
    filters = question.Filters(**wanted, near=place, within=within or 2)
    graph = graph if near else question.with_asked(graph, filters, known)
    setting = Setting(channels or Setting().channels, (side, side))
    _answer(question.holes(graph, filters, limit, setting), json)


@click.command
@click.argument("name", metavar="PATH", help="Your spec: an operator or a backbone.")
@as_json
def where(name: str, json: bool) -> None:
    """Put your own spec into the graph: its node, equals, and nearest named relatives."""
    from relgraph.graph.closure import families
    from relgraph.graph.questions import where as question
    from relgraph.graph.uses import named_uses

    names = known_operators()
    known = type(names)((*names.operators, *named_uses(names.operators)))
    graph = families(known.operators)
    if _is_backbone(name):
        from relgraph.resolve import resolve_backbone

        backbone = resolve_backbone(name).backbone
        _answer(question.where_backbone(backbone, known, graph), json)
        return
    asked = _asked(name, names, lambda: graph)
    _answer(question.where_operator(asked, known, graph), json)


def _answer(found: Answer, json: bool) -> None:
    """Print an answer."""
    if json:
        output.print_json(found.to_json())
        return
    for line in found.lines():
        output.say(line)
    for table in found.tables():
        output.say()
        if table.title:
            output.say(table.title)
        output.print_table(table.headers, table.rows)


def _is_backbone(word: str) -> bool:
    """Whether the word names a backbone: shipped, in the current folder, or a file."""
    from relgraph.cli.naming import find
    from relgraph.resolve.library import is_path

    if is_path(word):
        return find(word, ("operators", "backbones")).kind == "backbones"
    try:
        return find(word, ("operators", "backbones")).kind == "backbones"
    except RelgraphError:
        return False  # it may be a key


def _refuse_silent(options: Mapping[str, object], asked: str) -> None:
    """Options that were given and would say nothing here. Raises RelgraphError."""
    given = [name for name, value in options.items() if value]
    if given:
        found = f"{' and '.join(given)} with {asked}"
        raise RelgraphError(Problem("option-says-nothing", found, f"without {', '.join(given)}"))


def _backbones(first: str, second: str) -> BackbonesAnswer:
    from relgraph.graph.questions.backbones import backbone_path
    from relgraph.understanding import understand

    return backbone_path(understand(first), understand(second))


def _asked(word: str, names: Names, graph: Callable[[], RelationGraph]) -> Asked:
    from relgraph.graph.questions.asked import asked

    return asked(word, names, graph)


def _saved_or_families(file: Path | None, names: Names) -> Callable[[], RelationGraph]:
    """The graph that keys are looked up in, made or loaded when it is first needed."""
    from relgraph.graph.closure import families
    from relgraph.graph.store import load

    return cache(lambda: families(names.operators) if file is None else load(file))


def _setting(asked: tuple[Asked, ...], channels: int | None, size: int | None) -> Setting:
    """Where costs are counted: on the side that was asked for, or the first that suits all, also
    where edits are made in the usual style; with the predictor of the last operator that has one.
    """
    from relgraph.graph.cost import Setting, suiting
    from relgraph.graph.style import alike

    channels = channels or Setting().channels
    if size is not None:
        chosen = Setting(channels, (size, size))
    else:
        cores = tuple(one.core for one in asked)
        edited = alike(cores[0], cores[-1])[:2]
        chosen = suiting((*cores, *edited), channels)
    predictors = [one.predictor for one in asked if one.predictor is not None]
    return replace(chosen, predictor=predictors[-1] if predictors else None)

"""`graph --published`: the whole figure, told.

In: nodes and arrows as computed. Out: lines, tables and plain data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from relgraph.graph.published.computed import (
    SETTING,
    PublishedArrow,
    PublishedNode,
    arrow,
    node,
)
from relgraph.graph.published.drawn import ARROWS, CITE, NODES
from relgraph.graph.published.unsaid import unsaid
from relgraph.graph.questions.answer import Table, short
from relgraph.graph.sizes import WORDS

WAYS = {"down": "▼ down", "up": "▲ up", "sideways": "◇ sideways", "mixed": "◆ mixed", "equal": "="}


@dataclass(frozen=True)
class Published:
    """The twelve operators and thirteen arrows."""

    nodes: tuple[PublishedNode, ...]
    arrows: tuple[PublishedArrow, ...]

    def lines(self) -> Iterable[str]:
        """Each arrow with its edits, its order, its cost, its weights and what it does not say."""
        yield f"The published figure: {CITE}"
        yield f"costs of cores at {SETTING.words}, with {WORDS}"
        for arrow_ in self.arrows:
            yield ""
            yield from _arrow_lines(arrow_)
        yield ""
        for one in self.nodes:
            models = ", ".join(model.words for model in one.call_outs)
            yield f"{one.name}: {one.words}" + (f"; models: {models}" if models else "")

    def tables(self) -> Iterable[Table]:
        """The operators."""
        rows = tuple(
            (
                one.name,
                one.drawn.spec,
                one.key,
                short(one.cost.parameters),
                short(one.cost.macs),
            )
            for one in self.nodes
        )
        yield Table(("operator", "spec", "node", "parameters", "macs"), rows)

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {
            "question": "published",
            "cite": CITE,
            "setting": {"channels": SETTING.channels, "map": list(SETTING.grid), "sizes": WORDS},
            "nodes": [_node_json(one) for one in self.nodes],
            "arrows": [_arrow_json(one) for one in self.arrows],
        }


@cache
def published() -> Published:
    """The figure, computed from the shipped specs once in a process."""
    nodes = {drawn.name: node(drawn) for drawn in NODES}
    return Published(tuple(nodes.values()), tuple(arrow(drawn, nodes) for drawn in ARROWS))


def _arrow_lines(one: PublishedArrow) -> Iterator[str]:
    drawn = one.drawn
    where = "" if drawn.version != "repository" else ", only in the repository's version"
    yield f"{drawn.source} → {drawn.target}: {drawn.label} ({drawn.colour}{where})"
    yield f"  {WAYS[one.way]}: {one.why}"
    for step in one.edits:
        yield f"    {WAYS[step.way]}  {step.edit.words}"
    yield f"  cost: {_change(one.parameters)} parameters, {_change(one.macs)} multiply-adds"
    yield f"  weights: {one.functions.weights}: {one.functions.carried}"
    yield from (f"  not said: {sentence}" for sentence in unsaid(one))


def _change(number: int) -> str:
    return "±0" if number == 0 else f"{'+' if number > 0 else '−'}{short(abs(number))}"


def _node_json(one: PublishedNode) -> dict[str, object]:
    return {
        "name": one.name,
        "spec": one.drawn.spec,
        "cite": one.cite,
        "key": one.key,
        "words": one.words,
        "parameters": one.cost.parameters,
        "macs": one.cost.macs,
        "models": [model.to_json() for model in one.call_outs],
    }


def _arrow_json(one: PublishedArrow) -> dict[str, object]:
    drawn = one.drawn
    return {
        "from": drawn.source,
        "to": drawn.target,
        "label": drawn.label,
        "colour": drawn.colour,
        "dotted": drawn.dotted,
        "version": drawn.version,
        "edits": [
            {"words": step.edit.words, "order": step.way, "said": step.said} for step in one.edits
        ],
        "order": one.way,
        "why": one.why,
        "functions": one.functions.direction,
        "frozen": one.frozen.direction,
        "parameters": one.parameters,
        "macs": one.macs,
        "weights": {"kind": one.functions.weights, "reason": one.functions.carried},
        "unsaid": list(unsaid(one)),
    }

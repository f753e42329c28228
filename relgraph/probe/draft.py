"""A measured operator as a spec that `relgraph check` takes.

In: a part. Out: the texts of its operator files, read back before they are handed on: what they
mean is the node that was measured. What the properties do not say stands in comments. A term of
several operators has a body, and a file beside it for each of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from relgraph.algebra.operator import Operator
from relgraph.derive.flow import Value, flow
from relgraph.derive.spelling import spell, with_predictor
from relgraph.derive.text import comment
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically
from relgraph.graph.bodies import node_of
from relgraph.probe.terms import Branching, Part
from relgraph.relations.node import core
from relgraph.resolve import resolve_operator

# Elements as the language calls them; others are told in comments.
_WORDS: Mapping[str, str] = {
    **{name: name for name in ("relu", "gelu", "silu", "sigmoid", "tanh", "global_pool")},
    "layer norm": "layer_norm",
    "batch norm": "batch_norm",
    "x · sigmoid(x)": "silu",
}


def draft(part: Part, name: str, module: str) -> dict[str, str]:
    """The texts of the operator's files by their names, its own first. Raises RelgraphError for a
    term that no body says."""
    files = _term(part, name, module) if part.body is not None else _single(part, name, module)
    _check(files, name, part)
    return files


def _single(part: Part, name: str, module: str) -> dict[str, str]:
    lines = [f"{module}, as `relgraph probe` measured it. A draft: name it, cite it.", *_said(part)]
    return {f"{name}.yaml": _text(part.measured.operator, name, module, lines)}


def _said(part: Part) -> Iterator[str]:
    yield from (f"Differs: {text}." for text in part.measured.differs)
    yield from (f"Beside the properties: {text}." for text in part.measured.remarks)


def _text(operator: Operator, name: str, module: str, lines: list[str]) -> str:
    about = "\n".join(comment(tuple(lines)))
    return f"{about}\n{spell(with_predictor(operator), name, f'Measured from {module}')}"


@dataclass(frozen=True)
class _Bodies:
    """The body of a term, and the operators that it names, in order."""

    name: str
    named: list[Part] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    def branching(self, made: Branching) -> Value:
        """One item: a product of branches, or a split."""
        branches = tuple(tuple(self._items(branch)) for branch in made.branches)
        self.beside.extend(made.loose)
        if made.kind == "product":
            return {"product": branches}
        split: dict[str, Value] = {"sizes": made.sizes, "bodies": branches}
        return {"split": {**split, "combine": "product"} if made.kind == "splitproduct" else split}

    def _items(self, branch: tuple[Part | str, ...]) -> Iterator[Value]:
        for item in branch:
            if isinstance(item, str):
                if item in _WORDS:
                    yield _WORDS[item]
                else:
                    self.beside.append(item)
            elif item.body is not None:
                yield self.branching(item.body)
            else:
                yield self._use(item)

    def _use(self, part: Part) -> Value:
        self.named.append(part)
        name = f"{self.name}_{len(self.named)}"
        into, out = part.widths
        return name if into == out else {name: {"channels": out}}


def _term(part: Part, name: str, module: str) -> dict[str, str]:
    assert part.body is not None, "a term is made of branches"
    bodies = _Bodies(name)
    item = bodies.branching(part.body)
    lines = [f"{module}, as `relgraph probe` measured it. A draft: name it, cite it.", *_said(part)]
    lines += [f"Left out, where it stands between: {one}." for one in bodies.beside]
    about = "\n".join(comment(tuple(lines)))
    own = f"{about}\noperator: {name}\ncite: {flow(f'Measured from {module}')}\n"
    files = {f"{name}.yaml": f"{own}body:\n  - {flow(item)}\n"}
    for number, one in enumerate(bodies.named, 1):
        called = f"{name}_{number}"
        about_it = [f"A part of {name}.", *_said(one)]
        files[f"{called}.yaml"] = _text(one.measured.operator, called, module, about_it)
    return files


def _check(files: Mapping[str, str], name: str, part: Part) -> None:
    """The draft read back means the measured node."""
    with tempfile.TemporaryDirectory() as folder:
        for file, text in files.items():
            write_atomically(Path(folder) / file, text)
        made = node_of(resolve_operator(Path(folder) / f"{name}.yaml", part.widths[0]))
    if part.body is None:
        assert made == core(part.measured.operator), "a draft means what was measured"
    elif made != part.node:
        raise RelgraphError(
            Problem(
                "no-draft",
                "a term of several operators that no body says",
                "one operator, or a product or split of some",
                "probe its branches, each as a module of its own",
            )
        )

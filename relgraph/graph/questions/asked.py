"""What a word of a question means: a shipped operator, one of the user's, or a derived key.

In: a word, the operators that have names, and the graph for near ones. Out: a node with what is
known of it, or an error that names the nearest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from relgraph.algebra.operator import Operator, Predictor
from relgraph.errors import Problem, RelgraphError, nearest
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Named, Names, named, without_frame
from relgraph.graph.questions.parts import parts
from relgraph.relations.keys import node_of_key
from relgraph.relations.node import Composite, Node
from relgraph.relations.words import describe_node, key
from relgraph.resolve.library import Library, is_path
from relgraph.shipped import shipped


@dataclass(frozen=True)
class Asked:
    """An operator that was asked about, by `word`. `node` has its frame; questions are about
    `core`. `name` is the spec's; a node asked for by its key has none. `between` are the elements
    between its factors."""

    word: str
    node: Node
    cite: str = ""
    predictor: Predictor | None = None
    name: str = ""
    between: tuple[str, ...] = ()

    @property
    def core(self) -> Node:
        """The node without its frame."""
        return without_frame(self.node)

    @property
    def key(self) -> str:
        """The derived name of the core."""
        return key(self.core)

    @property
    def sized(self) -> bool:
        """Whether its numbers are meant: those of a family's key stand for any."""
        return self.word != key(self.node)

    @property
    def words(self) -> str:
        """The operator as a person would describe it, with its frame."""
        return describe_node(self.node, self.sized)

    def to_json(self) -> dict[str, object]:
        """What it is, as plain data."""
        return {"name": self.word, "key": self.key, "words": self.words, "cite": self.cite}


def asked(word: str, names: Names, graph: Callable[[], RelationGraph]) -> Asked:
    """The operator that `word` means; `graph` is only made where nothing is called so.

    Raises RelgraphError for a spec's problems, and where nothing is called so.
    """
    if is_path(word):
        return of(named(word), word)
    known = names.find(word)
    if known is not None:
        return of(known)
    meant = node_of_key(word)
    if meant is not None:
        return Asked(word, meant)
    if Library().find("operators", word, Path()):
        return of(named(word))  # which says what is wrong with it
    raise _unknown(word, names, graph())


def of(known: Named, word: str | None = None) -> Asked:
    """A named operator as one that was asked about."""
    links = () if known.use is None else parts((known.use,))
    between = links[0].between if len(links) == 1 else ()
    return Asked(word or known.name, known.node, known.cite, known.predictor, known.name, between)


def one_operator(asked: Asked) -> Operator:
    """Its core. Raises RelgraphError where it is made of several operators."""
    if isinstance(asked.core, Composite):
        found = f"{asked.word} is made of several operators"
        raise RelgraphError(Problem("no-operator", found, "one operator", "ask about one of them"))
    return asked.core


def _unknown(word: str, names: Names, graph: RelationGraph) -> RelgraphError:
    if word in shipped("backbones"):
        found = f"{word} is a backbone"
        return RelgraphError(Problem("wrong-kind", found, "an operator, or a key"))
    called = [*(one.name for one in names.operators), *shipped("backbones")]
    hints = [nearest(word, own) for own in (called, graph.keys)]
    hint = next((hint for hint in hints if hint.startswith("did")), hints[0])
    expected = "the name or path of an operator, or a key"
    return RelgraphError(Problem("unknown-node", f"nothing is called {word}", expected, hint))

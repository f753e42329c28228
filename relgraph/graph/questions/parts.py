"""The operators of a body one by one, with what a node forgets: names, and elements inside.

In: a resolved body. Out: its chain of nodes as `bodies.term` makes it, each with the name that its
spec gives it and the elements between its factors (the activation inside a feed-forward). With an
element between, factors are no longer one matrix: `through` says what that does to weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from relgraph import resolved
from relgraph.assemble.elements import ACTIVATIONS
from relgraph.graph.bodies import core_of, merged, term
from relgraph.graph.edges import EdgeFacts
from relgraph.graph.uses import uses_in
from relgraph.relations.node import IDENTITY, Node
from relgraph.relations.relation import Edit
from relgraph.resolved import Body, Element, OperatorUse, Scope

Between: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""Elements between the factors of the first operator of a path, and of the last."""
NOTHING: Between = ((), ())
_ALONE = ACTIVATIONS | {"batch_norm", "affine"}


@dataclass(frozen=True)
class Part:
    """A link of a chain. `between` are the words of the elements that stand between its factors;
    `factors` are the operators that make an inner width, where the spec has several."""

    node: Node
    name: str
    between: tuple[str, ...] = ()
    factors: tuple[Part, ...] = ()


def parts(body: Body, inside: str = "") -> tuple[Part, ...]:
    """The links of a body; `inside` names the operator whose body it is. Raises RelgraphError where
    it is no term of the algebra."""
    whole = merged(body)
    if whole is not None:
        name = inside or _telling(body)
        factors = _factors(body, name) if whole.channel.rank else ()
        return (Part(whole, name, _between(body), factors),)
    found = [part for item in body for part in _item(item)]
    if len(found) == 1:
        return (replace(found[0], name=inside or found[0].name),)
    return tuple(replace(p, name=f"{p.name} in {inside}") for p in found) if inside else (*found,)


def factored(links: tuple[Part, ...]) -> tuple[Part, ...]:
    """The links, with an inner width as the operators that it is made of."""
    return tuple(own for link in links for own in link.factors or (link,))


def _factors(body: Body, inside: str) -> tuple[Part, ...]:
    uses = [item for item in _flat(body) if isinstance(item, OperatorUse)]
    return tuple(
        Part(core_of(u), u.name if u.name == inside else f"{u.name} in {inside}") for u in uses
    )


def _item(item: resolved.Node) -> Iterator[Part]:
    if isinstance(item, OperatorUse):
        node = term((item,))
        assert node is not None, "an operator is a node"
        yield Part(node, item.name, _words(item.between))
    elif isinstance(item, Scope):
        yield from parts(item.body, item.name if item.kind == "operator" else "")
    elif not isinstance(item, Element):
        yield Part(term((item,)) or IDENTITY, _telling((item,)))


def _telling(body: Body) -> str:
    """The names in a body, without those of projections where there are others."""
    names = list(dict.fromkeys(used.use.name for used in uses_in(body)))
    return ", ".join([name for name in names if name != "pointwise"] or names)


def _between(body: Body) -> tuple[str, ...]:
    """The elements between the first and the last operator of a body that is one connection."""
    flat = list(_flat(body))
    places = [at for at, item in enumerate(flat) if isinstance(item, OperatorUse)]
    return _words(tuple(flat[places[0] : places[-1]]))


def _flat(body: Body) -> Iterator[resolved.Node]:
    for item in body:
        if isinstance(item, Scope):
            yield from _flat(item.body)
        else:
            yield item


def _words(body: Body) -> tuple[str, ...]:
    return tuple(item.word for item in body if isinstance(item, Element))


def through(known: EdgeFacts, edit: Edit, between: Between) -> EdgeFacts:
    """The facts of an edit of rank where elements stand between the factors: a product with an
    element inside is no matrix, so it neither gives one nor is fitted to one. A wider place keeps
    what it computes where the element sees each number by itself."""
    first, second = between
    inside = {"raise rank": first, "lower rank": second, "resize rank": first or second}
    words = inside.get(edit.relation, ())
    if not words or known.weights == "none" or edit.axis == "weight":
        return known
    alone = first == second and all(word in _ALONE for word in words)
    if edit.relation == "resize rank" and known.weights == "embedding" and alone:
        return known
    told = tuple(dict.fromkeys(words))
    verb = "stands" if len(told) == 1 else "stand"
    return replace(known, weights="none", carried=f"{', '.join(told)} {verb} between the factors")


def shown(known: EdgeFacts, plain: EdgeFacts) -> str:
    """What a table says of weights: the kind, with the reason where an element makes it another."""
    return known.weights if known.weights == plain.weights else f"{known.weights}: {known.carried}"

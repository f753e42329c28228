"""Which operators of a backbone are edited: addresses as `replace` takes them, and what they find.

In: a resolved backbone and addresses. Out: sites, each an address that a spec can write with the
uses that it hits, by stage and by block; and backbones with other operators at those places.
Only blocks are looked at: stem, downsampling and head stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from relgraph.errors import Problem, RelgraphError, nearest
from relgraph.resolved import (
    Backbone,
    Body,
    Branches,
    Node,
    OperatorUse,
    Residual,
    Scope,
    Split,
    Stage,
)

Trail = tuple[frozenset[str], ...]
USUAL = ("token_mixer", "spatial")
"""What shipped backbones call the part that mixes positions, the first that a backbone has."""


@dataclass(frozen=True)
class Found:
    """A use at a place: its stage (from 0), which of the stage's different blocks it stands in, how
    manieth use of that block it is, and the places around it."""

    use: OperatorUse
    stage: int
    turn: int
    number: int
    trail: Trail


@dataclass(frozen=True)
class Site:
    """An address that can be written, and all uses in blocks that it hits."""

    address: str
    found: tuple[Found, ...]

    @property
    def word(self) -> str:
        """The operator that stands there."""
        return self.found[0].use.name


def names(item: Node) -> frozenset[str]:
    """What an address may call an item: its word and its label."""
    words = [item.label] if item.label else []
    if isinstance(item, OperatorUse | Scope):
        words.append(item.name)
    elif isinstance(item, Residual):
        words.append("residual")
    elif isinstance(item, Branches):
        words.append(item.combine)
    elif isinstance(item, Split):
        words.append("split")
    return frozenset(words)


def turns(stage: Stage) -> list[Body]:
    """The different blocks of a stage, in order."""
    return list(dict.fromkeys(stage.blocks))


def items(backbone: Backbone) -> Iterator[tuple[Node, int, int, Trail]]:
    """Every item of every block: with its stage, its block, and the places around it."""
    for at, stage in enumerate(backbone.stages):
        for turn, body in enumerate(turns(stage)):
            for item, trail in _walk(body, (frozenset((f"stage{at + 1}",)),)):
                yield item, at, turn, trail


def _walk(body: Body, trail: Trail) -> Iterator[tuple[Node, Trail]]:
    for item in body:
        yield item, trail
        inner = _around(item, trail)
        for part in parts(item):
            yield from _walk(part, inner)


def _around(item: Node, trail: Trail) -> Trail:
    words = [item.label] if item.label else []
    if isinstance(item, Scope):
        words.append(item.name)
    return (*trail, frozenset(words)) if words else trail


def parts(item: Node) -> tuple[Body, ...]:
    """The bodies in an item, those of a rank word aside."""
    if isinstance(item, Scope):
        return (item.body,)
    if isinstance(item, Residual):
        return (item.body, *((item.shortcut,) if isinstance(item.shortcut, tuple) else ()))
    return item.branches if isinstance(item, Branches | Split) else ()


def uses(backbone: Backbone) -> list[Found]:
    """Every operator written as properties, in blocks."""
    found: list[Found] = []
    counts: dict[tuple[int, int], int] = {}
    for item, stage, turn, trail in items(backbone):
        if isinstance(item, OperatorUse):
            number = counts.get((stage, turn), 0)
            counts[stage, turn] = number + 1
            found.append(Found(item, stage, turn, number, trail))
    return found


def matches(address: str, own: frozenset[str], trail: Trail) -> bool:
    """Whether an item of these names is addressed: its own name last, places before it in order."""
    *places, name = address.split(".")
    around = iter(trail)
    return name in own and all(any(place in here for here in around) for place in places)


def sites(
    backbone: Backbone, addresses: Iterable[str] = (), stages: Iterable[int] = ()
) -> tuple[Site, ...]:
    """What the addresses hit (by default the operators that mix positions) in the given stages
    (from 0; by default in all).

    An address of something that holds operators means those of them that mix positions. Raises
    RelgraphError, naming near addresses, where one hits nothing.
    """
    wanted = frozenset(stages) or frozenset(range(len(backbone.stages)))
    known = uses(backbone)
    chosen: dict[str, list[Found]] = {}
    for address in tuple(addresses) or _usual(backbone):
        hit = _hit(backbone, address, known)
        inside = [one for one in hit if one.stage in wanted]
        if not inside:
            raise _misses(backbone, address, bool(hit))
        for one in inside:
            chosen.setdefault(_written(address, one, hit, known), []).append(one)
    return tuple(Site(address, tuple(found)) for address, found in chosen.items())


def _usual(backbone: Backbone) -> tuple[str, ...]:
    known = {name for item, *_ in items(backbone) for name in names(item)}
    label = next((label for label in USUAL if label in known), None)
    if label is not None:
        return (label,)
    return tuple(dict.fromkeys(_own(one.use) for one in uses(backbone) if mixes(one.use)))


def mixes(use: OperatorUse) -> bool:
    """Whether the operator reads other positions than its own."""
    return use.operator.space.connect != "point"


def _own(use: OperatorUse) -> str:
    return use.label or use.name


def _hit(backbone: Backbone, address: str, known: list[Found]) -> list[Found]:
    """The uses that an address hits, or those that mix positions inside what it hits."""
    direct = [one for one in known if matches(address, names(one.use), one.trail)]
    return direct or [one for one in known if _inside(address, one.trail) and mixes(one.use)]


def _inside(address: str, trail: Trail) -> bool:
    """Whether one of the places around is addressed."""
    return any(matches(address, trail[at], trail[:at]) for at in range(len(trail)))


def _written(address: str, one: Found, hit: list[Found], known: list[Found]) -> str:
    """The address of the use itself: the shortest that hits nothing else in blocks."""
    if matches(address, names(one.use), one.trail):
        return address
    own = _own(one.use)
    others = [other for other in known if own in names(other.use) and other not in hit]
    return f"{address}.{own}" if others else own


def _misses(backbone: Backbone, address: str, elsewhere: bool) -> RelgraphError:
    if elsewhere:
        found = f"{address} is in none of the stages that were asked for"
        return RelgraphError(Problem("no-such-address", found, "one of its stages", ""))
    legal = {name for item, *_ in items(backbone) for name in names(item)}
    legal |= {place for *_, trail in items(backbone) for here in trail for place in here}
    hint = nearest(address, legal)
    expected = "an operator, a label or a definition in a block"
    return RelgraphError(
        Problem(
            "no-such-address", f"nothing in {backbone.name} is called {address}", expected, hint
        )
    )


Exchange = Callable[[Found], OperatorUse]


def exchanged(backbone: Backbone, exchange: Exchange) -> Backbone:
    """The backbone with `exchange` of every use in blocks."""
    stages = tuple(_stage(stage, at, exchange) for at, stage in enumerate(backbone.stages))
    return replace(backbone, stages=stages)


def _stage(stage: Stage, at: int, exchange: Exchange) -> Stage:
    made: dict[Body, Body] = {}
    for turn, body in enumerate(turns(stage)):
        walk = _Exchanging(at, turn, exchange)
        made[body] = walk.body(body, (frozenset((f"stage{at + 1}",)),))
    return replace(stage, blocks=tuple(made[body] for body in stage.blocks))


@dataclass
class _Exchanging:
    """The walk through one block, in the order of `uses`."""

    stage: int
    turn: int
    exchange: Exchange
    number: int = 0

    def body(self, body: Body, trail: Trail) -> Body:
        """The body with other operators."""
        return tuple(self._item(item, trail) for item in body)

    def _item(self, item: Node, trail: Trail) -> Node:
        if isinstance(item, OperatorUse):
            found = Found(item, self.stage, self.turn, self.number, trail)
            self.number += 1
            return self.exchange(found)
        inner = _around(item, trail)
        if isinstance(item, Scope):
            return replace(item, body=self.body(item.body, inner))
        if isinstance(item, Residual):
            body = self.body(item.body, inner)
            shortcut = item.shortcut
            if isinstance(shortcut, tuple):
                shortcut = self.body(shortcut, inner)
            return replace(item, body=body, shortcut=shortcut)
        if isinstance(item, Branches | Split):
            return replace(item, branches=tuple(self.body(b, inner) for b in item.branches))
        return item

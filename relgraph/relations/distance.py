"""How many edits two nodes are apart at least, read off their properties.

In: two nodes. Out: a lower bound that needs no search. Each property below is one that no edit
changes together with another that is counted: what an edit of another property may rewrite (windows
that are the whole map share nothing, given weights have no sharing, a squashed number is a number)
is not counted where that could happen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from relgraph.algebra.operator import BLOCKS, Channel, Operator, Space
from relgraph.relations.node import SPLITS, Composite, Node
from relgraph.relations.weight import sharing_of

_SORTABLE = 4  # parts of a sum or product that are tried in every order


def apart(node: Node, goal: Node, frames: bool = False) -> float:
    """Edits that any path from the node to the goal has, or fewer; infinite where none is looked
    for: parts of a term do not come, but with a gate or a branch, nor go, but one by one."""
    if node == goal:
        return 0
    if isinstance(node, Operator) and isinstance(goal, Operator):
        return at_least(node, goal)
    mine, theirs = _parts(node), _parts(goal)
    if isinstance(node, Composite) and isinstance(goal, Composite) and node.kind != goal.kind:
        return math.inf
    if len(theirs) > len(mine):
        wrapped = frames and isinstance(node, Operator) and len(theirs) == 2
        return 1 + min(apart(node, part) for part in theirs) if wrapped else math.inf
    if len(theirs) < len(mine):
        return 1 + min((_each(left, theirs) for left in _one_less(mine)), default=math.inf)
    ordered = not isinstance(node, Composite) or node.kind in ("chain", *SPLITS)
    orders = [theirs] if ordered or len(theirs) > _SORTABLE else itertools.permutations(theirs)
    return max(1, min(_each(mine, order) for order in orders))


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Composite) else (node,)


def _one_less(parts: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    return ((*parts[:at], *parts[at + 1 :]) for at in range(len(parts)))


def _each(mine: tuple[Node, ...], theirs: tuple[Node, ...]) -> float:
    if len(mine) != len(theirs):
        return math.inf
    return sum(apart(one, other) for one, other in zip(mine, theirs, strict=True))


def at_least(operator: Operator, goal: Operator) -> int:
    """Edits that any path from the operator to the goal has, or fewer."""
    differing = (
        _support(operator.space) != _support(goal.space),
        _mixing(operator.channel) != _mixing(goal.channel),
        operator.channel.rank != goal.channel.rank,
        operator.frame.value != goal.frame.value,
        operator.frame.output != goal.frame.output,
        _space_rank(operator, goal),
    )
    return sum(differing) + _forgotten(operator, goal) or int(operator != goal)


def _support(space: Space) -> object:
    moved = space.shift, space.halo, space.step
    return space.connect, space.size, space.dilation, moved, space.along


def _mixing(channel: Channel) -> object:
    return channel.connect, channel.groups, channel.size


def _ties(channel: Channel) -> object:
    return channel.share, channel.heads


def _space_rank(operator: Operator, goal: Operator) -> bool:
    """A block holds its coarse scales, so that becoming one drops them; the average of a map is
    the average of its averaged cells."""
    here, there = operator.space.rank, goal.space.rank
    if here == there:
        return False
    if here is None or there is not None:
        return True
    scales = here.word == "scales" and goal.space.connect in BLOCKS
    given = here.word == "reduce" and operator.weight.normalize == "softmax"
    return not (scales or given)


def _forgotten(operator: Operator, goal: Operator) -> int:
    """Source, sharing and normalisation. Through given weights two edits settle them all: what is
    learned there is static, with one number for all channels."""
    weight, wanted = operator.weight, goal.weight
    source = (weight.source, weight.extent) != (wanted.source, wanted.extent)
    if "fixed" in (weight.source, wanted.source):
        return int(source)
    shared = _ties(operator.channel) != _ties(goal.channel)
    count = source + shared + _space_share(operator, goal) + _normalize(operator, goal)
    given = 2 + (goal.channel.share != "all") + (wanted.source != "static")
    return min(count, given)


def _normalize(operator: Operator, goal: Operator) -> bool:
    """A frozen number through a sigmoid is a number."""
    here, there = operator.weight, goal.weight
    squashed = here.normalize == "sigmoid" and there.source == "static"
    return here.normalize != there.normalize and not squashed


def _space_share(operator: Operator, goal: Operator) -> bool:
    """The sharing of functions, by positions for pairs; a map is one window, a point one place."""
    here, there = operator.space, goal.space
    if operator.weight.source == goal.weight.source == "pair":
        return operator.weight.position != goal.weight.position
    if here.share in ("windows", "all") and here.connect != there.connect:
        return False
    if "outlook" in (here.connect, there.connect):  # its word for what is shared is its own
        return False
    mine, wanted = sharing_of(operator), sharing_of(goal)
    return mine is not None and wanted is not None and mine != wanted

"""How many edits two operators are apart at least, read off their properties.

In: two operators. Out: a lower bound that needs no search. Each property below is one that no edit
changes together with another that is counted: what an edit of another property may rewrite (windows
that are the whole map share nothing, given weights have no sharing, a squashed number is a number)
is not counted where that could happen.
"""

from __future__ import annotations

from relgraph.algebra.operator import BLOCKS, Channel, Operator, Space
from relgraph.relations.weight import sharing_of


def at_least(operator: Operator, goal: Operator) -> int:
    """Edits that any path from the operator to the goal has, or fewer."""
    weight, wanted = operator.weight, goal.weight
    differing = (
        _support(operator.space) != _support(goal.space),
        _mixing(operator.channel) != _mixing(goal.channel),
        operator.channel.rank != goal.channel.rank,
        (weight.source, weight.extent) != (wanted.source, wanted.extent),
        operator.frame.value != goal.frame.value,
        operator.frame.output != goal.frame.output,
        _space_rank(operator, goal),
    )
    return sum(differing) + _forgotten(operator, goal) or int(operator != goal)


def _support(space: Space) -> object:
    return space.connect, space.size, space.dilation, space.shift, space.along


def _mixing(channel: Channel) -> object:
    return channel.connect, channel.groups


def _ties(channel: Channel) -> object:
    return channel.share, channel.heads


def _space_rank(operator: Operator, goal: Operator) -> bool:
    """A block holds its coarse scales, so that becoming one drops them."""
    here, there = operator.space.rank, goal.space.rank
    if here == there:
        return False
    swallowed = here is not None and here.word == "scales" and there is None
    return not (swallowed and goal.space.connect in BLOCKS)


def _forgotten(operator: Operator, goal: Operator) -> int:
    """Sharing and normalisation, which going through given weights settles in two edits."""
    if "fixed" in (operator.weight.source, goal.weight.source):
        return 0
    shared = _ties(operator.channel) != _ties(goal.channel)
    count = shared + _space_share(operator, goal) + _normalize(operator, goal)
    return min(count, 2) if goal.channel.share == "all" else count


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
    mine, wanted = sharing_of(operator), sharing_of(goal)
    return mine is not None and wanted is not None and mine != wanted

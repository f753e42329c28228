"""Whether weights of one operator can be produced by another: sources and normalisations.

In: two operators, the inner one perhaps a special case of the outer. Out: what stands against it,
in words; and the spaces and channels whose partitions decide the rest. It must not know sizes:
supports and sharings are `within`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import (
    BLOCKS,
    FEATURES,
    TOGETHER,
    Channel,
    Operator,
    Space,
    SpaceShare,
    Weight,
)
from relgraph.relations.weight import sharing_of
from relgraph.relations.within import space_within

_POOLED = "the mean over the map is no function of one place, nor a place one of the mean"
_PAIRS = "a position bias does not depend on the query, and a place does not know the others"
_CHANNELS = "one compares channels over the map, the other does not"
_SOURCES: Mapping[frozenset[str], str] = {
    **{frozenset(("channels", other)): _CHANNELS for other in ("pooled", "center", "pair")},
    frozenset(("pooled", "center")): _POOLED,
    frozenset(("pooled", "pair")): "a pair's weights differ from place to place, the mean's do not",
    frozenset(("center", "pair")): _PAIRS,
}


def multiplied_out(inner: Operator, outer: Operator) -> Operator:
    """Where the outer operator lacks a projection of static weights, they are taken as weights that
    mix all channels."""
    mine, theirs = inner.frame, outer.frame
    lost = mine.value > theirs.value or mine.output > theirs.output
    if not lost or inner.weight != Weight() or inner.channel.rank is not None:
        return inner
    return replace(inner, channel=Channel(), frame=theirs)


def obstacle(inner: Operator, outer: Operator) -> str | None:
    """Why the outer operator's source and normalisation cannot produce what the inner's do."""
    mine, theirs = inner.weight, outer.weight
    if theirs.source == "fixed":
        return "given weights are one operator"
    if mine.source not in ("static", "fixed") and theirs.source == "static":
        return "learned numbers do not depend on the input"
    return (
        _normalisation(inner, outer)
        or _counted(inner, outer)
        or _overlapping(inner, outer)
        or _source(inner, outer)
    )


def _normalisation(inner: Operator, outer: Operator) -> str | None:
    mine, theirs = inner.weight, outer.weight
    if mine.normalize == theirs.normalize:
        return None
    if theirs.normalize == "l1":
        if (mine.source, mine.normalize) == ("static", "softmax"):
            return _without_logarithm(inner.space)
        return "the magnitudes of its weights sum to 1, and no table says when the other's do"
    if mine.source == "fixed":
        return None
    if mine.source != "static":
        return "no predictor gives what the other's normalisation makes of it"
    if mine.normalize == "softmax" or theirs.normalize == "none":
        return None  # numbers between 0 and 1, or −1 and 1, like any other
    if theirs.normalize == "softmax":
        return "a softmax gives positive weights with sum 1 only"
    return "a sigmoid gives weights between 0 and 1 only"


def _without_logarithm(space: Space) -> str | None:
    """What a softmax gives is the exponentials over their sum, and these are magnitudes; but where
    nothing is learned it counts e⁰, and a sum of magnitudes nothing."""
    if space.border == "zero" and crosses(space):
        return "a softmax counts places outside the map as e⁰, a sum of magnitudes as nothing"
    return None


def _counted(inner: Operator, outer: Operator) -> str | None:
    """Normalised together, places outside the map that are counted change every weight."""
    if outer.weight.normalize not in TOGETHER or inner.weight.fixed == "identity":
        return None
    mine, theirs = inner.space, outer.space
    counts = (mine.border == "zero" and crosses(mine)) or theirs.border == "zero"
    if counts and replace(mine, share="none") != replace(theirs, share="none"):
        return "the normalisations count other places outside the map"
    return None


def _overlapping(inner: Operator, outer: Operator) -> str | None:
    """Windows that overlap are summed after they were normalised, each by itself; weights read at
    a centre are read at the windows', so that only those of an output's own window can be what
    another connectivity reads at it."""
    mine, theirs = inner.space, outer.space
    if "outlook" not in (mine.connect, theirs.connect) or _windows(mine) == _windows(theirs):
        return None
    if outer.weight.normalize != "none":
        return "a sum over windows, each normalised by itself, is not normalised as the other is"
    if inner.weight.source != "center" or outer.weight.source != "center":
        return None
    if mine.connect == "outlook" and theirs.connect != "outlook":
        return "the windows that an output lies in have other centres than it"
    return "the windows stand elsewhere" if mine.step != theirs.step else None


def _windows(space: Space) -> object:
    return space.connect, space.size, space.step


def _source(inner: Operator, outer: Operator) -> str | None:
    mine, theirs = inner.weight, outer.weight
    if mine.source in ("static", "fixed"):
        return _constant(inner, outer)
    if mine.source != theirs.source:
        return _SOURCES[frozenset((mine.source, theirs.source))]
    if mine.source == "center" and mine.extent > theirs.extent:
        return "a smaller region does not know the larger"
    if mine.source == "channels" and inner.channel != outer.channel:
        return "other heads compare a channel with other ones"
    return _pair(inner, outer) if mine.source == "pair" else None


def _constant(inner: Operator, outer: Operator) -> str | None:
    """Without a position bias numbers are queries and keys that do not depend on the input; a
    softmax needs none. A network's bias is between 0 and 16, and turned queries and keys give no
    number: under a softmax either gives the average."""
    theirs = outer.weight
    if theirs.source == "channels":
        return "cosines between channels are no given numbers, and nothing stands beside them"
    if theirs.normalize == "softmax":
        return _averaged(inner, outer) if theirs.position == "continuous" else None
    if theirs.score in FEATURES:
        return "a product of features is not negative"
    if theirs.position in _WITHOUT_NUMBERS:
        return _WITHOUT_NUMBERS[theirs.position]
    bounded = theirs.score == "cosine" and theirs.position == "none"
    return "a scaled cosine is bounded" if bounded else None


_WITHOUT_NUMBERS = {
    "continuous": "a continuous bias lies between 0 and 16, and what it is a network says",
    "rotary": "turned queries and keys give no number that is the same for two offsets",
}


def _averaged(inner: Operator, outer: Operator) -> str | None:
    """A network that is one number is divided out; another number for each offset it may not be."""
    alike = inner.weight.source == "fixed" or inner.space.share == "all"
    if alike and _same_support(inner.space, outer.space):
        return None
    return _WITHOUT_NUMBERS["continuous"]


def _pair(inner: Operator, outer: Operator) -> str | None:
    """One function on all pairs: its heads, its keys and its support are what they are."""
    if inner.weight.score != outer.weight.score:
        return "queries and keys that are compared in another way"
    if not has_keys(inner.weight, outer.weight):
        return "heads that share keys do not compare with keys of their own"
    heard = _heard(inner, outer)
    if heard is not None:
        return heard
    known = _known_places(inner, outer)
    if known is not None:
        return known
    if inner.channel != outer.channel:
        return "at the same total width other heads compare queries and keys of another width"
    if inner.space.rank != outer.space.rank:
        return "a softmax over a reduced map is no reduced softmax"
    if outer.weight.normalize in ("none", "l1") and not _same_support(inner.space, outer.space):
        return "query · key is not zero outside the smaller support"
    return None


def has_values(inner: Operator, outer: Operator) -> bool:
    """Whether the outer operator's value projection can be the inner one's, or the identity: one
    that heads share only where the inner one's is shared by as many."""
    if not outer.frame.value or outer.weight.kv_heads is None:
        return True
    return inner.frame.value and has_keys(inner.weight, outer.weight)


def has_keys(inner: Weight, outer: Weight) -> bool:
    """Whether no two heads share keys that the inner operator has apart."""
    mine, theirs = inner.kv_heads, outer.kv_heads
    return theirs is None or (mine is not None and theirs % mine == 0)


def _heard(inner: Operator, outer: Operator) -> str | None:
    """What heads hear of each other: by the identity no more than themselves."""
    mine, theirs = inner.weight, outer.weight
    if mine.mixes_logits > theirs.mixes_logits or mine.mixes_weights > theirs.mixes_weights:
        return "no head by itself says what several mixed do"
    if mine.talking_heads != "none" and not _same_support(inner.space, outer.space):
        return "what mixed heads say is not silent outside the smaller support"
    return None


def _known_places(inner: Operator, outer: Operator) -> str | None:
    """What pairs know of places, where it is no table of numbers."""
    mine, theirs = inner.weight.position, outer.weight.position
    alike = replace(inner.space, border="zero") == replace(outer.space, border="zero")
    if mine == theirs == "rotary" or mine == theirs == "continuous":
        return None if alike else "their places are counted otherwise"
    if "rotary" in (mine, theirs):
        return "turned queries and keys are other functions of the two"
    if theirs != "continuous":
        return None
    if mine == "none" and outer.weight.normalize == "softmax":
        return None if _same_support(inner.space, outer.space) else _WITHOUT_NUMBERS[theirs]
    return _WITHOUT_NUMBERS[theirs]


def _same_support(one: Space, other: Space) -> bool:
    one, other = (replace(space, share="all", rank=None) for space in (one, other))
    return space_within(one, other) and space_within(other, one)


def partitions(inner: Operator, outer: Operator) -> tuple[Space, Space]:
    """The spaces whose sharings are compared: of functions; of values, where what the inner
    one normalises is taken for numbers."""
    mine, theirs = _functions(inner), _functions(outer)
    if inner.weight.source == outer.weight.source == "pair":
        return replace(mine, rank=None), replace(theirs, rank=None)
    if inner.weight.source == outer.weight.source == "center" and mine.connect != "outlook":
        theirs = _own_window(theirs)
    plain = outer.weight.normalize not in TOGETHER
    if plain and inner.weight.normalize in TOGETHER and inner.weight.source == "static":
        mine = replace(mine, share=_value_share(mine))
    if plain and inner.weight.fixed == "average" and inner.space.border == "mask":
        mine = replace(mine, share="none")
    return mine, theirs


def _own_window(space: Space) -> Space:
    """Of windows that overlap the one around each output."""
    if space.connect != "outlook":
        return space
    return replace(space, connect="local", share="positions")


def _functions(operator: Operator) -> Space:
    if operator.weight.source == "fixed":
        return replace(operator.space, share="all")
    return replace(operator.space, share=sharing_of(operator) or "all")


def channels(inner: Operator, outer: Operator) -> tuple[Channel, Channel]:
    """The channels whose sharings are compared. Of a product over space the first factor has
    numbers of its own for every channel, so that outside it nothing is tied; where there is one
    number for all of space, the points around it are all that an inner width says."""
    mine, theirs = _channels(inner), _channels(outer)
    if mine.rank is not None and theirs.rank is not None and inner.space.share == "all":
        return Channel(rank=mine.rank), Channel(rank=theirs.rank)
    words = [operator.space.rank and operator.space.rank.word for operator in (inner, outer)]
    if mine.connect == "groups" and words[0] in ("tokens", "separable") and words[0] != words[1]:
        mine = replace(mine, share="none")
    return mine, theirs


def _channels(operator: Operator) -> Channel:
    given = operator.weight.source == "fixed"
    return Channel("separate", share="all") if given else operator.channel


def ends(inner: Operator, outer: Operator) -> str | None:
    """Two points through an inner width may be other ones at every place; around a kernel the last
    one is the same for all."""
    widths = inner.channel.rank is not None and outer.channel.rank is not None
    point = inner.space.connect == "point" != outer.space.connect
    if widths and point and inner.space.share == "none":
        return "around a kernel the points of an inner width are the same at all places"
    return None


def _value_share(space: Space) -> SpaceShare:
    """How values normalised together are shared where logits are: rows that see other offsets are
    normalised by other sums."""
    cut = space.border == "mask" and crosses(space)  # else all slots count, each with its logit
    if space.share == "none" or cut:
        return "none"
    if space.share == "positions" and space.connect in BLOCKS[1:-1]:
        return "windows"
    if space.share == "positions" and space.border != "wrap" and space.connect != "local":
        return "none"
    return space.share


def leaves(space: Space) -> bool:
    """Whether a slot may stand outside the map, and no border puts it elsewhere."""
    return space.border in ("zero", "mask") and crosses(space)


def crosses(space: Space) -> bool:
    """Whether a slot may stand outside the map: then, and only then, a softmax tells a border that
    is cut from one of zeros."""
    plain = replace(space, border="zero", share="none", rank=None)
    counted = Operator(plain, Channel("separate"), Weight(normalize="softmax"), "none")
    return canonical(counted).operator.space.border == "zero"

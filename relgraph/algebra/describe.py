"""An operator in words: its four properties on both axes, as a person would say them.

In: an `Operator`. Out: one line for docstrings, `show` and reports. It must not know sizes of maps
or where the line will stand.
"""

from __future__ import annotations

from relgraph.algebra.operator import TOGETHER, Operator, Rank, Score, Size, Weight

SOURCES = {
    "static": "static",
    "pooled": "dynamic, predicted from the mean over all positions",
    "pair": "dynamic, from pairs (query · key)",
}
CHANNELS = (
    "dynamic, from pairs of channels (cosine of query and key over all positions, times a learned "
    "temperature)"
)
SCORES: dict[Score, str] = {
    "dot": SOURCES["pair"],
    "cosine": "dynamic, from pairs (cosine of query and key, times a learned scale)",
    "relu": "dynamic, from pairs (relu of query · relu of key)",
    "elu": "dynamic, from pairs (elu of query + 1 · elu of key + 1)",
}
NORMALIZED = {
    "softmax": "softmax",
    "sigmoid": "sigmoid",
    "l1": "divided by the sum of their magnitudes",
}
POSITIONS = {
    "relative": "relative position bias",
    "absolute": "absolute position bias",
    "continuous": "continuous position bias",
    "rotary": "rotary positions",
}
TALKING = {
    "logits": "logits mixed over the heads",
    "weights": "weights mixed over the heads",
    "both": "logits and weights mixed over the heads",
}
BORDERS = {
    "zero": "zeros outside",
    "mask": "cut at the border",
    "wrap": "wrapped round the border",
    "reflect": "reflected at the border",
    "clamp": "the border repeated outside",
}


def describe(operator: Operator) -> str:
    """Connectivity and sharing over space and channels, rank, dynamism, and the frame.

    >>> from relgraph.algebra.operator import Channel, Space
    >>> space = Space("local", size=(7, 7), share="positions")
    >>> describe(Operator(space, Channel("separate")))
    'local 7×7 over space, shared over positions; own channel only; static'
    """
    parts = (_space(operator), _channels(operator), _weights(operator), _frame(operator))
    return "; ".join(part for part in parts if part)


def sides(size: Size) -> str:
    """7×7, the way sizes are written."""
    return f"{size[0]}×{size[1]}"


def _space(operator: Operator) -> str:
    space = operator.space
    words = [_connectivity(operator)]
    if space.connect != "point":
        words = [f"{words[0]} over space"]
    if space.shift != (0, 0):
        words.append(f"shifted by {sides(space.shift)}")
    if space.stride != (1, 1):
        words.append(f"stride {sides(space.stride)}")
    if space.dilation != (1, 1):
        words.append(f"dilation {sides(space.dilation)}")
    if space.border != _expected_border(operator):
        words.append(BORDERS[space.border])
    if space.pad:
        words.append("on a map completed by zeros")
    words += [_space_sharing(operator), _rank(space.rank)]
    return ", ".join(word for word in words if word)


def _connectivity(operator: Operator) -> str:
    space = operator.space
    if space.connect == "local":
        return f"local {sides(space.size)}"
    if space.connect == "window":
        around = f" with a halo of {sides(space.halo)}" if space.halo != (0, 0) else ""
        return f"windows {sides(space.size)}{around}"
    if space.connect == "outlook":
        apart = "" if space.step == (1, 1) else f", one every {sides(space.step)}"
        return f"overlapping windows {sides(space.size)}{apart}"
    if space.connect == "grid":
        return f"grids of {sides(space.size)} spread places"
    if space.connect == "stripe":
        count = space.size[0 if space.along == "rows" else 1]
        return f"stripes of {count} {space.along}"
    return {"point": "own position only", "full": "all positions", "axial": "own row and column"}[
        space.connect
    ]


def _expected_border(operator: Operator) -> str:
    return "mask" if operator.weight.normalize in TOGETHER else "zero"


def _space_sharing(operator: Operator) -> str:
    if operator.weight.source in ("pair", "fixed", "channels"):
        return ""
    if operator.space.connect == "point" and operator.space.share != "none":
        return "shared over positions"
    return {
        "none": "a weight for every entry",
        "windows": "shared by all blocks",
        "positions": "shared over positions",
        "all": "one weight for all entries",
    }[operator.space.share]


def _rank(rank: Rank | None) -> str:
    if rank is None:
        return ""
    numbers = ", ".join(str(number) for number in rank.numbers)
    return {
        "reduce": f"from a map reduced {numbers} times" if numbers else "from a reduced map",
        "tokens": f"through {numbers} tokens",
        "separable": "rows times columns",
        "scales": f"also at scales 1/{', 1/'.join(str(number) for number in rank.numbers)}",
        "inner": f"through {numbers} inner channels",
    }[rank.word]


def _channels(operator: Operator) -> str:
    channel = operator.channel
    if channel.connect == "groups":
        shared = ", one matrix for all groups" if channel.share == "all" else ""
        words = f"channels in {channel.groups} groups{shared}"
    elif channel.connect == "local":
        shared = ", shared by all channels" if channel.share == "all" else ""
        words = f"bands of {channel.size} channels{shared}"
    elif channel.connect == "full":
        words = "all channels"
    else:
        words = (
            "own channel only"
            + {
                "none": "",
                "heads": f", shared inside {channel.heads} heads",
                "all": ", shared by all channels",
            }[channel.share]
        )
    return ", ".join(part for part in (words, _rank(channel.rank)) if part)


def _weights(operator: Operator) -> str:
    weight = operator.weight
    words = [SOURCES.get(weight.source, "")]
    if weight.source == "pair":
        words = [SCORES[weight.score]]
    if weight.source == "channels":
        words = [CHANNELS]
    if weight.source == "fixed":
        words = [given(weight)]
    if weight.source == "center" and operator.space.connect == "outlook":
        words = [f"dynamic, predicted from {_cells(operator)} at each window's centre"]
    elif weight.source == "center":
        region = (
            f"the {weight.extent}×{weight.extent} region" if weight.extent > 1 else "the feature"
        )
        words = [f"dynamic, predicted from {region} at the centre"]
    if weight.predictor is not None and weight.predictor.reduction is not None:
        words.append(f"hidden width 1/{weight.predictor.reduction}")
    if weight.predictor is not None and weight.predictor.experts is not None:
        words.append(f"a mixture of {weight.predictor.experts} static kernels")
    if weight.kv_heads is not None:
        words.append(shared_keys(operator))
    if weight.normalize != "none":
        over = " over the channels of a head" if weight.source == "channels" else ""
        words.append(NORMALIZED[weight.normalize] + over)
    if weight.position != "none":
        words.append(POSITIONS[weight.position])
    if weight.talking_heads != "none":
        words.append(TALKING[weight.talking_heads])
    return ", ".join(words)


def shared_keys(operator: Operator) -> str:
    """How many keys, and projected values, there are for all heads, where heads share them."""
    count, both = operator.weight.kv_heads, operator.frame.value
    what = "key and value" if both else "key"
    plural = "keys and values" if both else "keys"
    return f"one {what} for all heads" if count == 1 else f"{count} {plural} for all heads"


def given(weight: Weight) -> str:
    """What stands for learned weights, in words."""
    if weight.fixed == "shift":
        return f"given weights: shift, reads {_way(weight.offset)}"
    return f"given weights: {weight.fixed}"


def _way(offset: Size) -> str:
    """1 row above and 2 columns to the right."""
    rows, columns = offset
    ways = (
        (rows, "row", "above" if rows < 0 else "below"),
        (columns, "column", "to the left" if columns < 0 else "to the right"),
    )
    said = [
        f"{abs(step)} {noun}{'s' if abs(step) > 1 else ''} {side}"
        for step, noun, side in ways
        if step
    ]
    return " and ".join(said) or "in place"


def _cells(operator: Operator) -> str:
    extent, step = operator.weight.extent, operator.space.step
    region = f"the {extent}×{extent} region" if extent > 1 else "the feature"
    return region if step == (1, 1) else f"{region} (of means over {sides(step)})"


def _frame(operator: Operator) -> str:
    frame = operator.frame
    if frame.value and frame.output:
        return "value and output projections"
    if frame.value or frame.output:
        return "value projection" if frame.value else "output projection"
    return ""

"""An operator's sum as one line of text, and its four properties on both axes as a table.

The notation is the algebra's: o and d are the output's position and channel, j and c the input's.
"""

from __future__ import annotations

from relgraph.algebra.describe import POSITIONS, TALKING, shared_keys
from relgraph.algebra.equation import PHI, talked
from relgraph.algebra.operator import FEATURES, Channel, Operator, Space, Weight

PropertyRow = tuple[str, str, str]


def equation(operator: Operator) -> str:
    """`y[o, d] = b[d] + Σ_{j ∈ 7×7 around o} W[j − o, d] · x[j, d]` and its relatives."""
    value = "v" if operator.frame.value else "x"
    place = "o" if operator.space.connect == "point" else "j"
    channel = "d" if operator.channel.connect == "separate" else "c"
    shared = operator.frame.value and operator.weight.kv_heads is not None
    channel = f"{channel}′" if shared else channel
    summed = f"{_sum(operator)} {_weight(operator)} · {value}[{place}, {channel}]".strip()
    bias = {"channels": "b[d] + ", "positions": "b[o] + ", "both": "b[o, d] + ", "none": ""}
    line = f"y[o, d] = {bias[operator.bias]}{summed}"
    projections = []
    if operator.frame.value:
        projections.append("v = V x" + (", d′ = d in the head that its run shares" * shared))
    if operator.frame.output:
        projections.append("then y ← P y")
    return ", ".join([line, *projections])


def property_rows(operator: Operator) -> tuple[PropertyRow, ...]:
    """Connectivity, sharing, rank and dynamism: (property, over space, over channels)."""
    space, channel = operator.space, operator.channel
    return (
        ("connectivity", _region(space), _channels(channel)),
        ("sharing", space.share, _shared_channels(channel)),
        ("rank", _rank(space), _rank(channel)),
        ("dynamism", _dynamism(operator), "the same function for what is shared"),
    )


def _sum(operator: Operator) -> str:
    channels = {
        "full": "Σ_c ",
        "groups": "Σ_{c ∈ group(d)} ",
        "separate": "",
        "local": f"Σ_{{c ∈ {operator.channel.size} around d}} ",
    }
    inputs = channels[operator.channel.connect]
    if operator.space.connect == "point":
        return inputs.strip()
    if operator.space.connect == "outlook":
        return f"Σ_{{p: o ∈ N(p)}} Σ_{{j ∈ N(p)}} {inputs}".strip()
    return f"Σ_{{j ∈ {_region(operator.space)}}} {inputs}".strip()


def _region(space: Space) -> str:
    rows, columns = space.size
    regions = {
        "point": "own position",
        "full": "all positions",
        "local": f"{rows}×{columns} {'around' if space.padding == 'half' else 'at'} o",
        "window": f"{rows}×{columns} window of o",
        "grid": f"{rows}×{columns} grid of o",
        "stripe": f"band of {rows if space.along == 'rows' else columns} {space.along}",
        "axial": "row and column of o",
        "outlook": f"{rows}×{columns} windows N(p) that o is in",
    }
    parts = [regions[space.connect]]
    if space.step != (1, 1):
        parts.append(f"one every {space.step[0]}×{space.step[1]}")
    if space.dilation != (1, 1):
        parts.append(f"dilated {space.dilation[0]}×{space.dilation[1]}")
    if space.stride != (1, 1):
        parts.append(f"stride {space.stride[0]}×{space.stride[1]}")
    if space.halo != (0, 0):
        parts.append(f"halo {space.halo[0]}×{space.halo[1]}")
    if space.shift != (0, 0):
        parts.append(f"shifted {space.shift[0]}×{space.shift[1]}")
    if space.connect not in ("point", "full"):
        parts.append(f"border {space.border}")
    return ", ".join(parts)


def _channels(channel: Channel) -> str:
    names = {"full": "all channels", "separate": "own channel"}
    names["local"] = f"{channel.size} around the own channel"
    return names.get(channel.connect, f"{channel.groups} groups")


def _shared_channels(channel: Channel) -> str:
    return f"{channel.heads} heads" if channel.share == "heads" else channel.share


def _rank(axis: Space | Channel) -> str:
    if axis.rank is None:
        return "full"
    numbers = ", ".join(map(str, axis.rank.numbers))
    return f"{axis.rank.word} {numbers}".strip()


def _center(space: Space) -> str:
    """What a weight's context stands around."""
    if space.connect != "outlook":
        return "o"
    cells = "" if space.step == (1, 1) else f", of means over {space.step[0]}×{space.step[1]}"
    return f"p{cells}"


def _dynamism(operator: Operator) -> str:
    weight, center = operator.weight, _center(operator.space)
    region = f"{weight.extent}×{weight.extent}"
    offset = weight.offset
    names = {
        "static": "static: a number each",
        "fixed": f"fixed: {weight.fixed}" + (f" by {offset}" if any(offset) else ""),
        "pooled": "dynamic: a function of the mean over all positions",
        "center": f"dynamic: a function of the {region} region around {center}",
        "pair": "dynamic: query · key",
        "channels": "dynamic: cosine of the query and key of two channels over all positions",
    }
    scores = {
        "cosine": "dynamic: cosine of query and key",
        "relu": "dynamic: relu of query · relu of key",
        "elu": "dynamic: (elu of query + 1) · (elu of key + 1)",
    }
    by_score = scores.get(weight.score) if weight.source == "pair" else None
    parts = [by_score or names[weight.source]]
    if weight.predictor is not None and weight.predictor.experts is not None:
        parts.append(f"a mixture of {weight.predictor.experts} static kernels")
    if weight.kv_heads is not None:
        parts.append(shared_keys(operator))
    if weight.position != "none":
        parts.append(POSITIONS[weight.position])
    if weight.normalize != "none":
        over = " over the channels of a head" if weight.source == "channels" else ""
        parts.append(weight.normalize + over)
    if weight.talking_heads != "none":
        parts.append(TALKING[weight.talking_heads])
    return ", ".join(parts)


def _weight(operator: Operator) -> str:
    """The factor in the sum, indexed by what it depends on."""
    orbit = _orbit(operator)
    weight = operator.weight
    if weight.source == "fixed":
        if weight.fixed == "shift":
            return f"1{{j = o + {weight.offset}}}"
        return "1/n" if weight.fixed == "average" else "1"
    if weight.source == "pair":
        head = {"heads": "head(d)", "all": "", "none": "d"}[operator.channel.share]
        made = "{}" if weight.normalize == "none" else f"{weight.normalize}_j({{}})"
        if weight.talking_heads == "none":
            return made.format(_pair(weight, head))
        made = "({})" if weight.normalize == "none" else made
        return talked(weight, head, lambda one: _pair(weight, one), made)
    if weight.source == "channels":
        head = "[group(d)]" if operator.channel.connect == "groups" else ""
        inside = f"τ{head} cos(q[·, d], k[·, c])"
        return inside if weight.normalize == "none" else f"softmax_c({inside})"
    name, context = {
        "static": ("W", ""),
        "pooled": ("f", "(mean x)"),
        "center": ("f", "(x[o])" if weight.extent == 1 else "(x around o)"),
    }[weight.source]
    if operator.space.connect == "outlook":
        context = context.replace("[o]", "[p]").replace("around o", "around p")
    factor = f"{name}[{orbit}]{context}" if orbit else f"{name}{context}"
    return factor if weight.normalize == "none" else f"{weight.normalize}_j({factor})"


def _pair(weight: Weight, head: str) -> str:
    query, key = (f"q[o, {head}]" if head else "q[o]"), _key(weight, head)
    key = f"R[j − o] {key}" if weight.position == "rotary" else key
    inside = f"{query} · {key}"
    if weight.score == "cosine":
        inside = f"τ[{head}] cos({query}, {key})" if head else f"τ cos({query}, {key})"
    if weight.score in FEATURES:
        phi = PHI[weight.score]
        inside = phi.format(query) + " · " + phi.format(key)
    extra = f", {head}" if head else ""
    if weight.position == "relative":
        inside += f" + B[j − o{extra}]"
    elif weight.position == "continuous":
        inside += f" + 16 σ(N[{head}](j − o))" if head else " + 16 σ(N(j − o))"
    elif weight.position == "absolute":
        inside += f" + B[o, j{extra}]"
    return inside


def _key(weight: Weight, head: str) -> str:
    if weight.kv_heads is not None:
        head = "" if weight.kv_heads == 1 else "run(d)"
    return f"k[j, {head}]" if head else "k[j]"


def _orbit(operator: Operator) -> str:
    """What a weight is indexed by: one term for each axis on which it is not shared."""
    space, channel = operator.space, operator.channel
    between = "o − p, j − p" if space.connect == "outlook" else "place(o), place(j)"
    places = {
        "none": "o" if space.connect == "point" else "o, j",
        "windows": between,
        "positions": "" if space.connect == "point" else "j − o",
        "all": "",
    }[space.share]
    if channel.connect == "separate":
        channels = {"none": "d", "heads": "head(d)", "all": ""}[channel.share]
    elif channel.connect == "local" and channel.share == "all":
        channels = "c − d"
    else:
        channels = "d, c"
    return ", ".join(part for part in (places, channels) if part)

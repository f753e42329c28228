"""The equation of an operator: the one sum of the algebra with this point's slots and orbits.

In: an `Operator`. Out: one line, y at an output position `o` and channel `d` from inputs `i` and
channels `c`. Brackets list what a learned number (or function, applied to its context) depends on,
so that sharing can be read off; what does not stand there is shared.
"""

from __future__ import annotations

from collections.abc import Callable

from relgraph.algebra.describe import sides
from relgraph.algebra.operator import FEATURES, TOGETHER, Operator, Rank, Score, Size, Weight

PHI: dict[Score, str] = {"relu": "relu({})", "elu": "(elu({}) + 1)"}
"""Features of a query or key, as an equation writes them."""


def equation(operator: Operator) -> str:
    """y = bias + Σ over slots and channels of weight · value, as text.

    >>> from relgraph.algebra.operator import Channel, Space
    >>> space = Space("local", size=(7, 7), share="positions")
    >>> equation(Operator(space, Channel("separate")))
    'y[o, c] = b[c] + Σ_{i ∈ 7×7 around o} W[i−o, c] · x[i, c]'
    """
    total = _bias(operator) + _core(operator) + _windows(operator) + _shared(operator)
    rank = _rank(operator.channel.rank or operator.space.rank)
    if not operator.frame.output:
        return f"y[o, {_out_channel(operator)}] = {total}{rank}"
    constant = "b + " if operator.frame.output_bias else ""
    return f"y[o] = {constant}P z[o], z[o, {_out_channel(operator)}] = {total}{rank}"


def _windows(operator: Operator) -> str:
    """What N(p) is, where windows overlap, and which p there are."""
    space = operator.space
    if space.connect != "outlook":
        return ""
    apart = "" if space.step == (1, 1) else f", p every {sides(space.step)}"
    cells = apart and operator.weight.source == "center"
    return f", N(p) = {sides(space.size)} around p{apart}" + (", x averaged there" if cells else "")


def _shared(operator: Operator) -> str:
    """Which of the values that heads share a channel reads."""
    if operator.weight.kv_heads is None or not operator.frame.value:
        return ""
    return ", c′ = c in the head that its run shares"


def _rank(rank: Rank | None) -> str:
    """What W, or the map it reads, is made of, where a rank word says so."""
    if rank is None:
        return ""
    numbers = rank.numbers
    return {
        "reduce": ", i on the map reduced" + (f" {numbers[0]} times" if numbers else ""),
        "tokens": f", W = U V through {', '.join(map(str, numbers))} tokens",
        "separable": ", W = rows ∘ columns",
        "scales": "".join(f" + Up_{n} W_{n} Down_{n} x" for n in numbers),
        "inner": f", W = A W′ B through {', '.join(map(str, numbers))} channels",
    }[rank.word]


def _out_channel(operator: Operator) -> str:
    return "c" if operator.channel.connect == "separate" else "d"


def _band(operator: Operator) -> str:
    """The channels of a band, and where it stands."""
    return f"Σ_{{c ∈ {operator.channel.size} around d}} "


def _bias(operator: Operator) -> str:
    channel = _out_channel(operator)
    letters = {"none": "", "channels": channel, "positions": "o", "both": f"o, {channel}"}
    inside = letters[operator.bias]
    return f"b[{inside}] + " if inside else ""


def _core(operator: Operator) -> str:
    where = _slots(operator)
    mixing = {"full": "Σ_c ", "groups": "Σ_{c ∈ group(d)} ", "separate": ""}
    mixing["local"] = _band(operator)
    value = _value(operator, "i" if where else "o")
    space = f"Σ_{{i ∈ {where}}} " if where else ""
    if operator.space.connect == "outlook":
        space = "Σ_{p: o ∈ N(p)} Σ_{i ∈ N(p)} "
    return f"{space}{mixing[operator.channel.connect]}{_weight(operator)} · {value}"


def _slots(operator: Operator) -> str:
    """The set that an output sums over; empty where it is the output's own place."""
    space = operator.space
    if space.connect == "point":
        return ""
    center = "o" if space.stride == (1, 1) else f"{_stride(operator)}·o"
    if space.connect == "local":
        dilation = "" if space.dilation == (1, 1) else f", every {sides(space.dilation)}"
        corner = "from" if space.padding == (0, 0) else "around"
        return f"{sides(space.size)}{dilation} {corner} {center}"
    return {
        "window": "window(o)" + _around(space.halo),
        "stripe": "stripe(o)",
        "grid": "grid(o)",
        "full": "all",
        "axial": "row(o) ∪ column(o)",
        "outlook": "N(p)",
    }[space.connect]


def _around(halo: Size) -> str:
    if halo == (0, 0):
        return ""
    return f" ± {halo[0] if halo[0] == halo[1] else halo}"


def _stride(operator: Operator) -> str:
    rows, columns = operator.space.stride
    return str(rows) if rows == columns else f"({rows}, {columns})"


def _value(operator: Operator, at: str) -> str:
    if operator.frame.value:
        return f"(V x)[{at}, {'c' if operator.weight.kv_heads is None else 'c′'}]"
    point = operator.space.connect == "point" and operator.space.stride != (1, 1)
    return f"x[{_stride(operator)}·o, c]" if point else f"x[{at}, c]"


def _weight(operator: Operator) -> str:
    weight = operator.weight
    if weight.source == "fixed":
        center = "o" if operator.space.stride == (1, 1) else f"{_stride(operator)}·o"
        rows, columns = weight.offset
        own = f"1{{i = {center} + ({rows}, {columns})}}" if weight.fixed == "shift" else "1{i = o}"
        return "1/|slots|" if weight.fixed == "average" else own
    if weight.talking_heads != "none":
        made = "({})" if weight.normalize == "none" else _normalized(operator)
        return talked(weight, _head(operator), lambda head: _pair(operator, head), made)
    if weight.normalize == "none":
        return _logit(operator)
    if weight.source == "channels":
        return f"softmax_c({_logit(operator)})"
    return _normalized(operator).format(_logit(operator))


def _normalized(operator: Operator) -> str:
    rule = operator.weight.normalize
    return f"{rule}{'_i' if rule in TOGETHER else ''}({{}})"


def talked(weight: Weight, head: str, logit: Callable[[str], str], normalized: str) -> str:
    """The weight of `head`, mixed of what others have: L and l mix logits, M and m weights."""
    own, other = ("g", "f") if weight.mixes_weights else (head, "g")
    inside = logit(own)
    if weight.mixes_logits:
        inside = f"l[{own}] + Σ_{other} L[{own}, {other}] ({logit(other)})"
    made = normalized.format(inside)
    return f"(m[{head}] + Σ_g M[{head}, g] {made})" if weight.mixes_weights else made


def _logit(operator: Operator) -> str:
    source = operator.weight.source
    if source == "pair":
        return _pair(operator, _head(operator))
    if source == "channels":
        head = "[group(d)]" if operator.channel.connect == "groups" else ""
        return f"τ{head} cos(q[·, d], k[·, c])"
    inside = ", ".join(part for part in (_space_orbit(operator), _channel_orbit(operator)) if part)
    name = f"W[{inside}]" if inside else "W"
    if source == "static":
        return name
    extent = operator.weight.extent
    region = "x[o]" if extent == 1 else f"x[{extent}×{extent} around o]"
    if operator.space.connect == "outlook":
        region = region.replace("o]", "p]")
    return f"{name}({'mean x' if source == 'pooled' else region})"


def _head(operator: Operator) -> str:
    return {"none": "c", "heads": "head(c)", "all": ""}[operator.channel.share]


def _pair(operator: Operator, head: str) -> str:
    query, key = (f"q[o, {head}]" if head else "q[o]"), _key(operator, head)
    position = operator.weight.position
    bias = {"none": "", "rotary": "", "absolute": "o, i"}.get(position, "i−o")
    inside = ", ".join(part for part in (bias, head) if part)
    key = f"R[i−o] {key}" if position == "rotary" else key
    score = f"{query} · {key} / √width"
    if operator.weight.score == "cosine":
        score = f"τ[{head}] cos({query}, {key})" if head else f"τ cos({query}, {key})"
    if operator.weight.score in FEATURES:
        phi = PHI[operator.weight.score]
        score = f"{phi.format(query)} · {phi.format(key)}"
    if position == "continuous":
        return score + f" + 16 σ(N[{head}](i−o))" if head else score + " + 16 σ(N(i−o))"
    return score + (f" + B[{inside}]" if bias else "")


def _key(operator: Operator, head: str) -> str:
    """The key of an input: of a head, of a run of heads that share it, or of all."""
    shared = operator.weight.kv_heads
    if shared is not None:
        head = "" if shared == 1 else "run(c)"
    return f"k[i, {head}]" if head else "k[i]"


def _space_orbit(operator: Operator) -> str:
    space = operator.space
    if space.connect == "point":
        return "o" if space.share == "none" else ""
    if space.connect == "outlook":
        return "o−p, i−p"
    return {
        "none": "o, i",
        "windows": "place(o), place(i)",
        "positions": "i−o",
        "all": "",
    }[space.share]


def _channel_orbit(operator: Operator) -> str:
    channel = operator.channel
    if channel.connect == "separate":
        return {"none": "c", "heads": "head(c)", "all": ""}[channel.share]
    if channel.connect == "local" and channel.share == "all":
        return "c−d"
    return "d, c" if channel.share == "none" else "d mod group, c mod group"

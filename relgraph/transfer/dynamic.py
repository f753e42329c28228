"""Predicted weights from predicted weights: predictors row by row, attention by its projections and
its position table.

In: two connections whose weights have the same source. Out: the target's core tensors (frame and
bias aside). Source: ALGEBRA 4.3: what is shared are functions, so the rows of a predictor's last
layer go along as the numbers of a static weight do.
"""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection, Predictor, SpaceShare, position_share
from relgraph.transfer.carried import Method, Part, Refused, Tensors
from relgraph.transfer.functions import OUTSIDE, Moved, Places, Rule, axes_of, move
from relgraph.transfer.mixtures import MIXED_OUTSIDE, NOT_HEARD, hears, mixtures
from relgraph.transfer.places import network_of, turns
from relgraph.transfer.static import INTO_SOFTMAX, LOGITS, position_tensors
from relgraph.verify.oracle_channels import unit_count
from relgraph.verify.oracle_positions import offset_biases

RANK_FALLS = (
    "query · key of {0} heads into {1}: at the same total width the keys of a head are {2}, so "
    "the rank of its scores is another"
)
NO_LAST_BIAS = "a mixture of experts has no number of its own beside them"
OTHER_TURNS = "queries and keys that are turned otherwise, or not at all, are other functions"
OTHER_HEADS = "other heads compare a channel with other ones"
OTHER_SCORE = {
    "dot": "a product of query and key is none of what the other score makes of them",
    "cosine": "a cosine of query and key is no product of them: it knows no lengths",
    "relu": "products of features of query and key are not negative: no other score is",
    "elu": "products of features of query and key are not negative: no other score is",
}
NO_BIAS = "query · key is kept but for the biases, which the target's projections do not have"
ONE_FUNCTION = (
    "query · key without a softmax is one function on all pairs: nothing can silence it outside "
    "the smaller neighbourhood"
)


def predictor_to_predictor(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Part | Refused:
    """Rows of the last layer by orbits, the hidden layer as it is."""
    rule = _same_rule(source, target)
    if isinstance(rule, Refused):
        return rule
    axes = axes_of(source, target, rule)
    hidden = _hidden(source, target, tensors, fresh)
    for refused in (axes, hidden):
        if isinstance(refused, Refused):
            return refused
    assert not isinstance(axes, Refused) and not isinstance(hidden, Refused)
    entering, rows = hidden
    units, orbits = axes[0][0].channel.orbits, axes[0][0].space.orbits
    last_bias = tensors.get("expand.bias", rows.new_zeros(len(rows)))
    functions = torch.cat([rows.double(), last_bias.double()[:, None]], 1)
    moved = move(functions.reshape(units, orbits, -1), axes, rule)
    values = moved.values.flatten(0, 1)
    bias = values[:, -1]
    if rule in ("softmax", "sigmoid"):
        bias = torch.where(moved.outside.flatten(), OUTSIDE, bias)
    last = {"expand.weight": values[:, :-1]}
    if "expand.bias" not in fresh:
        if bool(bias.abs().max()):
            return Refused(NO_LAST_BIAS)
        return Part({**entering, **last}, *_of_functions(moved))
    return Part({**entering, **last, "expand.bias": bias}, *_of_functions(moved))


def _same_rule(source: Connection, target: Connection) -> Rule | Refused:
    before, after = source.operator.weight.normalize, target.operator.weight.normalize
    if before == after:
        return before
    if after == "softmax" and before == "none":
        return Refused(INTO_SOFTMAX)
    return Refused(f"functions normalised by {before} are none that {after} gives")


def _of_functions(moved: Moved) -> tuple[str, float | None, Method]:
    """The end of a Part: its reason, its error and how it was done."""
    if moved.exact:
        return moved.note, 0.0, "embedding"
    if moved.error is None:
        return LOGITS, None, "partial"
    return "the nearest functions: the mean over each orbit", None, "projection"


def _hidden(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> tuple[dict[str, Tensor], Tensor] | Refused:
    """What stands before the last layer, and the last layer's rows (leaving, width) behind it."""
    before, after = _layers(source), _layers(target)
    wide = source.operator.weight.extent, target.operator.weight.extent
    if wide[0] > wide[1]:
        return Refused(f"a context of {wide[0]}×{wide[0]} positions into {wide[1]}×{wide[1]}")
    channels = source.in_channels
    if before is None and after is None:
        return {}, _region(tensors["expand.weight"], channels, *wide)
    if before is None or after is None:
        return Refused("one predictor is linear, the other has an activation between two layers")
    if (before.norm, before.act) != (after.norm, after.act):
        return Refused("other elements stand between the two layers of the predictor")
    if before.bias and not after.bias:
        return Refused("the target's hidden layer has no bias")
    entering = _squeeze(tensors, fresh, channels, wide)
    if isinstance(entering, Refused):
        return entering
    rows = tensors["expand.weight"]
    room = fresh["expand.weight"].shape[1] - rows.shape[1]
    return entering, torch.nn.functional.pad(rows, (0, room))


def _layers(connection: Connection) -> Predictor | None:
    predictor = connection.operator.weight.predictor
    return predictor if predictor is not None and predictor.width(1) is not None else None


def _squeeze(
    tensors: Tensors, fresh: Tensors, channels: int, wide: tuple[int, int]
) -> dict[str, Tensor] | Refused:
    """The hidden layer; units that it did not have start fresh, and nothing reads them yet."""
    old = {k: v for k, v in tensors.items() if k.startswith(("squeeze.", "norm.")) and v.ndim}
    made = {k: v for k, v in fresh.items() if k.startswith(("squeeze.", "norm.")) and v.ndim}
    old["squeeze.weight"] = _region(old["squeeze.weight"], channels, *wide)
    units = len(old["squeeze.weight"])
    if units > len(made["squeeze.weight"]):
        return Refused(f"{units} hidden units into {len(made['squeeze.weight'])}")
    if "squeeze.bias" in made and "squeeze.bias" not in old:
        old["squeeze.bias"] = made["squeeze.bias"].new_zeros(units)
    return {name: torch.cat([old[name].double(), made[name][units:].double()]) for name in made}


def _region(weight: Tensor, channels: int, inner: int, outer: int) -> Tensor:
    """Rows that read a region of `inner`² positions, on a larger region with the same centre."""
    if inner == outer:
        return weight
    first = (outer - 1) // 2 - (inner - 1) // 2
    square = weight.new_zeros(len(weight), channels, outer, outer)
    inside = slice(first, first + inner)
    square[:, :, inside, inside] = weight.reshape(len(weight), channels, inner, inner)
    return square.flatten(1)


def pair_to_pair(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Part | Refused:
    """Queries and keys as they are; the position table by its orbits, closed outside the source."""
    rule = _same_rule(source, target)
    if isinstance(rule, Refused):
        return rule
    if source.operator.weight.score != target.operator.weight.score:
        other = target if target.operator.weight.score != "dot" else source
        return Refused(OTHER_SCORE[other.operator.weight.score])
    if not hears(source, target):
        return Refused(NOT_HEARD)
    if turns(source) != turns(target):
        return Refused(OTHER_TURNS)
    heads = unit_count(source), unit_count(target)
    if heads[0] != heads[1]:
        width = "narrower" if heads[1] > heads[0] else "wider"
        return Refused(RANK_FALLS.format(*heads, width))
    projections = _projections(source, target, tensors, fresh)
    if isinstance(projections, Refused):
        return projections
    table = _table(source, target, tensors, fresh, rule)
    if isinstance(table, Refused):
        return Part(projections, table.reason, None, "partial")
    if _loses_bias(target, tensors, projections):
        return Part({**projections, **table.tensors}, NO_BIAS, None, "partial")
    return Part({**projections, **table.tensors}, table.reason, None, table.how)


def channels_to_channels(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Part | Refused:
    """Queries and keys of channels, and the temperatures, as they are."""
    rule = _same_rule(source, target)
    if isinstance(rule, Refused):
        return rule
    if source.operator.channel != target.operator.channel:
        return Refused(OTHER_HEADS)
    made = _projections(source, target, tensors, fresh)
    if isinstance(made, Refused):
        return made
    made = {**made, "temperature": tensors["temperature"]}
    if _loses_bias(target, tensors, made):
        return Part(made, NO_BIAS, None, "partial")
    return Part(made)


def _loses_bias(target: Connection, tensors: Tensors, made: Tensors) -> bool:
    """Whether queries or keys had biases and have none."""
    name = "qkv" if target.key_grid is None else "q"
    before = tensors.get(f"{name}.bias")
    if before is None or f"{name}.bias" in made:
        return False
    return bool(before[: 2 * target.in_channels].abs().max())


def _projections(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> dict[str, Tensor] | Refused:
    """The rows of queries and keys; those of values are the frame's."""
    if source.key_grid != target.key_grid:
        return Refused(
            "keys on another map: a softmax over pooled keys is no pooled softmax, so neither is "
            "among the other"
        )
    names = ("qkv",) if target.key_grid is None else ("q", "kv")
    made: dict[str, Tensor] = {}
    for name in names:
        rows = target.in_channels * (2 if name == "qkv" else 1)
        for part in ("weight", "bias"):
            if f"{name}.{part}" not in fresh:
                continue
            own = fresh[f"{name}.{part}"].double().clone()
            before = tensors.get(f"{name}.{part}")
            own[:rows] = 0 if before is None else before[:rows]
            made[f"{name}.{part}"] = own
    scales = {n: t for n, t in tensors.items() if n == "logit_scale"}
    return {**made, **scales, **mixtures(tensors, fresh)}


def _table(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors, rule: Rule
) -> Part | Refused:
    """The target's position table; no table is a table of zeros, shared as coarsely as it can be.

    Where both have the same slots a source without a table needs none either."""
    axes = axes_of(source, target, rule, (_share(source), _share(target)), by_slot=True)
    if isinstance(axes, Refused):
        return axes
    if (rule == "none" and not _is_within(axes)) or (rule == "l1" and not _same_entries(axes)):
        return Refused(ONE_FUNCTION)
    talks = source.operator.weight.talking_heads != "none"
    if talks and rule != "none" and not _same_entries(axes):
        return Refused(MIXED_OUTSIDE)
    if target.operator.weight.position == "continuous":
        return network_of(source, target, tensors, fresh, _same_entries(axes))
    moved = move(_positions(source, tensors, axes[0][0].space.orbits), axes, rule)
    if rule == "none" and not (_same_entries(axes) and moved.exact):
        return _cut(target, moved)
    if target.operator.weight.position in ("none", "rotary"):
        return _without_table(source, tensors, moved, _same_entries(axes))
    closed = bool(moved.outside.any())
    values = torch.where(moved.outside, OUTSIDE if closed else 0.0, moved.values[..., 0])
    if moved.exact:
        return Part(position_tensors(target, values), moved.note)
    values = torch.where(moved.outside, 0.0, moved.values[..., 0])
    reason = "query · key is kept; of the position bias the mean over each orbit, which is no copy"
    return Part(position_tensors(target, values), reason, None, "partial")


def _cut(target: Connection, moved: Moved) -> Part:
    """The same query · key, perhaps on fewer pairs, without a softmax: the nearest W with it."""
    reason = "query · key is kept, perhaps on fewer pairs; its position bias averaged over orbits"
    if target.operator.weight.position in ("none", "rotary"):
        return Part({}, reason, None, "projection" if not moved.values.any() else "partial")
    return Part(position_tensors(target, moved.values[..., 0]), reason, None, "projection")


def _is_within(places: Places) -> bool:
    """Whether the target has no pair that the source does not have."""
    one, other = (axes.space.entry for axes in places[0])
    return bool(torch.isin(other, one).all())


def _without_table(source: Connection, tensors: Tensors, moved: Moved, same: bool) -> Part:
    if not same:
        reason = "query · key is kept, but without a position bias nothing closes other entries"
        return Part({}, reason, None, "partial")
    position = source.operator.weight.position
    if position in ("none", "rotary") or not bool(moved.values.abs().max()):
        return Part({})
    return Part({}, "query · key is kept; the target has no position bias", None, "partial")


def _share(connection: Connection) -> SpaceShare:
    position = connection.operator.weight.position
    return "all" if position == "rotary" else position_share(position) or "all"


def _positions(source: Connection, tensors: Tensors, orbits: int) -> Tensor:
    """The source's table as (heads, orbits, 1)."""
    heads, position = unit_count(source), source.operator.weight.position
    if position == "relative":
        return tensors["relative_position_bias_table"].T[..., None]
    if position == "absolute":
        return tensors["position_bias"].reshape(heads, orbits, 1)
    if position == "continuous":
        return offset_biases(source, tensors).T[..., None]
    return torch.zeros(heads, orbits, 1, dtype=torch.float64)


def _same_entries(places: Places) -> bool:
    one, other = (axes.space.entry.unique() for axes in places[0])
    return bool(torch.equal(one, other))

"""One connection into another: the table of cores, then frame and bias around it.

In: two connections, the source's tensors and the target's as a new model starts. Out: `Carried`, or
why no weights go this way. A frame or a given weight that the target cannot express is multiplied
out first (`linear`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from relgraph.algebra import geometry
from relgraph.algebra.operator import Channel, Connection, Operator, Weight
from relgraph.algebra.parameters import core_channels, parameters
from relgraph.transfer import dynamic, frame, static
from relgraph.transfer.carried import Carried, Part, Refused, Tensors, like, together
from relgraph.transfer.keyless import with_key_bias, without_key_bias
from relgraph.transfer.shared_keys import averaged, untied, written_out

FEWER = "which channels a narrower layer leaves out is a choice (pruning), and no relation"
MORE = "only what stands between two layers, or stages by whole factors, is widened"

Core = Callable[[Connection, Connection, Tensors, Tensors], Part | Refused]


def carry_connection(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """The target's tensors from the source's. `fresh` holds every tensor of the target."""
    if _is_same(source, target):
        return like(Carried("copy", dict(tensors), error=0.0), fresh)
    if source.operator.weight.kv_heads is not None:
        return carry_connection(untied(source), target, written_out(source, tensors), fresh)
    if target.operator.weight.kv_heads is not None:
        whole = carry_connection(source, untied(target), tensors, written_out(target, fresh))
        return whole if isinstance(whole, Refused) else like(averaged(target, whole), fresh)
    source, tensors = with_key_bias(source, tensors)
    biased, started = with_key_bias(target, fresh)
    carried = _carried(source, biased, tensors, started)
    return carried if isinstance(carried, Refused) else without_key_bias(target, carried)


def _carried(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """The same where all projections have a bias or none."""
    source, tensors = _as_average(source, tensors)
    refused = _widths(source, target)
    if refused is not None:
        return refused
    core = _core(source, target, tensors, fresh)
    if isinstance(core, Refused):
        return core
    if core.how == "partial":
        core = _kept_fresh(core, fresh)
    projected = frame.output(source, target, tensors)
    if isinstance(projected, Refused):
        return projected
    around = [frame.value(source, target, tensors, core.tensors), projected]
    around.append(frame.bias(source, target, tensors, projected.tensors))
    return like(together(core, *around), fresh)


def _is_same(source: Connection, target: Connection) -> bool:
    """The same operator with the same widths: its parameters mean the same on any map."""
    if _shapes(source) != _shapes(target) or _settled(source) != _settled(target):
        return False
    return source.in_grid == target.in_grid or not _is_bound(source)


def _as_average(source: Connection, tensors: Tensors) -> tuple[Connection, Tensors]:
    """One number or function for all slots is nothing but their average once it is normalised: the
    softmax of zeros, for all channels alike."""
    operator = source.operator
    weight, space = operator.weight, operator.space
    predicted = weight.source in ("static", "pooled", "center")
    if not predicted or weight.normalize != "softmax" or space.share != "all":
        return source, tensors
    around = {n: t for n, t in tensors.items() if n.startswith(("value.", "proj.")) or n == "bias"}
    average = replace(
        operator,
        channel=Channel("separate", share="all"),
        weight=Weight("static", normalize="softmax"),
    )
    return replace(source, operator=average), {**around, "weight": torch.zeros(())}


def _shapes(connection: Connection) -> dict[str, tuple[int, ...]]:
    return {parameter.name: parameter.shape for parameter in parameters(connection)}


def _is_bound(connection: Connection) -> bool:
    """Whether some parameter has another shape on a larger map."""
    space, grid, out = connection.operator.space, connection.in_grid, connection.out_grid
    if grid is None or out is None or connection.key_grid is not None:
        return grid is not None
    larger = 2 * grid[0], 2 * grid[1]
    own = out == geometry.out_grid(space, grid)
    made = geometry.out_grid(space, larger) if own else (2 * out[0], 2 * out[1])
    return _shapes(replace(connection, in_grid=larger, out_grid=made)) != _shapes(connection)


def _settled(connection: Connection) -> Operator:
    """The operator as written for its map: a shift that moves nothing says nothing."""
    operator = connection.operator
    return replace(operator, space=geometry.settled(operator.space, connection.in_grid))


def _widths(source: Connection, target: Connection) -> Refused | None:
    one = source.in_channels, source.out_channels
    other = target.in_channels, target.out_channels
    strides = source.operator.space.stride, target.operator.space.stride
    same_map = source.in_grid != target.in_grid or source.out_grid == target.out_grid
    if one == other and strides[0] == strides[1] and same_map:
        return None
    if one == other:
        return Refused("the outputs stand on another map: no order between strides")
    words = [f"{inside} → {outside}" for inside, outside in (one, other)]
    fewer = any(after < before for before, after in zip(one, other, strict=True))
    why = FEWER if fewer else MORE
    return Refused(f"channels differ: {words[0]} and {words[1]}; {why}")


def loses_frame(source: Connection, target: Connection) -> bool:
    """Whether the source has a projection that the target lacks, or needs for another width."""
    before, after = source.operator.frame, target.operator.frame
    if core_channels(source) != core_channels(target):
        return True
    return (before.value and not after.value) or (before.output and not after.output)


def _core(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Part | Refused:
    before, after = source.operator, target.operator
    if loses_frame(source, target):
        return Refused("projections of the source that the target does not have")
    kinds = _KIND[before.weight.source], _KIND[after.weight.source]
    row = CORES.get(kinds)
    if row is None:
        return Refused(REASONS.get(kinds, f"{kinds[0]} weights into {kinds[1]} ones"))
    return row(source, target, tensors, fresh)


def _kept_fresh(core: Part, fresh: Tensors) -> Part:
    """What a core could not take along starts fresh, so that values find their rows."""
    names = [
        n
        for n in fresh
        if n.startswith(
            (
                "qkv.",
                "q.",
                "kv.",
                "logit_scale",
                "temperature",
                "proj_l.",
                "proj_w.",
                "relative_",
                "position_",
                "cpb_mlp.",
            )
        )
    ]
    rest = {name: fresh[name] for name in names if name not in core.tensors}
    return replace(core, tensors={**rest, **core.tensors})


def _static(source: Connection, target: Connection, own: Tensors, _: Tensors) -> Part | Refused:
    return static.to_static(source, target, own)


def _given(source: Connection, target: Connection, own: Tensors, _: Tensors) -> Part | Refused:
    return static.to_given(source, target, own)


_KIND = {
    "static": "static",
    "fixed": "given",
    "pooled": "pooled",
    "center": "center",
    "pair": "pair",
    "channels": "channels",
}
CORES: dict[tuple[str, str], Core] = {
    ("static", "static"): _static,
    ("given", "static"): _static,
    ("static", "pooled"): static.to_predictor,
    ("given", "pooled"): static.to_predictor,
    ("static", "center"): static.to_predictor,
    ("given", "center"): static.to_predictor,
    ("static", "pair"): static.to_pair,
    ("given", "pair"): static.to_pair,
    ("pooled", "pooled"): dynamic.predictor_to_predictor,
    ("center", "center"): dynamic.predictor_to_predictor,
    ("pair", "pair"): dynamic.pair_to_pair,
    ("channels", "channels"): dynamic.channels_to_channels,
    ("static", "given"): _given,
    ("given", "given"): _given,
}
"""Which core goes into which; every other pair has its reason below."""

_NO_NUMBER = "cosines between channels are no given numbers, and nothing stands beside them"
_FROZEN = "weights that change with the image into ones that do not"
REASONS: dict[tuple[str, str], str] = {
    ("pooled", "static"): _FROZEN,
    ("center", "static"): _FROZEN,
    ("pair", "static"): _FROZEN,
    ("channels", "static"): _FROZEN,
    ("pooled", "center"): "the mean over all positions is no function of one position's region",
    ("center", "pooled"): "one position's region is no function of the mean over all positions",
    ("pooled", "pair"): "the mean over all positions is no function of a query and a key",
    ("pair", "pooled"): "query · key is no function of the mean over all positions",
    ("center", "pair"): "query · key has no term of the query and the offset alone",
    ("pair", "center"): "query · key reads the key's position, a predictor at the centre does not",
    **{
        (kind, "given"): "the target's weights are given: there is nothing to carry them in"
        for kind in ("pooled", "center", "pair", "channels")
    },
    **{(kind, "channels"): _NO_NUMBER for kind in ("static", "given")},
    **{
        ends: "one compares channels over the map, the other does not"
        for kind in ("pooled", "center", "pair")
        for ends in ((kind, "channels"), ("channels", kind))
    },
}

"""The weights of the reference semantics: f[orbit(o, j), corbit(d, m)](context), then normalised.

In: a connection on its completed map, its table, its parameters and what the functions read. Out:
W in block form (B or 1, U, n or 1, q, k), see `oracle_tables.Table`: B is 1 where no image changes
it, U counts channel orbits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.algebra.operator import Connection, Size
from relgraph.verify.oracle_channels import key_width, unit_count, weight_keys
from relgraph.verify.oracle_positions import position_bias, turned_products
from relgraph.verify.oracle_tables import Table, as_map, centers

Tensors = Mapping[str, Tensor]
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "gelu": F.gelu,
    "silu": F.silu,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
_FEATURES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: x.clamp(min=0),
    "elu": lambda x: torch.where(x > 0, x + 1, x.clamp(max=0).exp()),
}


@dataclass(frozen=True)
class Context:
    """What the functions read: the completed input x, the keys' map, the mean over the positions
    that came in (B, 1, C), and whether batch norms use the batch's statistics."""

    x: Tensor
    keys: Tensor
    mean: Tensor
    training: bool = False


def block_weights(
    connection: Connection, spot: Table, tensors: Tensors, context: Context
) -> Tensor:
    """W of a completed connection, (B or 1, U, n or 1, q, k)."""
    weight = connection.operator.weight
    if weight.source == "fixed":
        return _given(connection, spot, context.x)
    if weight.source == "channels":
        return _between_channels(connection, tensors, context.x)
    logits = _logits(connection, spot, tensors, context)
    if weight.talking_heads in ("logits", "both"):
        logits = _heard(tensors["proj_l.weight"], tensors["proj_l.bias"], logits)
    made = _normalize(weight.normalize, logits, spot)
    if weight.talking_heads in ("weights", "both"):
        made = _heard(tensors["proj_w.weight"], tensors["proj_w.bias"], made) * spot.present
    return made


def _heard(weight: Tensor, bias: Tensor, said: Tensor) -> Tensor:
    """Talking heads (Shazeer et al., 2020): what each head hears of what all say, (B, heads, n, q,
    k), and a number of its own."""
    heads = []
    for own, listens in enumerate(weight):
        total = bias[own]
        for other, much in enumerate(listens):
            total = total + much * said[:, other]
        heads.append(total)
    return torch.stack(heads, 1)


def _logits(connection: Connection, spot: Table, tensors: Tensors, context: Context) -> Tensor:
    source, units = connection.operator.weight.source, unit_count(connection)
    if source == "pair":
        return _pair(connection, spot, tensors, context)
    if source == "static":
        return _by_orbit(tensors["weight"].reshape(1, units, spot.orbits), spot)
    if source == "pooled":
        predicted = _predict(connection, tensors, context.mean, context.training)
        return _by_orbit(predicted.reshape(-1, units, spot.orbits), spot)
    region = _region(connection, context.x)
    return _by_center(connection, spot, _predict(connection, tensors, region, context.training))


def _by_orbit(functions: Tensor, spot: Table) -> Tensor:
    """(B, U, S) values per orbit → (B, U, n or 1, q, k); where no orbit stands, 0."""
    values = functions[:, :, spot.orbit.clamp(min=0)]
    return values if spot.orbit.min() >= 0 else values * (spot.orbit >= 0)


def _by_center(connection: Connection, spot: Table, predicted: Tensor) -> Tensor:
    """(B, O, U·S) predictions at each output, or window of an outlook → each output reads its own:
    (B, U, n, q, k)."""
    functions = torch.unflatten(predicted, 2, (unit_count(connection), spot.orbits)).transpose(1, 2)
    if connection.operator.space.connect == "outlook":  # one prediction for a whole window
        return torch.unflatten(functions, 3, spot.orbit.shape[1:])
    own = functions[:, :, spot.outputs.clamp(min=0)]  # (B, U, n, q, S)
    orbit = spot.orbit.clamp(min=0).expand(*own.shape[:2], own.shape[2], -1, -1)
    return own.gather(4, orbit) * (spot.orbit >= 0)


def _normalize(rule: str, logits: Tensor, spot: Table) -> Tensor:
    """Over the slots of one output that are present; what stands at others is multiplied by 0."""
    if rule == "none":
        return logits
    if rule == "sigmoid":
        return logits.sigmoid()
    if rule == "l1":
        there = logits * spot.present
        return there / there.abs().sum(-1, keepdim=True).clamp(min=1e-12)
    lowest = torch.finfo(logits.dtype).min  # not −∞: an output without any slot is 0, not 0/0
    return logits.masked_fill(~spot.present, lowest).softmax(-1)


def _given(connection: Connection, spot: Table, x: Tensor) -> Tensor:
    """`average` over the slots that are present; `identity`: 1 where a slot is the centre, in
    parts where a border repeats it; `shift`: 1 at the slot `offset` from the central one."""
    shape = (len(spot.inputs), spot.outputs.shape[1], spot.width)
    present = spot.present.to(x.dtype).expand(shape)
    given = present / present.sum(-1, keepdim=True).clamp(min=1)
    if connection.operator.weight.fixed == "shift":
        given = _one_tap(connection, shape, x)
    if connection.operator.weight.fixed == "identity":
        own = (spot.inputs[:, None] == spot.centers[:, :, None]) & (spot.inputs[:, None] >= 0)
        given = own.to(x.dtype) / own.sum(-1, keepdim=True).clamp(min=1)
    return given.expand(1, unit_count(connection), *shape)


def _one_tap(connection: Connection, shape: tuple[int, int, int], x: Tensor) -> Tensor:
    """The j-th slot is the j-th tap of the kernel, row by row."""
    (height, width), (down, right) = (
        connection.operator.space.size,
        connection.operator.weight.offset,
    )
    kernel = x.new_zeros(height, width)
    kernel[(height - 1) // 2 + down, (width - 1) // 2 + right] = 1.0
    return kernel.flatten().expand(shape)


def _predict(connection: Connection, tensors: Tensors, context: Tensor, training: bool) -> Tensor:
    """context (B, N, C·extent²) → (B, N, U·S), through the hidden layer where there is one."""
    predictor = connection.operator.weight.predictor
    if predictor is not None and (predictor.reduction or predictor.experts) is not None:
        context = F.linear(context, tensors["squeeze.weight"], tensors.get("squeeze.bias"))
        if predictor.norm == "batch_norm":
            context = _batch_norm(tensors, context.flatten(0, 1), training).view_as(context)
        context = ACTIVATIONS[predictor.act](context)
    if predictor is not None and predictor.experts is not None:
        return _mixture(context, tensors["expand.weight"])
    return F.linear(context, tensors["expand.weight"], tensors["expand.bias"])


def _mixture(gates: Tensor, experts: Tensor) -> Tensor:
    """Σ_e gate_e · kernel_e: gates (B, N, K), one kernel in each column of experts (U·S, K)."""
    mixed = gates[..., :1] * experts[:, 0]
    for number in range(1, experts.shape[1]):
        mixed = mixed + gates[..., number, None] * experts[:, number]
    return mixed


def _batch_norm(tensors: Tensors, x: Tensor, training: bool) -> Tensor:
    mean = None if training else tensors["norm.running_mean"]
    variance = None if training else tensors["norm.running_var"]
    scale, shift = tensors["norm.weight"], tensors["norm.bias"]
    return F.batch_norm(x, mean, variance, scale, shift, training=training, eps=1e-5)


def _region(connection: Connection, x: Tensor) -> Tensor:
    """The extent × extent region around each output's centre, 0 outside the map:
    (B, O, C·extent²), channel by channel, then row by row."""
    space, extent = connection.operator.space, connection.operator.weight.extent
    if connection.tokens:  # tokens have no surroundings; extent is 1 there
        return x
    grid, out = as_map(connection.in_grid), as_map(connection.out_grid)
    if space.connect == "outlook":
        x, grid = _cell_means(space.step, x, grid)
        out = grid
    reach = torch.arange(extent) - (extent - 1) // 2
    rows, columns = (torch.tensor(line)[:, None] + reach for line in centers(space, grid, out))
    inside_y, inside_x = (rows >= 0) & (rows < grid[0]), (columns >= 0) & (columns < grid[1])
    square = torch.unflatten(x, 1, grid)
    y, z = rows.clamp(0, grid[0] - 1), columns.clamp(0, grid[1] - 1)
    near = square[:, y[:, None, :, None], z[None, :, None, :]]  # (B, Ho, Wo, e, e, C)
    inside = inside_y[:, None, :, None] & inside_x[None, :, None, :]
    return (near * inside[..., None]).permute(0, 1, 2, 5, 3, 4).flatten(1, 2).flatten(2)


def _cell_means(step: Size, x: Tensor, grid: Size) -> tuple[Tensor, Size]:
    """The mean over each cell of `step` places, cut at the end of the map: (B, P, C) → (B, n, C),
    and how many cells there are along each axis."""
    square = torch.unflatten(x, 1, grid)
    cells = [
        [line.mean((1, 2)) for line in band.split(step[1], 2)] for band in square.split(step[0], 1)
    ]
    return torch.stack([mean for band in cells for mean in band], 1), (len(cells), len(cells[0]))


def _pair(connection: Connection, spot: Table, tensors: Tensors, context: Context) -> Tensor:
    """q·k / sqrt(head width), a scaled cosine, or a product of features, of turned vectors where
    positions are rotary, + position bias: (B, heads, n, q, k)."""
    heads = unit_count(connection)
    query = projected(connection, tensors, context.x, "query")
    key = projected(connection, tensors, context.keys, "key")
    q = torch.unflatten(gather(query, spot.centers), -1, (heads, -1))
    k = torch.unflatten(gather(key, spot.inputs), -1, (heads, -1))
    score = connection.operator.weight.score
    if score in _FEATURES:
        q, k = _FEATURES[score](q), _FEATURES[score](k)
    if connection.operator.weight.position == "rotary":
        products = turned_products(connection, q, k)
    else:
        products = torch.einsum("bnqhc,bnkhc->bhnqk", q, k)
    if score == "cosine":
        lengths = q.norm(dim=-1).clamp(min=1e-12), k.norm(dim=-1).clamp(min=1e-12)
        products = products / torch.einsum("bnqh,bnkh->bhnqk", *lengths)
        scale = tensors["logit_scale"].exp().clamp(max=100)[:, None, None, None]
    elif score == "dot":
        scale = torch.tensor(1 / math.sqrt(connection.in_channels // heads), dtype=q.dtype)
    else:
        scale = torch.ones((), dtype=q.dtype)
    logits = products * scale
    bias = position_bias(connection, tensors, heads)
    return logits if bias is None else logits + bias


def _between_channels(connection: Connection, tensors: Tensors, x: Tensor) -> Tensor:
    """W[d, c] = τ cos(q_d, k_c) over all places of x, for d and c of one head, perhaps under a
    softmax over c; units d by d, the same at every place: (B, U, 1, 1, 1)."""
    heads = tensors["temperature"].shape[0]
    width = connection.in_channels // heads
    query = projected(connection, tensors, x, "query")
    key = projected(connection, tensors, x, "key")
    rows = []
    for d in range(connection.in_channels):
        head = d // width
        q, k = query[:, :, d], key[:, :, head * width : (head + 1) * width]
        lengths = q.norm(dim=1)[:, None].clamp(min=1e-12) * k.norm(dim=1).clamp(min=1e-12)
        row = torch.einsum("bi,bic->bc", q, k) / lengths * tensors["temperature"][head, 0, 0]
        softmax = connection.operator.weight.normalize == "softmax"
        rows.append(row.softmax(1) if softmax else row)
    return torch.cat(rows, 1)[:, :, None, None, None]


def gather(v: Tensor, index: Tensor) -> Tensor:
    """(B, P, C) at (n, k) → (B, n, k, C); index -1 reads 0."""
    return torch.cat([v, v.new_zeros(len(v), 1, v.shape[2])], 1)[:, index]


def projected(connection: Connection, tensors: Tensors, x: Tensor, part: str) -> Tensor:
    """The query, key or value projection, (B, P, C): rows of `qkv`, or of `q` and `kv` over a
    reduced map. A key or value that several heads share stands once for each of them."""
    channels, shared = connection.in_channels, key_width(connection)
    first = {"query": 0, "key": channels, "value": channels + shared}[part]
    name, width = "qkv", channels if part == "query" else shared
    if connection.key_grid is not None:
        name, first = ("q", 0) if part == "query" else ("kv", first - channels)
    rows = slice(first, first + width)
    bias = tensors.get(f"{name}.bias")
    if bias is None:  # without the keys' bias the others stand alone
        alone = tensors.get(f"{name}.{part[0]}_bias")
    else:
        alone = bias[rows]
    made = F.linear(x, tensors[f"{name}.weight"][rows], alone)
    if width == channels:
        return made
    runs = weight_keys(connection)
    by_run = torch.unflatten(made, -1, (runs, 1, -1))
    return by_run.expand(-1, -1, -1, unit_count(connection) // runs, -1).flatten(2)

"""The oracle: what a connection means, as one slow and obvious sum (DESIGN 2).

    y[b,o,d] = bias + Σ_j Σ_m f[orbit(o,j), corbit(d,m)](context) · v[b, slot(o,j), cslot(d,m)]

In: a `Connection`, its parameters by name, and values as (B, T + P, C), extra tokens in front,
positions in row-major order, a vector as one position. Out: the same for the output. Any floating
dtype (float64 to compare with), differentiable by autograd. Neither this file nor its three tables
beside it import anything of the compiler or of the algebra but its frozen values.

What the definitions leave to say: under `pad` the map is completed by zero *inputs* before
everything, projections included, and cropped after everything; a `zero` slot reads a value (and a
key) of 0, whatever the bias of the projection; an entry that no learned thing reaches has logit 0.
Pooled context is the mean over all that comes in: extra tokens yes, completion no.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.verify.oracle_channels import channel_orbits, core_channels
from relgraph.verify.oracle_counts import multiply_adds
from relgraph.verify.oracle_tables import Table, as_map, completed_connection, table
from relgraph.verify.oracle_weights import Context, Tensors, block_weights, gather, projected

__all__ = [
    "channel_matrix",
    "channel_orbits",
    "connect",
    "core",
    "core_channels",
    "dense",
    "multiply_adds",
    "of_outputs",
    "slots",
    "values",
    "weights",
]


def connect(
    connection: Connection,
    tensors: Tensors,
    x: Tensor,
    keys: Tensor | None = None,
    training: bool = False,
) -> Tensor:
    """The connection with its frame: x (B, T + P_in, C) → (B, T + P_out, D).

    `keys` (B, P_key, C) is the reduced map that a pair source's keys and values read; by default
    they read x. `training` makes a predictor's batch norm use the statistics of the batch.
    """
    whole = completed_connection(connection)
    v = values(connection, tensors, x, keys)
    if _is_matrix(whole):
        return _finish(connection, tensors, F.linear(v, tensors["weight"]))
    spot = table(whole)
    w = block_weights(whole, spot, tensors, _context(connection, x, keys, training))
    return _finish(connection, tensors, _crop(connection, _aggregate(whole, spot, w, v)))


def values(
    connection: Connection, tensors: Tensors, x: Tensor, keys: Tensor | None = None
) -> Tensor:
    """What the core sums over, (B, T + P, C) on the completed map: V x, or x itself."""
    operator = connection.operator
    read = _complete(connection, x) if keys is None else keys
    if not operator.frame.value:
        return read
    if operator.weight.source in ("pair", "channels"):
        return projected(connection, tensors, read, "value")
    return F.linear(read, tensors["value.weight"], tensors.get("value.bias"))


def weights(
    connection: Connection,
    tensors: Tensors,
    x: Tensor,
    keys: Tensor | None = None,
    training: bool = False,
) -> Tensor:
    """W per unit, output and slot, (B, U, O, K); B is 1 where no image changes it.

    U counts the channel orbits in the order of the parameter's channel axes, O and K the rows and
    the width of the completed map's slot table. Absent slots are 0. Where neighbourhoods overlap,
    an output's slots are those of each that it stands in, one after the other.
    """
    whole = completed_connection(connection)
    spot = table(whole)
    w = block_weights(whole, spot, tensors, _context(connection, x, keys, training))
    w = w * spot.present
    by_block = w.expand(-1, -1, len(spot.outputs), spot.outputs.shape[1], -1)
    return of_outputs(by_block.flatten(2, 3), spot).flatten(3)


def slots(connection: Connection) -> Tensor:
    """The slot table (O, K) of the completed map: an input index, or -1."""
    spot = table(completed_connection(connection))
    by_block = spot.inputs[:, None].expand(-1, spot.outputs.shape[1], -1)
    # Shifted by one, so that slots of a neighbourhood that is not there are empty, as 0 then is.
    return of_outputs(by_block.flatten(0, 1)[None, None] + 1, spot)[0, 0].flatten(1) - 1


def core(connection: Connection, w: Tensor, v: Tensor) -> Tensor:
    """The sum with given weights: w as `weights` gives it, v as `values` does, both on the
    completed map → (B, O, core channels), without bias. For small sizes."""
    near = gather(v, slots(connection))  # (B, O, K, C)
    matrix = channel_matrix(connection, w).expand(len(v), -1, -1, -1, -1)
    return torch.einsum("bokdc,bokc->bod", matrix, near)


def channel_matrix(connection: Connection, w: Tensor) -> Tensor:
    """(B, U, O, K) weights per unit → (B, O, K, D, C), 0 where channels are not connected."""
    moved = F.pad(w.permute(0, 2, 3, 1), (0, 1))  # unit -1 reads the 0 behind the last
    return moved[..., channel_orbits(connection)]


def dense(
    connection: Connection, tensors: Tensors, x: Tensor, keys: Tensor | None = None
) -> Tensor:
    """W[b, o, d, i, c] of the core on the completed map, for Jacobians at small sizes."""
    w = channel_matrix(connection, weights(connection, tensors, x, keys))
    slot, source = slots(connection), values(connection, tensors, x, keys)
    reads = F.one_hot(slot.clamp(min=0), source.shape[1]) * (slot >= 0)[..., None]
    return torch.einsum("bokdc,oki->bodic", w, reads.to(w.dtype))


def _context(connection: Connection, x: Tensor, keys: Tensor | None, training: bool) -> Context:
    whole = _complete(connection, x)
    return Context(whole, whole if keys is None else keys, x.mean(1, keepdim=True), training)


def _complete(connection: Connection, x: Tensor) -> Tensor:
    """Zero positions below and to the right, where `pad` asks for them."""
    whole = completed_connection(connection)
    if whole is connection:
        return x
    (height, width), (rows, columns) = as_map(connection.in_grid), as_map(whole.in_grid)
    square = torch.unflatten(x, 1, (height, width))
    return F.pad(square, (0, 0, 0, columns - width, 0, rows - height)).flatten(1, 2)


def _crop(connection: Connection, y: Tensor) -> Tensor:
    whole = completed_connection(connection)
    if whole is connection:
        return y
    height, width = as_map(connection.in_grid)
    return torch.unflatten(y, 1, as_map(whole.in_grid))[:, :height, :width].flatten(1, 2)


def _finish(connection: Connection, tensors: Tensors, y: Tensor) -> Tensor:
    """Bias, then the output projection."""
    operator = connection.operator
    if operator.bias == "channels":
        y = y + tensors["bias"]
    if operator.bias == "positions":
        y = y + tensors["bias"][:, None]
    if operator.bias == "both":
        y = y + tensors["bias"].T
    if not operator.frame.output:
        return y
    return F.linear(y, tensors["proj.weight"], tensors.get("proj.bias"))


def _order(spot: Table) -> Tensor:
    """(O, R): where output 0, 1, 2, ... stands among the flattened (n, q) outputs of all blocks. It
    stands in one where they do not overlap, so that R is 1; -1 stands behind those of an output
    that has fewer than others."""
    outputs = spot.outputs.flatten()
    first = int((outputs < 0).sum())
    there, count = outputs.argsort(stable=True)[first:], outputs[outputs >= 0].bincount()
    order = torch.full((len(count), int(count.max())), -1)
    rank = torch.arange(len(there)) - (count.cumsum(0) - count).repeat_interleave(count)
    order[outputs[there], rank] = there
    return order


def of_outputs(values: Tensor, spot: Table) -> Tensor:
    """(B, U, n·q, …) → (B, U, O, R, …), 0 where an output stands in fewer neighbourhoods than R."""
    order = _order(spot)
    if order.shape[1] == 1:
        return values[:, :, order]
    missing = torch.zeros_like(values[:, :, :1])
    return torch.cat([values, missing], 2)[:, :, order]


def _aggregate(connection: Connection, spot: Table, w: Tensor, v: Tensor) -> Tensor:
    """Σ over slots and channels: w in block form, v (B, P, C) → (B, O, core channels)."""
    near = gather(v, spot.inputs)  # (B, n, k, C)
    if connection.operator.channel.connect == "local":
        y = _band(connection, w, near)
    elif connection.operator.channel.connect != "separate":
        y = _mix(connection, w, near)
    elif spot.outputs.shape[1] == 1:  # stencils: a product for each slot, summed over the slots
        near = torch.unflatten(near, 3, (w.shape[1], -1))
        y = (near * w.squeeze(3).permute(0, 2, 3, 1)[..., None]).sum(2, keepdim=True)
    else:
        near = torch.unflatten(near, 3, (w.shape[1], -1))
        y = _contract("hnqk", "bnkhc->bnqhc", w, near)
    return of_outputs(y.flatten(3).flatten(1, 2)[:, None], spot).sum(3)[:, 0]


def _contract(letters: str, equation: str, w: Tensor, near: Tensor) -> Tensor:
    """An einsum of w (B or 1, …, n or 1, q, k) with near (B, n, k, …). Where one W serves all
    images or all neighbourhoods, its letter is left out, so that it is never repeated."""
    at = letters.index("n") + 1
    if w.shape[at] == 1 and near.shape[1] > 1:
        w, letters = w.squeeze(at), letters.replace("n", "")
    w, letters = (w.squeeze(0), letters) if len(w) == 1 else (w, "b" + letters)
    return torch.einsum(f"{letters},{equation}", w, near)


def _mix(connection: Connection, w: Tensor, near: Tensor) -> Tensor:
    """Channels joined in full or in groups; with share `all` one matrix serves every group."""
    channel = connection.operator.channel
    groups = channel.groups if channel.connect == "groups" else 1
    matrix = core_channels(connection) // groups, connection.in_channels // groups
    near = torch.unflatten(near, 3, (groups, -1))
    if channel.share == "all":
        return _contract("dcnqk", "bnkgc->bnqgd", torch.unflatten(w, 1, matrix), near)
    return _contract("gdcnqk", "bnkgc->bnqgd", torch.unflatten(w, 1, (groups, *matrix)), near)


def _band(connection: Connection, w: Tensor, near: Tensor) -> Tensor:
    """Tap by tap: every channel reads the one that stands so far beside it, or 0."""
    units, count = channel_orbits(connection), near.shape[3]
    padded = F.pad(w, (0, 0, 0, 0, 0, 0, 0, 1))  # unit -1 reads the 0 behind the last
    size = connection.operator.channel.size
    total = near.new_zeros(())
    before, after = min((size - 1) // 2, count - 1), min(size // 2, count - 1)
    for offset in range(-before, after + 1):
        d = torch.arange(max(0, -offset), min(count, count - offset))
        own, read = padded[:, units[d, d + offset]], near[..., d + offset]
        product = _contract("cnqk", "bnkc->bnqc", own, read)
        total = total + F.pad(product, (max(0, -offset), max(0, offset)))
    return total


def _is_matrix(connection: Connection) -> bool:
    """A static point connection of all channels is one matrix: nothing needs to be gathered."""
    operator = connection.operator
    space, weight = operator.space, operator.weight
    if (space.connect, weight.source, weight.normalize) != ("point", "static", "none"):
        return False
    in_place = space.stride == (1, 1) and space.padding in ("half", (0, 0))
    return in_place and space.share != "none" and operator.channel.connect == "full"

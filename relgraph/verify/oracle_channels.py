"""The channel table of the reference semantics: which channels are joined, by which learned thing.

Like `oracle_tables`, written from the definitions alone: one (D, C) table of units.
"""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection


def channel_orbits(connection: Connection) -> Tensor:
    """(D, C): which unit joins input channel c to output channel d of the core, -1 for none."""
    channel, inputs = connection.operator.channel, connection.in_channels
    outputs = core_channels(connection)
    d, c = torch.arange(outputs)[:, None], torch.arange(inputs)[None]
    if channel.connect == "separate":
        heads = {"none": inputs, "heads": channel.heads, "all": 1}[channel.share]
        return torch.where(d == c, d // (inputs // heads), -1)
    if channel.connect == "local":
        return _band(c - d + (channel.size - 1) // 2, channel.size, channel.share == "all")
    groups = channel.groups if channel.connect == "groups" else 1
    per_out, per_in = outputs // groups, inputs // groups
    row = d % per_out if channel.share == "all" else d
    return torch.where(d // per_out == c // per_in, row * per_in + c % per_in, -1)


def _band(tap: Tensor, size: int, shared: bool) -> Tensor:
    """Units of taps (D, C): by their number, or one for each entry that is there, row by row."""
    there = (tap >= 0) & (tap < size)
    entries = there.flatten().cumsum(0).view(there.shape) - 1
    return torch.where(there, tap if shared else entries, -1)


def core_channels(connection: Connection) -> int:
    """Channels between the core and the output projection."""
    operator = connection.operator
    beside = operator.channel.connect in ("separate", "local")
    keeps = beside or operator.weight.source == "channels"
    return connection.in_channels if keeps else connection.out_channels


def weight_keys(connection: Connection) -> int:
    """Runs of heads that have a key of their own: all heads, or as many as are said."""
    return connection.operator.weight.kv_heads or unit_count(connection)


def key_width(connection: Connection) -> int:
    """Channels of the keys, and of projected values that are made with them."""
    shared, channels = connection.operator.weight.kv_heads, connection.in_channels
    return channels if shared is None else channels // unit_count(connection) * shared


def unit_count(connection: Connection) -> int:
    """Channel orbits: the learned things per space orbit."""
    channel = connection.operator.channel
    if channel.connect == "local" and channel.share == "all":
        return channel.size  # stored for every tap, whether it meets a channel or not
    return int(channel_orbits(connection).max()) + 1

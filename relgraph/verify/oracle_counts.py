"""The oracle's own count of products, from its own tables; see `oracle`."""

from __future__ import annotations

from relgraph.algebra.operator import Connection, Size
from relgraph.verify.oracle_channels import (
    channel_orbits,
    core_channels,
    key_width,
    unit_count,
)
from relgraph.verify.oracle_positions import listed_offsets
from relgraph.verify.oracle_tables import as_map, completed_connection, table


def multiply_adds(connection: Connection) -> int:
    """Products of one image (DESIGN 6), counted from the tables: slots × connected channels ×
    outputs, the products that predict weights, and the projections. Given (`fixed`) weights are
    pooling and count nothing."""
    whole = completed_connection(connection)
    operator = whole.operator
    outputs, width = _outputs(whole), table(whole).width
    if operator.space.connect == "outlook":  # every place of every window
        outputs = table(whole).outputs.numel()
    joined = _joined(connection)
    summed = 0 if operator.weight.source == "fixed" else outputs * width * joined
    return summed + _predicting(whole, outputs, width) + _projecting(whole, _outputs(whole))


# Counting


def _joined(connection: Connection) -> int:
    """Entries of the channel table; taps of a band that meet no channel read 0 and are counted."""
    channel = connection.operator.channel
    if channel.connect == "local":
        return core_channels(connection) * channel.size
    return int((channel_orbits(connection) >= 0).sum())


def _outputs(connection: Connection) -> int:
    height, width = as_map(connection.out_grid)
    return connection.tokens + height * width


def _predicting(connection: Connection, outputs: int, width: int) -> int:
    """Predictor layers once per context, or q·k: one product per channel, slot and output, and a
    network once per offset; every head with every head at each slot, where they are mixed."""
    weight, channels = connection.operator.weight, connection.in_channels
    if weight.source == "pair":
        heads = unit_count(connection)
        mixings = {"none": 0, "both": 2}.get(weight.talking_heads, 1)
        compared = outputs * width * (channels + mixings * heads * heads)
        if weight.position != "continuous":
            return compared
        return compared + len(listed_offsets(connection)) * weight.hidden * (2 + heads)
    if weight.source == "channels":
        return (connection.tokens + _area(connection.in_grid)) * _joined(connection)
    if weight.source not in ("pooled", "center"):
        return 0
    contexts = outputs if weight.source == "center" else 1
    if weight.source == "center" and connection.operator.space.connect == "outlook":
        contexts = len(table(connection).outputs)
    entering = channels * (weight.extent**2 if weight.source == "center" else 1)
    leaving = unit_count(connection) * table(connection).orbits
    predictor = weight.predictor
    if predictor is not None and predictor.experts is not None:
        return contexts * predictor.experts * (entering + leaving)
    if predictor is None or predictor.reduction is None:
        return contexts * entering * leaving
    return contexts * (channels // predictor.reduction) * (entering + leaving)


def _projecting(connection: Connection, outputs: int) -> int:
    """Query, key and value rows over what they read, and the output projection."""
    operator, channels = connection.operator, connection.in_channels
    entering = connection.tokens + _area(connection.in_grid)
    value = channels if operator.frame.value else 0
    count = value * channels * entering
    if operator.weight.source in ("pair", "channels"):
        reads = entering if connection.key_grid is None else _area(connection.key_grid)
        made = key_width(connection) * (2 if operator.frame.value else 1)
        count = channels * channels * entering + made * channels * reads
    if operator.frame.output:
        count += core_channels(connection) * connection.out_channels * outputs
    return count


def _area(grid: Size | None) -> int:
    height, width = as_map(grid)
    return height * width

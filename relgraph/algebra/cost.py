"""What a connection costs, in closed form: multiply-adds and the memory of its activations.

In: a `Connection`. Out: integers for one image. Multiply-adds are the products of the reference
semantics (DESIGN 6): slots × connected channels × outputs, with zero, masked and empty slots and
the positions that `pad` adds counted, as the usual implementations do; the products that predict
weights; and the projections. Biases, normalisations and given (`fixed`) weights count nothing.
"""

from __future__ import annotations

import math

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection, compares
from relgraph.algebra.parameters import (
    channel_shape,
    core_channels,
    key_channels,
    offset_count,
    space_shape,
)


def macs(connection: Connection) -> int:
    """Multiply-adds of the connection with its frame, for one image."""
    return core_macs(connection) + predictor_macs(connection) + projection_macs(connection)


def core_macs(connection: Connection) -> int:
    """Products of the sum itself: outputs × slots × joined pairs of channels."""
    if connection.operator.weight.source == "fixed":
        return 0
    return entries(connection) * joined_channels(connection)


def entries(connection: Connection) -> int:
    """Pairs of an output and a slot; of an outlook those of all windows, which stand at the border
    as inside the map."""
    space = connection.operator.space
    if space.connect == "outlook":
        return contexts(connection) * math.prod(space.size) ** 2
    return outputs(connection) * width(connection)


def contexts(connection: Connection) -> int:
    """Places at which a `center` source predicts weights: outputs, or the windows of an outlook."""
    space = connection.operator.space
    if space.connect == "outlook":
        return math.prod(geometry.window_grid(space, connection.in_grid))
    return outputs(connection)


def predictor_macs(connection: Connection) -> int:
    """Products that make weights: q · k (of channels over all places), what makes its bias and what
    mixes heads, or the predictor's layers once per context."""
    weight, channels = connection.operator.weight, connection.in_channels
    if weight.source == "pair":
        compared = outputs(connection) * width(connection) * channels
        return compared + _position_macs(connection) + _talking_macs(connection)
    if weight.source == "channels":
        return inputs(connection) * joined_channels(connection)
    if weight.source not in ("pooled", "center"):
        return 0
    times = contexts(connection) if weight.source == "center" else 1
    entering = channels * (weight.extent**2 if weight.source == "center" else 1)
    leaving = functions(connection)
    hidden = None if weight.predictor is None else weight.predictor.width(channels)
    if hidden is None:
        return times * entering * leaving
    return times * hidden * (entering + leaving)


def _position_macs(connection: Connection) -> int:
    """Products of the network behind a continuous position bias, once for each offset."""
    weight = connection.operator.weight
    if weight.position != "continuous":
        return 0
    leaving = math.prod(channel_shape(connection))
    return offset_count(connection) * weight.hidden * (2 + leaving)


def _talking_macs(connection: Connection) -> int:
    """Products of heads with heads at every pair of an output and a slot, once for each mixing."""
    weight, heads = connection.operator.weight, math.prod(channel_shape(connection))
    return (weight.mixes_logits + weight.mixes_weights) * entries(connection) * heads**2


def projection_macs(connection: Connection) -> int:
    """Products of query, key, value and output projections."""
    operator, channels = connection.operator, connection.in_channels
    value = channels if operator.frame.value else 0
    products = value * channels * inputs(connection)
    if compares(operator):
        keys = geometry.area(connection.key_grid) if connection.key_grid else inputs(connection)
        made = key_channels(connection) * (2 if operator.frame.value else 1)
        products = channels * channels * inputs(connection) + made * channels * keys
    if operator.frame.output:
        products += core_channels(connection) * connection.out_channels * outputs(connection)
    return products


def functions(connection: Connection) -> int:
    """Orbits of both axes together: numbers for static weights, functions for predicted ones."""
    return math.prod(channel_shape(connection)) * math.prod(space_shape(connection))


def inputs(connection: Connection) -> int:
    """Places that come in, extra tokens and completion counted."""
    grid = geometry.completed(connection.operator.space, connection.in_grid)
    return connection.tokens + geometry.area(grid)


def outputs(connection: Connection) -> int:
    """Places that are computed, extra tokens and completion counted."""
    space = connection.operator.space
    grid = geometry.completed(space, connection.out_grid) if space.pad else connection.out_grid
    return connection.tokens + geometry.area(grid)


def width(connection: Connection) -> int:
    """Slots of one output; of an outlook, of one that lies in as many windows as it can."""
    space = connection.operator.space
    if space.connect == "outlook":
        return geometry.windows_at_most(space) * math.prod(space.size)
    grid = geometry.as_map(geometry.completed(space, connection.in_grid))
    if space.connect == "local":
        return math.prod(space.size)
    if space.connect == "axial":
        return sum(grid) - 1
    if space.connect == "full":
        return connection.tokens + geometry.area(connection.key_grid or connection.in_grid)
    return math.prod(geometry.read_extent(space, grid))


def joined_channels(connection: Connection) -> int:
    """Pairs of an output and an input channel that are connected."""
    channel = connection.operator.channel
    if channel.connect == "separate":
        return connection.in_channels
    if channel.connect == "local":  # taps beyond the first and the last channel are counted too
        return connection.in_channels * channel.size
    groups = channel.groups if channel.connect == "groups" else 1
    return core_channels(connection) * (connection.in_channels // groups)


def activation_elements(connection: Connection) -> int:
    """Numbers that one training step keeps for the backward pass, for one image, about.

    What comes in and out, the projections (query, key, value), the predicted weights, and under a
    normalisation the weights after it. Neighbourhoods are not kept: good lowerings recompute them.
    """
    operator = connection.operator
    kept = connection.in_channels * inputs(connection)
    kept += connection.out_channels * outputs(connection)
    kept += _projected(connection) + _weights(connection)
    if operator.frame.output:
        kept += core_channels(connection) * outputs(connection)
    return kept


def _projected(connection: Connection) -> int:
    channels, operator = connection.in_channels, connection.operator
    value = channels if operator.frame.value else 0
    if not compares(operator):
        return value * inputs(connection)
    keys = geometry.area(connection.key_grid) if connection.key_grid else inputs(connection)
    made = key_channels(connection) * (2 if operator.frame.value else 1)
    return channels * inputs(connection) + made * keys


def _weights(connection: Connection) -> int:
    """Weights that are values of the computation; static ones are parameters, not activations."""
    weight = connection.operator.weight
    if weight.source in ("static", "fixed"):
        return 0
    units = math.prod(channel_shape(connection))
    if weight.source in ("pooled", "channels"):
        return functions(connection)
    if weight.source == "center" and weight.normalize == "none":
        return functions(connection) * contexts(connection)
    mixings = weight.mixes_logits + weight.mixes_weights
    return units * entries(connection) * (1 + mixings)

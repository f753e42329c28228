"""Weights that change with the image into weights that do not, by values that enter the layer.

In: a connection whose W depends on its input; a target that is static, a connection or factors;
what enters the source on calibration images. Out: by choice the static weights nearest in W
(`weights`: the mean over the images, projected as any static weight is) or in outputs (`outputs`:
the normal equations), and both relative errors. Projections around the core are carried; a target
that lacks them gets the mean multiplied out.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Frame
from relgraph.algebra.parameters import core_channels, weight_shape
from relgraph.program import Connect, Scope
from relgraph.transfer import frame
from relgraph.transfer.axes import channel_axis, space_axis
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.connection import carry_connection, loses_frame
from relgraph.transfer.functions import Axes
from relgraph.transfer.linear import Multiplied, multiplied
from relgraph.transfer.projection.chain import norm2, not_plain, on_hull
from relgraph.transfer.projection.factored import factored
from relgraph.transfer.projection.frozen import Frozen, chunks, frozen, stand_in
from relgraph.transfer.projection.regression import fitted
from relgraph.verify.reference import run_connect, run_scope

MEAN = "the mean of W over {0} images, and of it {1}"
FITTED = "least squares of the outputs on {0} images"
NO_IMAGES = "with images there is a nearest one: --calibrate"
_INSIDE = "operator"
_IMAGES = 16  # run at once


def nearest_in_weights(
    source: Connect | Scope,
    target: Connect | Scope,
    tensors: Tensors,
    fresh: Tensors,
    inputs: Tensor | None,
) -> Carried | Refused:
    """The mean of W, carried as the static weight that it is."""
    made = _frozen(source, tensors, inputs)
    if isinstance(made, Refused):
        return made
    assert isinstance(source, Connect) and inputs is not None, "refused above"
    carried = _static_into(source, made, target, fresh)
    if isinstance(carried, Refused):
        return carried
    how = carried.reason or "nothing lost"
    error = None
    if carried.error is not None and not _multiplied_in(source, target):
        error = (made.spread + carried.error**2 * (1 - made.spread)) ** 0.5
    return _told(source, target, tensors, inputs, (carried, MEAN.format(len(inputs), how), error))


def nearest_in_outputs(
    source: Connect | Scope,
    target: Connect | Scope,
    tensors: Tensors,
    fresh: Tensors,
    inputs: Tensor | None,
) -> Carried | Refused:
    """The least-squares optimum of the core's outputs, or of all outputs where the target lacks
    projections; from the mean of W where values are few, from 0 where keys stand on another map."""
    if not isinstance(target, Connect):
        return Refused("outputs of several factors are no linear function of their weights")
    made = _frozen(source, tensors, inputs, keys=True)
    if isinstance(made, Refused):
        return made
    assert isinstance(source, Connect) and inputs is not None, "refused above"
    start = _static_into(source, made, target, fresh)
    if isinstance(start, Refused):
        return start
    refused = not_plain(target)
    lost = loses_frame(source.connection, target.connection)
    if refused is None and lost and target.connection.operator.frame != Frame():
        refused = Refused("one of two projections that the target does not have")
    if refused is not None:
        return refused
    carried = _refitted(source, target, tensors, start, inputs)
    if isinstance(carried, Refused):
        return carried
    known = not lost and source.connection.key_grid is None
    error = _error_w(made, target, carried.tensors) if known else None
    return _told(source, target, tensors, inputs, (carried, FITTED.format(len(inputs)), error))


def _frozen(
    source: Connect | Scope, tensors: Tensors, inputs: Tensor | None, keys: bool = False
) -> Frozen | Refused:
    """With `keys`, one whose keys stand on another map gets zeros in the place of a mean."""
    if not isinstance(source, Connect):
        return Refused("the source is no single connection whose W changes with the image")
    if source.connection.operator.weight.source not in ("pooled", "center", "pair", "channels"):
        return Refused("the source's weights do not change with the image")
    if inputs is None or not len(inputs):
        return Refused(NO_IMAGES, needs_images=True)
    if keys and source.connection.key_grid is not None:
        return stand_in(source.connection, tensors)
    return frozen(source.connection, tensors, inputs)


def _multiplied_in(source: Connect, target: Connect | Scope) -> bool:
    """Whether projections of the source have no place of their own in the target."""
    if isinstance(target, Connect):
        return loses_frame(source.connection, target.connection)
    return source.connection.operator.frame != Frame()


def _static_into(
    source: Connect, made: Frozen, target: Connect | Scope, fresh: Tensors
) -> Carried | Refused:
    """The mean as the target's weights: with the frame, or the frame multiplied in."""
    if isinstance(target, Scope):
        return factored(
            replace(source, connection=made.connection, reduce=None), target, made.tensors, fresh
        )
    carried = carry_connection(made.connection, target.connection, made.tensors, fresh)
    if isinstance(carried, Carried) and carried.method != "partial":
        return carried
    node = replace(source, connection=made.connection, attr=_INSIDE, reduce=None)
    named = {f"{_INSIDE}.{name}": tensor for name, tensor in made.tensors.items()}
    whole = multiplied((node,), source.input, named)
    if isinstance(whole, Refused):
        return carried if isinstance(carried, Refused) else whole
    again = carry_connection(whole.connection, target.connection, whole.tensors, fresh)
    if isinstance(again, Carried) and again.method == "partial":
        return Refused(again.reason)
    return again


def _refitted(
    source: Connect, target: Connect, tensors: Tensors, start: Carried, inputs: Tensor
) -> Carried | Refused:
    """`start` with the core's weight, and its bias per channel, fitted to what comes out of the
    source's core, or behind its projections where the target lacks them."""
    lost = loses_frame(source.connection, target.connection)
    core = source if lost else _without_output(source)
    doubles, own = double(tensors), double(start.tensors)
    wanted = torch.cat([outputs_of(core, doubles, one) for one in chunks(inputs, _IMAGES)])
    connection = target.connection
    values = inputs.double()
    if connection.operator.frame.value:
        bias = own.get("value.bias")
        values = torch.nn.functional.linear(values, own["value.weight"], bias)
    alone = replace(
        connection,
        operator=replace(connection.operator, frame=Frame()),
        out_channels=core_channels(connection),
    )
    shape = channel_axis(alone).orbits, space_axis(alone).orbits
    biased = connection.operator.bias == "channels"
    given = frame.spread(connection.operator.bias, connection, own)
    rest = wanted if given is None else wanted - given.T
    found = fitted(alone, own["weight"].reshape(shape), values, rest, biased)
    if isinstance(found, Refused):
        return found
    made = {**start.tensors, "weight": found.weight.reshape(weight_shape(connection))}
    if found.bias is not None:
        made["bias"] = own["bias"] + found.bias
    stored = {name: made[name].to(tensor.dtype) for name, tensor in start.tensors.items()}
    return Carried("projection", stored)


def _without_output(source: Connect) -> Connect:
    """The core as values leave it, before the output projection."""
    operator = source.connection.operator
    bare = replace(operator, frame=replace(operator.frame, output=False))
    width = core_channels(source.connection)
    core = replace(source.connection, operator=bare, out_channels=width)
    return replace(source, connection=core, output=replace(source.output, channels=width))


def _error_w(made: Frozen, target: Connect, tensors: Tensors) -> float:
    """‖W_target − W_image‖ / ‖W_image‖ over all images: what the images differ by, and the rest."""
    connection = target.connection
    hull = Axes(channel_axis(connection), space_axis(connection))
    start = on_hull(Multiplied(made.connection, made.tensors), hull)
    theta = tensors["weight"].double().reshape(start.theta.shape)
    rest = (start.lost + norm2(start.theta - theta, hull)) / start.square
    return float((made.spread + rest * (1 - made.spread)) ** 0.5)


def _told(
    source: Connect,
    target: Connect | Scope,
    tensors: Tensors,
    inputs: Tensor,
    made: tuple[Carried, str, float | None],
) -> Carried:
    """The answer with its error in outputs. That in W compares with the W of all images, and is
    None where projections were multiplied in."""
    carried, reason, error = made
    outputs = output_error((source, tensors), (target, carried.tensors), inputs)
    return Carried("projection", carried.tensors, reason, error, outputs)


Loaded = tuple[Connect | Scope, Tensors]


def output_error(source: Loaded, target: Loaded, inputs: Tensor) -> float:
    """‖y_target − y_source‖ / ‖y_source‖ over all outputs, by the reference interpreter."""
    own, other = (double(tensors) for _, tensors in (source, target))
    missing = square = 0.0
    for batch in chunks(inputs, _IMAGES):
        wanted, got = outputs_of(source[0], own, batch), outputs_of(target[0], other, batch)
        missing += float((got - wanted).square().sum())
        square += float(wanted.square().sum())
    return (missing / square) ** 0.5 if square else 0.0


def outputs_of(node: Connect | Scope, tensors: Tensors, x: Tensor) -> Tensor:
    """An operator's outputs, (B, T + P, C) → (B, T + P, D), norms in evaluation mode."""
    if isinstance(node, Scope):
        return run_scope(node, tensors, x)
    named = {f"{_INSIDE}.{name}": tensor for name, tensor in tensors.items()}
    return run_connect(node, _INSIDE, named, x)


def double(tensors: Tensors) -> dict[str, Tensor]:
    """All numbers in float64."""
    return {n: t.double() if t.dtype.is_floating_point else t for n, t in tensors.items()}

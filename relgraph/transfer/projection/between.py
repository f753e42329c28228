"""Factors with norms or activations between them: no W has such factors, so values decide.

In: a linear source, a target whose factors have elements between them, what enters the source on
calibration images. Out: the factors of the linear projection, as if nothing stood between; batch
norms with the statistics of these images; then the last factor by least squares of the outputs,
given what reaches it. No optimum over all factors, and reported as what it is.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Frame
from relgraph.algebra.parameters import weight_shape
from relgraph.assemble.elements import ACTIVATIONS
from relgraph.assemble.naming import NORMS
from relgraph.program import Connect, Element, Scope
from relgraph.transfer import frame
from relgraph.transfer.axes import channel_axis, space_axis
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.linear import AFFINE
from relgraph.transfer.projection.calibrated import double, output_error, outputs_of
from relgraph.transfer.projection.factored import factored
from relgraph.transfer.projection.frozen import chunks
from relgraph.transfer.projection.regression import fitted
from relgraph.verify.values import join

REASON = "linear factors, then the last one by least squares of the outputs on {0} images"
NO_IMAGES = "{0} stands between the factors: no W has such factors, images decide (--calibrate)"
_IMAGES = 16  # run at once


def with_elements(
    source: Connect | Scope, target: Scope, tensors: Tensors, fresh: Tensors, inputs: Tensor | None
) -> Carried | Refused:
    """The last factor's optimum, behind factors of the linear projection."""
    between = [node for node in target.body if isinstance(node, Element) and _is_between(node)]
    if not between:
        return Refused("nothing stands between the factors")
    if inputs is None or not len(inputs):
        bends = next((node for node in between if node.word not in AFFINE), between[0])
        return Refused(NO_IMAGES.format(bends.word), needs_images=True)
    last = target.body[-1]
    if not isinstance(last, Connect) or last.connection.operator.frame != Frame():
        return Refused("the target does not end in a connection without projections")
    bare = replace(target, body=tuple(node for node in target.body if not _is_between(node)))
    linear = factored(source, bare, tensors, fresh)
    if isinstance(linear, Refused):
        return linear
    made = {**double(fresh), **double(linear.tensors)}
    made |= _statistics(target, made, inputs)
    features = torch.cat([_before(target, made, one) for one in chunks(inputs, _IMAGES)])
    own = double(tensors)
    wanted = torch.cat([outputs_of(source, own, one) for one in chunks(inputs, _IMAGES)])
    refitted = _refitted(last, made, features, wanted)
    if isinstance(refitted, Refused):
        return refitted
    stored = {n: (made | refitted)[n].to(fresh[n].dtype) for n in fresh}
    error = output_error((source, tensors), (target, stored), inputs)
    return Carried("projection", stored, REASON.format(len(inputs)), None, error)


def _is_between(node: object) -> bool:
    if not isinstance(node, Element):
        return False
    return node.word in NORMS or node.word in ACTIVATIONS or node.word in ("dropout", "drop_path")


def _statistics(target: Scope, made: Tensors, inputs: Tensor) -> dict[str, Tensor]:
    """Running means and variances of the target's batch norms on these images, first ones first."""
    found: dict[str, Tensor] = {}
    for at, node in enumerate(target.body):
        if not isinstance(node, Element) or node.word != "batch_norm":
            continue
        part = _until(target, at)
        reached = [run_part(part, {**made, **found}, one) for one in chunks(inputs, _IMAGES)]
        values = torch.cat(reached).flatten(0, 1)
        found[join(node.attr, "running_mean")] = values.mean(0)
        found[join(node.attr, "running_var")] = values.var(0)
    return found


def _until(target: Scope, at: int) -> Scope:
    """The target without its items from `at` on."""
    output = target.body[at].input
    return replace(target, body=target.body[:at], output=output)


def run_part(part: Scope, tensors: Tensors, x: Tensor) -> Tensor:
    """The first items of an operator; none hand on what they get."""
    return outputs_of(part, tensors, x) if part.body else x


def _before(target: Scope, made: Tensors, x: Tensor) -> Tensor:
    return run_part(_until(target, len(target.body) - 1), made, x)


def _refitted(
    last: Connect, made: Tensors, features: Tensor, wanted: Tensor
) -> dict[str, Tensor] | Refused:
    """The last factor's weight, and its bias where that is one per channel."""
    connection = last.connection
    shape = channel_axis(connection).orbits, space_axis(connection).orbits
    start = made[join(last.attr, "weight")].reshape(shape)
    bias = join(last.attr, "bias")
    own = {"bias": made[bias]} if bias in made else {}
    given = frame.spread(connection.operator.bias, connection, own)
    rest = wanted if given is None else wanted - given.T
    found = fitted(connection, start, features, rest, connection.operator.bias == "channels")
    if isinstance(found, Refused):
        return found
    answer = {join(last.attr, "weight"): found.weight.reshape(weight_shape(connection))}
    if found.bias is not None:
        answer[bias] = made[bias] + found.bias
    return answer

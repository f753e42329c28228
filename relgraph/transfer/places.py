"""What pairs know of places without a table of numbers, from one connection to another.

In: two pair connections, the source's tensors and the target's as a new model starts. Out: the
target's network behind a continuous position bias; whether queries and keys are turned alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.transfer.carried import Part, Tensors
from relgraph.verify.oracle_positions import listed_offsets

WITHOUT_NUMBERS = {
    "continuous": "a continuous position bias is what its network gives: no closed form finds it",
    "rotary": "turned queries and keys give no number that is the same for two offsets",
}
NETWORK_KEPT = "query · key is kept; the position bias is what a network gives, which starts fresh"
OTHER_COORDINATES = "query · key is kept; the same network on other offsets is another bias"
FEWER_UNITS = "query · key is kept; {0} hidden units of the position bias into {1}"


def turns(connection: Connection) -> float | None:
    """The temperature by which queries and keys are turned; None where they are not."""
    weight = connection.operator.weight
    return weight.temperature if weight.position == "rotary" else None


def silent(target: Connection, fresh: Tensors) -> dict[str, Tensor]:
    """The network of a bias that is the same for all offsets: its last layer is 0."""
    if target.operator.weight.position != "continuous":
        return {}
    own = {name: tensor.clone() for name, tensor in fresh.items() if name.startswith("cpb_mlp.")}
    own["cpb_mlp.2.weight"].zero_()
    return own


def network_of(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors, same: bool
) -> Part:
    """The target's network, where it has one; `same` tells that both have the same slots."""
    position = source.operator.weight.position
    if position == "none" and same and target.operator.weight.normalize == "softmax":
        return Part(silent(target, fresh))
    if position != "continuous":
        return Part({}, NETWORK_KEPT, None, "partial")
    units = source.operator.weight.hidden, target.operator.weight.hidden
    if units[0] > units[1]:
        return Part({}, FEWER_UNITS.format(*units), None, "partial")
    network = _wider(tensors, fresh)
    if not same or listed_offsets(source) != listed_offsets(target):
        return Part(network, OTHER_COORDINATES, None, "partial")
    return Part(network)


def _wider(tensors: Tensors, fresh: Tensors) -> dict[str, Tensor]:
    """The source's hidden units first; new ones start fresh, and nothing reads them yet."""
    made = {}
    for name in ("cpb_mlp.0.weight", "cpb_mlp.0.bias", "cpb_mlp.2.weight"):
        own = fresh[name].double().clone()
        before = tensors[name].double()
        if name == "cpb_mlp.2.weight":
            own = torch.zeros_like(own)
            own[:, : before.shape[1]] = before
        else:
            own[: len(before)] = before
        made[name] = own
    return made

"""Every tensor of a program, random at a scale that does not saturate.

In: a program. Out: what its state dict must hold (names and shapes), and draws of it: parameters
and norm statistics, variances positive. The numbers come from the program alone, never from the
file under proof, so that no edit of it can hide behind its own initialisation. Tables and masks
are no part of a state dict and are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.algebra.parameters import Parameter, buffers, parameters
from relgraph.assemble.elements import parameters as element_parameters
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Node, Program
from relgraph.verify.values import join

# Below 1, so that residual sums of deep models grow slowly and every norm's eps stays visible.
GAIN = 0.7


@dataclass(frozen=True)
class Entry:
    """One tensor of the state dict: `spread` is the standard deviation of its draws around
    `centre`, with `signed` of every second one around -`centre`; a statistic is a buffer of a norm,
    everything else a parameter."""

    name: str
    shape: tuple[int, ...]
    centre: float = 0.0
    spread: float = 0.3
    statistic: bool = False
    signed: bool = False

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


def inventory(program: Program) -> tuple[Entry, ...]:
    """The tensors that the model's state dict must hold, step counters aside."""
    return tuple(entry for path, node in nodes(program) for entry in entries(node, path))


def entries(node: Node, path: str = "") -> Iterator[Entry]:
    """The tensors of one connection (its reduction's aside) or element; other nodes have none."""
    if isinstance(node, Connect):
        for parameter in parameters(node.connection):
            yield _connection_entry(node.connection, path, parameter)
        for buffer in buffers(node.connection):
            if buffer.name.endswith(("running_mean", "running_var")):
                yield Entry(join(path, buffer.name), buffer.shape, statistic=True)
    if isinstance(node, Element):
        for parameter in element_parameters(node):
            yield _element_entry(node, path, parameter)
        if node.word == "batch_norm":
            for name in ("running_mean", "running_var"):
                yield Entry(join(path, name), (node.input.channels,), statistic=True)


def draw(listed: tuple[Entry, ...], seed: int) -> dict[str, Tensor]:
    """Float64 values for `listed`, the same for the same seed on every machine."""
    generator = torch.Generator().manual_seed(seed)
    return {entry.name: _values(entry, generator) for entry in listed}


def _values(entry: Entry, generator: torch.Generator) -> Tensor:
    if entry.name.endswith("running_var"):
        return torch.rand(entry.shape, generator=generator, dtype=torch.float64) + 0.5
    noise = torch.randn(entry.shape, generator=generator, dtype=torch.float64)
    values = entry.centre + entry.spread * noise
    if entry.signed:
        values.view(-1)[::2].neg_()
    return values


def _element_entry(element: Element, path: str, parameter: Parameter) -> Entry:
    name, shape = join(path, parameter.name), parameter.shape
    if parameter.name == "bias":
        return Entry(name, shape)
    if element.word == "classifier":
        return Entry(name, shape, spread=GAIN / math.sqrt(shape[1]))
    if element.word in ("position", "add_token"):
        return Entry(name, shape, spread=0.5)
    return Entry(name, shape, centre=1.0, signed=True)


def _connection_entry(connection: Connection, path: str, parameter: Parameter) -> Entry:
    name, shape = join(path, parameter.name), parameter.shape
    last = parameter.name.rpartition(".")[2]
    if parameter.name in ("norm.weight", "temperature"):
        return Entry(name, shape, centre=1.0, signed=True)
    terms = _terms(connection)
    if parameter.name == "weight":
        # Under a normalisation these are logits: of order 1, whatever the number of slots.
        normalized = connection.operator.weight.normalize != "none"
        return Entry(name, shape, spread=0.7 if normalized else GAIN / math.sqrt(terms))
    if parameter.name.startswith("expand."):
        # The predicted kernel's squared sum stays below 1, or y = w(x) x would grow like x².
        scale = 0.5 if connection.operator.weight.normalize != "none" else 0.5 / math.sqrt(terms)
        fan_in = shape[1] if last == "weight" else 1
        return Entry(name, shape, spread=scale / math.sqrt(fan_in))
    if last == "weight" and len(shape) > 1:
        return Entry(name, shape, spread=GAIN / math.sqrt(math.prod(shape[1:])))
    return Entry(name, shape, spread=0.7 if "position" in parameter.name else 0.3)


def _terms(connection: Connection) -> int:
    """About how many products one output adds up: slots times connected channels."""
    space, channel = connection.operator.space, connection.operator.channel
    sides = connection.key_grid or connection.in_grid or (1, 1)
    everything = sides[0] * sides[1] + connection.tokens
    if space.connect == "outlook":  # a place is read in several windows
        everything *= math.prod(space.size)
    slots = {
        "point": 1,
        "full": everything,
        "axial": sum(sides) - 1,
        "stripe": max(space.size) * max(sides),
        "outlook": math.prod(space.size) ** 2 // math.prod(space.step),
    }.get(space.connect, math.prod(space.size))
    channels = {
        "full": connection.in_channels,
        "groups": connection.in_channels // channel.groups,
        "separate": 1,
        "local": channel.size,
    }[channel.connect]
    return max(1, min(slots, everything) * channels)

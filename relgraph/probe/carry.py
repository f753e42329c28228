"""The linear map that a reading leaves: elements do nothing, frozen operands keep their values.

In: a reading, two nodes, the values of a context. Out: what probes at the first node become at the
second, and W[o, d, i, c] between places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx

from relgraph.probe.places import Places
from relgraph.probe.reading import Reading
from relgraph.probe.tape import Values

# Probes that are run together: bounds the memory of wide layers.
CHUNK = 512


@dataclass(frozen=True, eq=False)
class Way:
    """From `start` to `end` along the value; `nodes` are those between, in order."""

    reading: Reading
    start: fx.Node
    end: fx.Node
    nodes: tuple[fx.Node, ...]

    @classmethod
    def of(cls, reading: Reading, start: fx.Node, end: fx.Node) -> Way:
        """The way between two nodes of a reading."""
        return cls(reading, start, end, reading.between(start, end))

    @property
    def is_nothing(self) -> bool:
        """Whether it ends where it starts."""
        return self.start is self.end

    def carry(self, context: Values, probes: Tensor, seen: Sequence[fx.Node] = ()) -> list[Tensor]:
        """Probes (K, *shape of start) at the end, and at the nodes of `seen` before it."""
        wanted = (*seen, self.end)

        def one(probe: Tensor) -> tuple[Tensor, ...]:
            local = self.local(context, probe)
            return tuple(local[node] for node in wanted)

        with torch.no_grad():
            return list(torch.vmap(one, chunk_size=CHUNK)(probes))

    def local(self, context: Values, probe: Tensor) -> dict[fx.Node, Any]:
        """Every value between, for one probe of the shape of `start`."""
        local: dict[fx.Node, Any] = {self.start: probe}
        for node in self.nodes:
            if node is not self.start:
                local[node] = self._passed(node, local, context)
        return local

    def _passed(self, node: fx.Node, local: Mapping[fx.Node, Any], context: Values) -> Any:
        step = self.reading.step(node)
        if step.kind == "element":
            value = local[step.sources[0]]
            several = isinstance(context[node], tuple | list)
            return (value, None, None) if several else value
        live = {one for one in step.sources if one in local}
        return self.reading.tape.value(
            node, lambda one: local[one] if one in live else context[one]
        )

    def weights(
        self,
        context: Values,
        into: Places,
        out: Places,
        channels: Sequence[int] | None = None,
        place: int | None = None,
        outputs: Sequence[int] | None = None,
    ) -> Tensor:
        """W (O, D', I', C'): of all input places and channels, or of those asked for, and of all
        output channels, or of `outputs`."""
        chosen = list(range(into.channels)) if channels is None else list(channels)
        at = list(range(into.count)) if place is None else [place]
        basis = torch.zeros(len(at), len(chosen), into.count, into.channels, dtype=torch.float64)
        for number, channel in enumerate(chosen):
            basis[torch.arange(len(at)), number, at, channel] = 1.0
        kept = out if outputs is None else replace(out, entries=out.entries[:, list(outputs)])
        # A chunk at a time, of which only what is asked for is kept.
        made = [self.response(context, into, kept, one) for one in basis.flatten(0, 1).split(CHUNK)]
        shape = (len(at), len(chosen), kept.count, kept.channels)
        return torch.cat(made).view(shape).permute(2, 3, 0, 1)

    def response(self, context: Values, into: Places, out: Places, probes: Tensor) -> Tensor:
        """Probes (K, I, C) → (K, O, D), what the map gives for nothing taken off."""
        rest = out.read(self.carry(context, into.write(torch.zeros_like(probes[:1])))[0])
        return out.read(self.carry(context, into.write(probes))[0]) - rest

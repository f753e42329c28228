"""The properties of a measured link in words, each with what was seen.

In: a measurement and the operator that was made of it. Out: `Property`s. What could not be decided
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Operator
from relgraph.probe import channels
from relgraph.probe.findings import Property
from relgraph.probe.measuring import Measuring, rank_found
from relgraph.probe.query_biases import Biases


def space_properties(
    made: Measuring, operator: Operator, differs: Sequence[str]
) -> tuple[Property, ...]:
    """Connectivity and sharing over space."""
    slots = made.seen.sum(1)
    said = f"an output reads {_range(slots)} of {made.ends.inputs} places"
    product = ""
    if made.arrays.whole:
        outer = made.joined[None, :, None, :] & made.seen[:, None, :, None]
        if not torch.equal(outer, made.there):
            product = "; which places are read depends on the channel"
    found = Property(
        "connectivity over space",
        operator.space.connect,
        said + product,
        (bool(made.spaces) or operator.weight.fixed == "shift") and not product,
    )
    if operator.weight.source in ("pair", "fixed"):
        return (found,)
    bad = next((one for one in differs if one.startswith("sharing over space")), "")
    evidence = (
        bad.partition(": ")[2] if bad else f"the same classes in {len(made.arrays.contexts)} draws"
    )
    return found, Property("sharing over space", operator.space.share, evidence, not bad)


def channel_properties(made: Measuring, operator: Operator) -> tuple[Property, ...]:
    """Connectivity and sharing over channels."""
    channel = operator.channel
    d, c = made.joined.shape
    reads = made.joined.sum(1)
    said = f"an output channel reads {_range(reads)} of {c}"
    counts = {"groups": f" {channel.groups}", "local": f" {channel.size}"}
    words = channel.connect + counts.get(channel.connect, "")
    connected = channels.connected(made.joined[made.order.outputs][:, made.order.inputs])
    first = Property("connectivity over channels", words, said, connected is not None)
    if channel.connect == "full":
        return (first,)
    share = channel.share + (f" {channel.heads}" if channel.share == "heads" else "")
    seen = f"{d} output channels compared at {made.compared.shape[2]} entries"
    return first, Property("sharing over channels", share, seen, made.channel is not None)


def weight_properties(made: Measuring, operator: Operator) -> tuple[Property, ...]:
    """Dynamism, normalisation, rank, position bias."""
    found = made.dynamism
    rank, _, ranks_seen = rank_found(made, replace(operator, bias="none"))
    source = found.source or ""
    extent = f" {found.extent}×{found.extent}" if found.extent > 1 else ""
    listed = [Property("dynamism", source + extent, found.evidence, found.source is not None)]
    over = made.normalisation
    listed.append(Property("normalisation", over.word, over.beside, not over.beside))
    if made.score is not None:
        word, said = made.score.word, made.score.evidence
        listed.append(Property("score", word or "", said, word is not None))
    if ranks_seen:
        numbers = " ".join(map(str, rank.numbers)) if rank is not None else ""
        words = f"{rank.word} {numbers}".strip() if rank is not None else "full"
        listed.append(Property("rank", words, ranks_seen))
    at = made.position
    if at is not None:
        listed.append(Property("position", at.word or "", at.evidence, at.word is not None))
    keys = made.keys
    if keys is not None and not keys.differs:
        listed.append(
            Property("keys of heads", f"kv_heads {keys.count}", keys.evidence, keys.decided)
        )
    if made.biases is not None:
        listed += _biases(made.biases)
    if made.added is not None and made.added.there is not False:
        there = made.added.there
        listed.append(
            Property("bias of logits", "yes" * bool(there), made.added.evidence, there is not None)
        )
    return tuple(listed)


def _biases(found: Biases) -> Iterator[Property]:
    """Whether queries and keys have biases, as far as it shows."""
    for name, there in (("queries", found.query), ("keys", found.key)):
        if there is not None:
            said = "logits change with" if there else "no logit changes with"
            what = "features of length 0, or with the length of features"
            yield Property(f"bias of {name}", "yes" if there else "no", f"{said} {what}")


def _range(counts: Tensor) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"

"""Values of properties in words, as they stand before and after the arrow of an edit.

In: axis values of the algebra, and whether they stand for families. Out: short words, with numbers
only where they say something. It must not know relations or nodes.
"""

from __future__ import annotations

from relgraph.algebra.describe import sides
from relgraph.algebra.operator import Channel, Rank, Space, Weight


def connectivity(space: Space, families: bool) -> str:
    """`full`, `local 3×3`, `window 7×7`, `stripe of 2 rows`."""
    surrounded = space.halo != (0, 0)
    if families or space.connect in ("point", "full", "axial"):
        return f"{space.connect} with halo" if surrounded else space.connect
    if space.connect == "stripe":
        return f"stripe of {space.size[0 if space.along == 'rows' else 1]} {space.along}"
    around = f" with halo {sides(space.halo)}" if surrounded else ""
    every = "" if space.step == (1, 1) else f" every {sides(space.step)}"
    return f"{space.connect} {sides(space.size)}{every}{around}"


def rank(value: Rank | None, families: bool) -> str:
    """`full`, `reduce 2`, `scales 2, 4`."""
    if value is None:
        return "full"
    if families or not value.numbers:
        return value.word
    return f"{value.word} {', '.join(map(str, value.numbers))}"


def mixing(channel: Channel, families: bool) -> str:
    """`full`, `groups 4`, `local 3`, `separate`."""
    if channel.connect == "local" and not families:
        return f"local {channel.size}"
    if channel.connect != "groups" or families:
        return channel.connect
    return f"groups {channel.groups}"


def ties(channel: Channel, families: bool) -> str:
    """`none`, `heads 4`, `all`."""
    return f"heads {channel.heads}" if channel.share == "heads" and not families else channel.share


def source(weight: Weight, families: bool = False) -> str:
    """`static`, `center`, `center 3×3`, `pair with relative position`, `given shift by 0, 1`."""
    if weight.source == "fixed":
        rows, columns = weight.offset
        sized = any(weight.offset) and not families
        return f"given {weight.fixed}" + (f" by {rows}, {columns}" if sized else "")
    if weight.source == "center" and weight.extent > 1:
        return f"center {sides((weight.extent, weight.extent))}"
    scored = weight.source == "pair" and weight.score != "dot"
    name = f"pair by {weight.score}" if scored else weight.source
    name += f" with {weight.kv_heads} for keys" if weight.kv_heads is not None else ""
    name = name if weight.talking_heads == "none" else f"talking {name}"
    return name if weight.position == "none" else f"{name} with {weight.position} position"

"""The canonical form of an operator: one spelling for what is the same on every generic map.

In: a consistent operator (`rules.check`), with its widths where they are known. Out: the operator
that stands for its class, and a note for every rewrite, before → after. Sound on a generic map
(every size smaller than the map, the map divisible by all): one form means one class of functions.
Coincidences of special sizes are equalities of instances (`orbits`), not rewrites.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from relgraph.algebra import geometry
from relgraph.algebra.operator import (
    BLOCKS,
    HIDDEN,
    TEMPERATURE,
    TOGETHER,
    Border,
    Channel,
    ChannelShare,
    Operator,
    Padding,
    Space,
    SpaceShare,
    compares,
)


@dataclass(frozen=True)
class Canonical:
    """The canonical operator and, in order, why each rewrite changes nothing."""

    operator: Operator
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Widths:
    inputs: int | None
    outputs: int | None


_Rewrite = Callable[[Operator, _Widths], Operator]


def canonical(
    operator: Operator, in_channels: int | None = None, out_channels: int | None = None
) -> Canonical:
    """Rewrite until nothing changes. Idempotent; with widths, group counts that meet them too."""
    widths, notes = _Widths(in_channels, out_channels), []
    changed = True
    while changed:
        changed = False
        for note, rewrite in REWRITES:
            rewritten = rewrite(operator, widths)
            if rewritten != operator:
                operator, changed = rewritten, True
                notes.append(note)
    return Canonical(operator, tuple(notes))


def _space(operator: Operator, space: Space) -> Operator:
    return operator if space == operator.space else replace(operator, space=space)


def _one_slot(o: Operator, _: _Widths) -> Operator:
    """window 1, grid 1, local 1 → point."""
    space = o.space
    sized = space.connect in ("window", "grid", "local") and space.size == (1, 1)
    if not sized or o.weight.source == "pair" or o.weight.normalize in TOGETHER:
        return o
    if space.halo != (0, 0):
        return o
    padding: Padding = space.padding if space.connect == "local" else "half"
    point = Space("point", stride=space.stride, share=space.share, padding=padding)
    return replace(o, space=replace(point, border=space.border))


def _sliding(o: Operator, _: _Widths) -> Operator:
    """window 1 with a halo of h → local 2h + 1."""
    space = o.space
    if space.connect != "window" or space.size != (1, 1) or space.halo == (0, 0):
        return o
    rows, columns = (2 * around + 1 for around in space.halo)
    share: SpaceShare = "positions" if space.share == "windows" else space.share
    kernel = Space("local", size=(rows, columns), share=share, border=space.border)
    return replace(o, space=replace(kernel, rank=space.rank))


def _apart(o: Operator, _: _Widths) -> Operator:
    """outlook 2 every 2 → window 2: windows that do not overlap. Weights read at a centre stay: a
    window's centre is not each place's own."""
    space = o.space
    sides = list(zip(space.size, space.step, strict=True))
    if space.connect != "outlook" or any(side not in ((1, 1), (2, 2)) for side in sides):
        return o
    if o.weight.source == "center" and space.step != (1, 1):
        return o
    return replace(o, space=replace(space, connect="window", step=(1, 1)))


def _windows_of_one(o: Operator, _: _Widths) -> Operator:
    """point/windows and point/all → point/positions; full/windows → full/none."""
    shares: dict[tuple[str, str], SpaceShare] = {
        ("point", "windows"): "positions",
        ("point", "all"): "positions",
        ("full", "windows"): "none",
    }
    share = shares.get((o.space.connect, o.space.share))
    return o if share is None else replace(o, space=replace(o.space, share=share))


def _unread_geometry(o: Operator, _: _Widths) -> Operator:
    """Sizes, bands and dilations that the connectivity does not read → their defaults."""
    space = o.space
    sized = ("window", "grid", "local", "stripe", "outlook")
    size = space.size if space.connect in sized else (1, 1)
    if space.connect == "stripe":
        size = (size[0], 1) if space.along == "rows" else (1, size[1])
    rows, columns = (1 if k == 1 else d for k, d in zip(size, space.dilation, strict=True))
    along = space.along if space.connect == "stripe" else "rows"
    return _space(o, replace(space, size=size, dilation=(rows, columns), along=along))


def _shift_within(o: Operator, _: _Widths) -> Operator:
    """shift → shift modulo the window."""
    space = o.space
    if space.connect not in ("window", "stripe"):
        return o
    rows, columns = (s % n for s, n in zip(space.shift, space.size, strict=True))
    return _space(o, replace(space, shift=(rows, columns)))


def _centred_padding(o: Operator, _: _Widths) -> Operator:
    """A number, or same_tf, that puts every tap where half does → half."""
    space = o.space
    if space.padding == "half" or space.connect not in ("local", "point"):
        return o
    if not all(_is_centred(space, axis) for axis in geometry.AXES):
        return o
    return replace(o, space=replace(space, padding="half"))


def _is_centred(space: Space, axis: int) -> bool:
    """same_tf depends on the map's rest by the stride, so it must agree with half for every rest;
    a number keeps as many outputs as half only around an odd kernel."""
    size, dilation = geometry.kernel(space, axis)
    half = (size - 1) // 2 * dilation
    if isinstance(space.padding, str):
        rests = range(1, space.stride[axis] + 1)
        return all(max(geometry.span(space, axis) - rest, 0) // 2 == half for rest in rests)
    return size % 2 == 1 and space.padding[axis] == half


def _silent_border(o: Operator, _: _Widths) -> Operator:
    """A border that no slot and no offset meets, and mask where it means zero → the default."""
    border = o.space.border
    default: Border = "mask" if o.weight.normalize in TOGETHER else "zero"
    counted = o.weight.normalize in TOGETHER or o.weight.fixed == "average"
    absent = border in ("zero", "mask") and (not _crosses(o.space) or not counted)
    silent = absent or (border not in ("zero", "mask") and not _crosses(o.space) and not _rings(o))
    return _space(o, replace(o.space, border=default)) if silent else o


def _crosses(space: Space) -> bool:
    """Whether a slot may stand outside the map."""
    if space.connect == "local":  # padding 0 keeps whole kernels only
        return space.padding != (0, 0) and (space.size != (1, 1) or space.padding != "half")
    if space.connect == "point":
        return space.padding not in ("half", (0, 0))
    if space.connect == "outlook":
        return any((k - 1) // 2 or k // 2 >= s for k, s in zip(space.size, space.step, strict=True))
    return space.shift != (0, 0) or space.halo != (0, 0)


def _rings(o: Operator) -> bool:
    """Whether offsets count modulo the map under wrap: where a block or cross spans an axis."""
    by_offset = o.space.share == "positions" or o.weight.position in ("relative", "continuous")
    return by_offset and o.space.connect in ("stripe", "grid", "full", "axial")


def _coarse_inside(o: Operator, _: _Widths) -> Operator:
    """blocks/none + scales → blocks/none: every coarse entry is one of the block's own."""
    rank = o.space.rank
    inside = o.space.connect in BLOCKS and o.space.share == "none" and o.weight.source == "static"
    if rank is None or rank.word != "scales" or not inside:
        return o
    return replace(o, space=replace(o.space, rank=None))


def _one_group(o: Operator, widths: _Widths) -> Operator:
    """groups 1 → full; groups or bands of one channel → separate; counts nobody reads → 1."""
    channel = o.channel
    if channel.connect == "local" and channel.size == 1:
        channel = replace(channel, connect="separate")
    groups = channel.groups if channel.connect == "groups" else 1
    share: ChannelShare = channel.share
    alone = o.weight.source != "channels"  # what a head of one channel is compared with
    if channel.connect == "groups" and groups == 1:
        channel = Channel("full", rank=channel.rank)
    elif channel.connect == "groups" and groups == widths.inputs == widths.outputs and alone:
        channel = Channel("separate", share=share) if channel.rank is None else channel
    if channel.connect == "separate" and channel.share == "heads":
        if channel.heads == 1:
            channel = replace(channel, share="all")
        elif channel.heads == widths.inputs:
            channel = replace(channel, share="none")
    heads = channel.heads if channel.share == "heads" else 1
    channel = replace(
        channel,
        groups=groups if channel.connect == "groups" else 1,
        heads=heads,
        size=channel.size if channel.connect == "local" else 1,
    )
    return o if channel == o.channel else replace(o, channel=channel)


def _given_weights(o: Operator, _: _Widths) -> Operator:
    """Given weights have no orbits to share; one slot's average, a shift by nothing, and any
    identity, is a point's identity."""
    if o.weight.source != "fixed":
        return o
    space = replace(o.space, share="none")
    still = o.weight.fixed == "shift" and o.weight.offset == (0, 0)
    given = still or space.connect == "point"
    weight = replace(o.weight, fixed="identity") if given else o.weight
    if weight.fixed == "identity" and space.padding == "half" and space.connect != "point":
        space = Space("point", stride=space.stride)
    return replace(o, space=space, channel=Channel("separate"), weight=weight)


def _one_tap(o: Operator, _: _Widths) -> Operator:
    """shift → the smallest centred kernel that has its tap."""
    space = o.space
    if o.weight.fixed != "shift" or space.connect != "local" or space.padding != "half":
        return o
    rows, columns = (2 * abs(step) + 1 for step in o.weight.offset)
    return _space(o, replace(space, size=(rows, columns)))


def _squashed_number(o: Operator, _: _Widths) -> Operator:
    """static + sigmoid → static: a number through a sigmoid is another way to write a number."""
    if o.weight.source != "static" or o.weight.normalize != "sigmoid":
        return o
    return replace(o, weight=replace(o.weight, normalize="none"))


def _own_keys(o: Operator, widths: _Widths) -> Operator:
    """As many keys as heads → every head has its own."""
    if o.weight.kv_heads is None:
        return o
    heads = {"none": widths.inputs, "heads": o.channel.heads, "all": 1}[o.channel.share]
    return replace(o, weight=replace(o.weight, kv_heads=None)) if o.weight.kv_heads == heads else o


def _unread_options(o: Operator, _: _Widths) -> Operator:
    """Biases of absent projections, options of an absent hidden layer → their defaults."""
    weight, frame = o.weight, o.frame
    if not compares(o):
        weight = replace(weight, qkv_bias=True)
    if not weight.qkv_bias:
        weight = replace(weight, key_bias=True)
    if weight.position != "continuous":
        weight = replace(weight, hidden=HIDDEN)
    if weight.position != "rotary":
        weight = replace(weight, temperature=TEMPERATURE)
    if weight.predictor is not None and weight.predictor.width(1) is None:
        weight = replace(weight, predictor=None)
    if not frame.value or compares(o):  # their values are rows of qkv
        frame = replace(frame, value_bias=True)
    if not frame.output:
        frame = replace(frame, output_bias=True)
    return replace(o, weight=weight, frame=frame)


REWRITES: tuple[tuple[str, _Rewrite], ...] = (
    ("windows of an outlook that do not overlap are windows", _apart),
    ("a block or kernel of one place is a point connection", _one_slot),
    ("windows of one place with a halo are neighbourhoods that slide", _sliding),
    ("one slot has one orbit, one window none to share with", _windows_of_one),
    ("a size that the connectivity does not read says nothing", _unread_geometry),
    ("a shift by whole windows moves nothing", _shift_within),
    ("the padding centres the kernel: that is `half`", _centred_padding),
    ("no slot meets the border", _silent_border),
    ("coarse scales are already inside a block with a weight for every entry", _coarse_inside),
    ("one group is all channels, one channel a group is separate, one head all", _one_group),
    ("given weights have nothing to share", _given_weights),
    ("a shift reads one tap, whatever the kernel", _one_tap),
    ("a static number through a sigmoid is another number", _squashed_number),
    ("as many keys as heads are every head's own", _own_keys),
    ("an option of what is not there says nothing", _unread_options),
)

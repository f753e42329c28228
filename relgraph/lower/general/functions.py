"""Functions that emitted general lowerings call to compute their index tables.

Goes in: nothing. Comes out: definitions, the text of one function each. All of them compute on the
CPU, so that a module can be built on the meta device and still know its tables' sizes.
"""

from __future__ import annotations

from relgraph.lower.module import Definition

CROSS = Definition(
    "cross",
    '''\
def cross(rows: Tensor, columns: Tensor, width: int) -> Tensor:
    """Rows (n, a) and columns (m, b) to positions (n * m, a * b), -1 where either is outside."""
    y, x = rows[:, None, :, None], columns[None, :, None, :]
    position = torch.where((y < 0) | (x < 0), -1, y * width + x)
    return position.flatten(2).flatten(0, 1)''',
)

_INSIDE = {
    "keep_inside": '''\
def keep_inside(place: Tensor, length: int) -> Tensor:
    """-1 for places outside 0, ..., length - 1."""
    return torch.where((place < 0) | (place >= length), -1, place)''',
    "wrap_round": '''\
def wrap_round(place: Tensor, length: int) -> Tensor:
    """Places outside 0, ..., length - 1 come in again on the other side."""
    return place % length''',
    "clamp_inside": '''\
def clamp_inside(place: Tensor, length: int) -> Tensor:
    """Places outside 0, ..., length - 1 become the nearest one inside."""
    return place.clamp(0, length - 1)''',
    "reflect_inside": '''\
def reflect_inside(place: Tensor, length: int) -> Tensor:
    """Places outside 0, ..., length - 1 are mirrored at the first and the last one."""
    return length - 1 - (length - 1 - place.abs()).abs()''',
}
INSIDE: dict[str, Definition] = {
    border: Definition(name, _INSIDE[name])
    for border, name in {
        "zero": "keep_inside",
        "mask": "keep_inside",
        "wrap": "wrap_round",
        "clamp": "clamp_inside",
        "reflect": "reflect_inside",
    }.items()
}
KEEP_INSIDE = Definition("keep_inside", _INSIDE["keep_inside"])

NUMBER_LIVE = Definition(
    "number_live",
    '''\
def number_live(live: Tensor) -> Tensor:
    """Live entries counted output by output, -1 for all others."""
    return torch.where(live, live.flatten().cumsum(0).view(live.shape) - 1, -1)''',
)

GATHER = Definition(
    "gather",
    '''\
def gather(x: Tensor, index: Tensor) -> Tensor:
    """(..., P, C) at positions (n, k) -> (..., n, k, C); position -1 reads 0."""
    return F.pad(x, (0, 0, 0, 1))[..., index, :]''',
)

OVERLAPPING_PLACES = Definition(
    "overlapping_places",
    '''\
def overlapping_places(length: int, size: int, step: int) -> Tensor:
    """The places of the window around every step-th place, some outside: (windows, size)."""
    centers = torch.arange(0, length, step, device="cpu")
    return centers[:, None] + torch.arange(size, device="cpu") - (size - 1) // 2''',
)

BLOCK_OFFSETS = Definition(
    "block_offsets",
    '''\
def block_offsets(size: tuple[int, int], table_size: tuple[int, int]) -> Tensor:
    """Number of the offset input - output for each pair of places in a block: (places, places).

    A table for blocks of h x w holds (2h - 1)(2w - 1) offsets and serves smaller blocks too.
    """
    place = torch.arange(size[0] * size[1], device="cpu")
    y, x = place // size[1], place % size[1]
    dy = y[None, :] - y[:, None] + table_size[0] - 1
    dx = x[None, :] - x[:, None] + table_size[1] - 1
    return dy * (2 * table_size[1] - 1) + dx''',
)

HALO_OFFSETS = Definition(
    "halo_offsets",
    '''\
def halo_offsets(size: int, halo: int, table_size: int, table_halo: int) -> Tensor:
    """Number of the offset input - output along an axis for each output in a block and each input
    that it reads: (size, size + 2 halo). A table for larger blocks serves smaller ones, too.
    """
    reads = torch.arange(-halo, size + halo, device="cpu")
    step = reads[None, :] - torch.arange(size, device="cpu")[:, None]
    return step + table_size + table_halo - 1''',
)

RING_OFFSETS = Definition(
    "ring_offsets",
    '''\
def ring_offsets(size: tuple[int, int], ring: tuple[bool, bool]) -> Tensor:
    """Number of the offset input - output for each pair of places in a block: (places, places).

    On an axis that is a ring, h places have h offsets; otherwise 2h - 1.
    """
    place = torch.arange(size[0] * size[1], device="cpu")
    y, x = place // size[1], place % size[1]
    dy, dx = y[None, :] - y[:, None], x[None, :] - x[:, None]
    dy = dy % size[0] if ring[0] else dy + size[0] - 1
    dx = dx % size[1] if ring[1] else dx + size[1] - 1
    return dy * (size[1] if ring[1] else 2 * size[1] - 1) + dx''',
)

HALO_PLACES = Definition(
    "halo_places",
    '''\
def halo_places(length: int, size: int, halo: int) -> Tensor:
    """What each block reads along an axis, possibly outside: (length / size, size + 2 halo)."""
    first = torch.arange(0, length, size, device="cpu")
    return first[:, None] + torch.arange(-halo, size + halo, device="cpu")''',
)

BLOCK_PLACES = {
    "whole": Definition(
        "block_places",
        '''\
def block_places(length: int, size: int) -> Tensor:
    """The places of each block along an axis: (length / size, size)."""
    if length % size:
        raise ValueError(f"blocks of {size} must divide the map, found {length}")
    return torch.arange(length, device="cpu").view(-1, size)''',
    ),
    "wrapped": Definition(
        "wrapped_block_places",
        '''\
def wrapped_block_places(length: int, size: int, shift: int) -> Tensor:
    """The places of each block along a ring, the first block starting at shift: (blocks, size)."""
    if length % size:
        raise ValueError(f"blocks of {size} must divide the map, found {length}")
    return torch.arange(shift, length + shift, device="cpu").view(-1, size) % length''',
    ),
    "cut": Definition(
        "cut_block_places",
        '''\
def cut_block_places(length: int, size: int, shift: int) -> Tensor:
    """The places of each block along an axis, -1 outside; one starts at shift: (blocks, size)."""
    if length % size:
        raise ValueError(f"blocks of {size} must divide the map, found {length}")
    first = shift - size if shift else 0
    places = torch.arange(first, first + size * (-(-(length - first) // size)), device="cpu")
    return keep_inside(places, length).view(-1, size)''',
        uses=(KEEP_INSIDE,),
    ),
    "grid": Definition(
        "grid_places",
        '''\
def grid_places(length: int, size: int) -> Tensor:
    """The places of each block along an axis, `size` of them evenly spaced: (spacing, size)."""
    if length % size:
        raise ValueError(f"a grid of {size} must divide the map, found {length}")
    return torch.arange(length, device="cpu").view(size, -1).T''',
    ),
}

"""Positions and named tokens: what turns a map into a sequence and tells where it came from.

Goes in: a `position` or `add_token` element. Comes out: a module that adds to a map or a sequence,
or puts learned tokens in front. Positions are in row-major order, tokens stand before them.
"""

from __future__ import annotations

from relgraph.lower.fields import Arguments, flag, number, whole
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Definition, Inline, Lowered, MapSize, Module
from relgraph.program import Element

_LEARNED_MAP = Definition(
    "PositionEmbedding2d",
    '''\
class PositionEmbedding2d(nn.Module):
    """Add a learned vector per position of a map: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, dim: int, map_size: tuple[int, int]) -> None:
        super().__init__()
        self.map_size = map_size
        self.weight = nn.Parameter(torch.empty(1, map_size[0] * map_size[1], dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != self.map_size:
            height, width = x.shape[2:]
            raise ValueError(f"positions are learned for {self.map_size}, found {height}×{width}")
        return x + self.weight.unflatten(1, self.map_size).permute(0, 3, 1, 2)''',
)

_LEARNED_SEQUENCE = Definition(
    "PositionEmbedding",
    '''\
class PositionEmbedding(nn.Module):
    """Add a learned vector per place, extra tokens included: (B, T + H·W, C), any T in front."""

    def __init__(self, dim: int, map_size: tuple[int, int], num_tokens: int) -> None:
        super().__init__()
        num_places = num_tokens + map_size[0] * map_size[1]
        self.weight = nn.Parameter(torch.empty(1, num_places, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.weight.shape[1]:
            raise ValueError(f"{self.weight.shape[1]} places are learned, found {x.shape[1]}")
        return x + self.weight''',
)

_LEARNED_BEHIND_TOKENS = Definition(
    "MapPositionEmbedding",
    '''\
class MapPositionEmbedding(nn.Module):
    """Add a learned vector per position, none to the T tokens in front: (B, T + H·W, C)."""

    def __init__(self, dim: int, map_size: tuple[int, int], num_tokens: int) -> None:
        super().__init__()
        self.num_tokens = num_tokens
        self.weight = nn.Parameter(torch.empty(1, map_size[0] * map_size[1], dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.num_tokens + self.weight.shape[1]:
            found = x.shape[1] - self.num_tokens
            raise ValueError(f"{self.weight.shape[1]} positions are learned, found {found}")
        return x + F.pad(self.weight, (0, 0, self.num_tokens, 0))''',
)

_WAVES = Definition(
    "position_waves",
    '''\
def position_waves(map_size: tuple[int, int], dim: int, like: Tensor) -> Tensor:
    """Sine and cosine of the column, then of the row, at C/4 wavelengths each: (H, W, C).

    Wavelengths grow geometrically from 2π to 2π · 10000 (Vaswani et al., 2017, in two axes).
    """
    dtype = torch.promote_types(like.dtype, torch.float32)  # bf16 cannot count positions
    steps = torch.arange(dim // 4, device=like.device, dtype=dtype)
    frequency = 10000.0 ** (-4.0 * steps / dim)
    rows, columns = (
        torch.arange(side, device=like.device, dtype=dtype)[:, None] * frequency
        for side in map_size
    )
    row = torch.cat([rows.sin(), rows.cos()], 1)[:, None].expand(-1, map_size[1], -1)
    column = torch.cat([columns.sin(), columns.cos()], 1).expand(map_size[0], -1, -1)
    return torch.cat([column, row], 2).to(like.dtype)''',
)

_WAVES_MAP = Definition(
    "SinCosPosition2d",
    '''\
class SinCosPosition2d(nn.Module):
    """Add fixed sines and cosines of row and column to a map (B, C, H, W) of any size."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        return x + position_waves((height, width), x.shape[1], x).permute(2, 0, 1)''',
    uses=(_WAVES,),
)

_WAVES_SEQUENCE = Definition(
    "SinCosPosition",
    '''\
class SinCosPosition(nn.Module):
    """Add fixed sines and cosines of row and column behind the tokens of (B, T + H·W, C)."""

    def __init__(self, map_size: tuple[int, int], num_tokens: int) -> None:
        super().__init__()
        self.map_size = map_size
        self.num_tokens = num_tokens

    def forward(self, x: Tensor) -> Tensor:
        num_positions = self.map_size[0] * self.map_size[1]
        if x.shape[1] != self.num_tokens + num_positions:
            found = x.shape[1] - self.num_tokens
            raise ValueError(f"built for {num_positions} positions, found {found}")
        waves = position_waves(self.map_size, x.shape[2], x).flatten(0, 1)
        return x + F.pad(waves, (0, 0, self.num_tokens, 0))''',
    uses=(_WAVES,),
)

_FOURIER_WAVES = Definition(
    "fourier_waves",
    '''\
def fourier_waves(
    map_size: tuple[int, int], num_waves: int, temperature: float, like: Tensor
) -> Tensor:
    """Sine and cosine of the row, then of the column, as parts of a turn: (H, W, 2·N).

    The last row stands at 2π on every map; wave n turns temperature^(2⌊n/2⌋/N) times slower, even
    ones are sines, odd ones cosines (El-Nouby et al., XCiT, NeurIPS 2021, after Carion et al.).
    """
    dtype = torch.promote_types(like.dtype, torch.float32)  # bf16 cannot count positions
    pairs = torch.arange(num_waves // 2, device=like.device, dtype=dtype)
    slowness = temperature ** (2.0 * pairs / num_waves)
    # 1e-6 is part of the definition: published weights were trained with it.
    angles = [
        torch.arange(1, side + 1, device=like.device, dtype=dtype) * (2.0 * math.pi / (side + 1e-6))
        for side in map_size
    ]
    row, column = (angle[:, None] / slowness for angle in angles)
    row, column = (torch.stack([wave.sin(), wave.cos()], 2).flatten(1) for wave in (row, column))
    height, width = map_size
    waves = [row[:, None].expand(-1, width, -1), column.expand(height, -1, -1)]
    return torch.cat(waves, 2).to(like.dtype)''',
    imports=("import math",),
)

_FOURIER_MAP = Definition(
    "FourierPosition2d",
    '''\
class FourierPosition2d(nn.Module):
    """Add a learned linear function of sines and cosines of the place to a map of any size.

    y[:, :, i, j] = x[:, :, i, j] + W waves[i, j] + b, with N waves on each axis.
    """

    def __init__(self, dim: int, num_waves: int = 32, temperature: float = 10000.0) -> None:
        super().__init__()
        self.num_waves = num_waves
        self.temperature = temperature
        self.projection = Linear(2 * num_waves, dim)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        waves = fourier_waves((height, width), self.num_waves, self.temperature, x)
        return x + self.projection(waves).permute(2, 0, 1)''',
    uses=(LINEAR, _FOURIER_WAVES),
)

_FOURIER_SEQUENCE = Definition(
    "FourierPosition",
    '''\
class FourierPosition(nn.Module):
    """Add a learned linear function of sines and cosines of the place behind the tokens.

    (B, T + H·W, C), N waves on each axis; the T tokens in front get nothing.
    """

    def __init__(
        self,
        dim: int,
        map_size: tuple[int, int],
        num_tokens: int,
        num_waves: int = 32,
        temperature: float = 10000.0,
    ) -> None:
        super().__init__()
        self.map_size = map_size
        self.num_tokens = num_tokens
        self.num_waves = num_waves
        self.temperature = temperature
        self.projection = Linear(2 * num_waves, dim)

    def forward(self, x: Tensor) -> Tensor:
        num_positions = self.map_size[0] * self.map_size[1]
        if x.shape[1] != self.num_tokens + num_positions:
            found = x.shape[1] - self.num_tokens
            raise ValueError(f"built for {num_positions} positions, found {found}")
        waves = fourier_waves(self.map_size, self.num_waves, self.temperature, x)
        return x + F.pad(self.projection(waves).flatten(0, 1), (0, 0, self.num_tokens, 0))''',
    uses=(LINEAR, _FOURIER_WAVES),
)

_TOKENS_ON_MAP = Definition(
    "MapTokens",
    '''\
class MapTokens(nn.Module):
    """Put learned tokens in front of a map's positions: (B, C, H, W) -> (B, T + H·W, C)."""

    def __init__(self, dim: int, num_tokens: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, num_tokens, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.weight.expand(x.shape[0], -1, -1)
        return torch.cat([tokens, x.flatten(2).transpose(1, 2)], dim=1)''',
)

_MORE_TOKENS = Definition(
    "MoreTokens",
    '''\
class MoreTokens(MapTokens):
    """Put further learned tokens in front of a sequence: (B, N, C) -> (B, T + N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.weight.expand(x.shape[0], -1, -1), x], dim=1)''',
    uses=(_TOKENS_ON_MAP,),
)

_TO_MAP = Definition(
    "SequenceToMap",
    '''\
class SequenceToMap(nn.Module):
    """Drop the tokens in front and lay the positions out: (B, T + H·W, C) -> (B, C, H, W)."""

    def __init__(self, map_size: tuple[int, int], num_tokens: int) -> None:
        super().__init__()
        self.map_size = map_size
        self.num_tokens = num_tokens

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.map_size
        if x.shape[1] != self.num_tokens + height * width:
            found = x.shape[1] - self.num_tokens
            raise ValueError(f"built for {height}×{width} positions, found {found}")
        # (B, H, W, C) memory is what a map in channels_last has: nothing is copied.
        return x[:, self.num_tokens :].unflatten(1, self.map_size).permute(0, 3, 1, 2)''',
)


def lower_position(element: Element) -> Lowered:
    """Learned vectors, fixed waves, or a linear layer of such, added to the positions (learned
    vectors to the tokens too, if the element says so)."""
    if element["kind"] == "learned":
        return _learned(element)
    if element["kind"] == "fourier":
        return _fourier(element)
    if element.input.layout == "map":
        return Module(_WAVES_MAP.name, (), definition=_WAVES_MAP)
    return Module(_WAVES_SEQUENCE.name, _sequence_sizes(element), definition=_WAVES_SEQUENCE)


def _learned(element: Element) -> Module:
    width: Arguments = (("dim", element.input.channels),)
    if element.input.layout == "map":
        sizes = (*width, ("map_size", _map_size(element)))
        return Module(_LEARNED_MAP.name, sizes, definition=_LEARNED_MAP)
    definition = _LEARNED_SEQUENCE if flag(element["tokens"]) else _LEARNED_BEHIND_TOKENS
    return Module(definition.name, (*width, *_sequence_sizes(element)), definition=definition)


def _fourier(element: Element) -> Module:
    on_map = element.input.layout == "map"
    definition = _FOURIER_MAP if on_map else _FOURIER_SEQUENCE
    waves, temperature = whole(element["hidden"]), number(element["temperature"])
    arguments: Arguments = (
        ("dim", element.input.channels),
        *(() if on_map else _sequence_sizes(element)),
        *((("num_waves", waves),) if waves != 32 else ()),
        *((("temperature", temperature),) if temperature != 10000.0 else ()),
    )
    return Module(definition.name, arguments, definition=definition)


def _sequence_sizes(element: Element) -> Arguments:
    return (("map_size", _map_size(element)), ("num_tokens", len(element.input.tokens)))


def _map_size(element: Element) -> MapSize:
    assert element.input.grid is not None, "a vector has no positions"
    return MapSize(*element.input.grid)


def lower_add_token(element: Element) -> Lowered:
    """Learned tokens in front; a map becomes a sequence."""
    definition = _TOKENS_ON_MAP if element.input.layout == "map" else _MORE_TOKENS
    count = whole(element["count"])
    extra: Arguments = () if count == 1 else (("num_tokens", count),)
    arguments: Arguments = (("dim", element.input.channels), *extra)
    return Module(definition.name, arguments, definition=definition)


def lower_select(element: Element) -> Lowered:
    """One token as a vector, or the map without its tokens."""
    if element["kind"] != "map":
        return Inline(f"{{x}}[:, {element.input.tokens.index(str(element['kind']))}]")
    if element.input.layout == "map":
        return Inline("{x}")
    return Module(_TO_MAP.name, _sequence_sizes(element), definition=_TO_MAP)

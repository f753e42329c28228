"""What emitted pairs know of places, and projections of which keys have no bias.

Goes in: nothing. Comes out: definitions that general and fast forms share: a network that makes a
bias of an offset, a turn of queries and keys by place, and a stack of linear layers without a bias
on the keys'. Where places and offsets come from is not known here.
"""

from __future__ import annotations

from relgraph.algebra.starts import StartedWeight
from relgraph.lower.module import Definition

POSITION_NETWORK = Definition(
    "PositionNetwork",
    '''\
class PositionNetwork(nn.Sequential):
    """A bias for each offset and head by a small network (Swin v2): (N, 2) -> (N, num_heads).

    bias = 16 σ(W₂ relu(W₁ c + b₁)) of the coordinates c: sign(d) log₂(1 + 8|d|/D) / 3 on each axis
    for the offset d, D the largest there. Layers start truncated normal (0.02), the bias at 0.
    """

    def __init__(self, num_heads: int, hidden: int = 512) -> None:
        last = nn.Linear(hidden, num_heads, bias=False)
        super().__init__(nn.Linear(2, hidden), nn.ReLU(), last)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self[0].weight, std=0.02)
        nn.init.zeros_(self[0].bias)
        nn.init.trunc_normal_(self[2].weight, std=0.02)

    def forward(self, offsets: Tensor) -> Tensor:
        weight = self[0].weight
        # bf16 has too few digits for logarithms.
        offsets = offsets.to(torch.promote_types(weight.dtype, torch.float32))
        furthest = offsets.abs().amax(0).clamp(min=1)
        coordinates = offsets.sign() * torch.log2(1 + 8 * offsets.abs() / furthest) / 3
        return 16 * super().forward(coordinates.to(weight.dtype)).sigmoid()''',
)

TURNED = Definition(
    "turned",
    '''\
def turned(x: Tensor, places: Tensor, temperature: float) -> Tensor:
    """Features 2i and 2i + 1 of x (..., N, C) turned by their places (..., N, 2), row and column.

    Planes of the first half turn by the row, those of the second by the column, plane i of a half
    by temperature^(-4i / C) for each place (Su et al., 2021; on maps Heo et al., 2024).
    """
    dtype = torch.promote_types(x.dtype, torch.float32)  # bf16 cannot count places
    planes = torch.arange(x.shape[-1] // 4, device=x.device, dtype=dtype)
    frequency = temperature ** (-4.0 * planes / x.shape[-1])
    angle = (places.unsqueeze(-1) * frequency).flatten(-2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)''',
)

KEYLESS_LINEAR = Definition(
    "KeylessLinear",
    '''\
class KeylessLinear(nn.Module):
    """Linear layers side by side, one for each letter of `parts`; that of the keys has no bias.

    y = x Wᵀ + b over the last dimension. W starts truncated normal (0.02), b at 0.
    """

    def __init__(self, dim: int, parts: str = "qkv") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(len(parts) * dim, dim))
        for part in "qkv":
            there = part in parts and part != "k"
            bias = nn.Parameter(torch.empty(dim)) if there else None
            self.register_parameter(f"{part}_bias", bias)
        self.parts = parts
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        for bias in (self.q_bias, self.v_bias):
            if bias is not None:
                nn.init.zeros_(bias)

    @property
    def bias(self) -> Tensor:
        """The biases of all parts; the keys' is 0."""
        none = self.weight.new_zeros(self.weight.shape[1])
        biases = {"q": self.q_bias, "k": none, "v": self.v_bias}
        return torch.cat([biases[part] for part in self.parts])

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)''',
    follows_init=StartedWeight("weight"),
)

SHARED_KEYLESS_LINEAR = Definition(
    "SharedKeylessLinear",
    '''\
class SharedKeylessLinear(nn.Module):
    """Linear layers side by side, one for each letter of `parts`; that of the keys has no bias.

    y = x Wᵀ + b over the last dimension. Queries have `dim` channels; keys and values, which
    heads share, `kv_dim`. W starts truncated normal (0.02), b at 0.
    """

    def __init__(self, dim: int, kv_dim: int, parts: str = "qkv") -> None:
        super().__init__()
        widths = {"q": dim, "k": kv_dim, "v": kv_dim}
        self.weight = nn.Parameter(torch.empty(sum(widths[part] for part in parts), dim))
        for part in "qkv":
            there = part in parts and part != "k"
            bias = nn.Parameter(torch.empty(widths[part])) if there else None
            self.register_parameter(f"{part}_bias", bias)
        self.kv_dim = kv_dim
        self.parts = parts
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        for bias in (self.q_bias, self.v_bias):
            if bias is not None:
                nn.init.zeros_(bias)

    @property
    def bias(self) -> Tensor:
        """The biases of all parts; the keys' is 0."""
        none = self.weight.new_zeros(self.kv_dim)
        biases = {"q": self.q_bias, "k": none, "v": self.v_bias}
        return torch.cat([biases[part] for part in self.parts])

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)''',
    follows_init=StartedWeight("weight"),
)

BLOCK_GRID = Definition(
    "block_grid",
    '''\
def block_grid(size: tuple[int, int], device: torch.device | str) -> Tensor:
    """Row and column of each place of a block: (places, 2)."""
    rows, columns = (torch.arange(side, device=device) for side in size)
    return torch.cartesian_prod(rows, columns)''',
)

RELATIVE_OFFSETS = Definition(
    "relative_offsets",
    '''\
def relative_offsets(size: tuple[int, int], device: torch.device) -> Tensor:
    """The offset of each row of a relative position table for h x w places: (rows, 2)."""
    rows, columns = (torch.arange(1 - side, side, device=device) for side in size)
    return torch.cartesian_prod(rows, columns)''',
)

SIGNED_OFFSETS = Definition(
    "signed_offsets",
    '''\
def signed_offsets(
    size: tuple[int, int], ring: tuple[bool, bool] = (False, False)
) -> tuple[Tensor, Tensor]:
    """Offsets between two places of a block along each axis, as their tables count them.

    On an axis that is a ring, the shorter way round, and forwards where both are as long.
    """
    rows, columns = (
        (torch.arange(side, device="cpu") + (side - 1) // 2) % side - (side - 1) // 2
        if closed
        else torch.arange(1 - side, side, device="cpu")
        for side, closed in zip(size, ring, strict=True)
    )
    return rows, columns''',
)

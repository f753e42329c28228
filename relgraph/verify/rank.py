"""Rank: the matrix that a rank word is about, measured through the file's own factors.

In: the model built from the file, its program. Out: one check for every scope that a rank word
made. The factors are called one after the other, elements between them left out; the rank of what
comes out is compared with the bound that the word declares and with the rank that the oracle's
factors have on the same probes:

    inner r      W unfolded over output channels, and over input channels: at most r
    tokens n     each channel's positions × positions matrix: at most n
    reduce       the same: at most the positions of the reduced map
    separable    each channel's row × column kernel: 1
    scales       each coarse part, as reduce
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from relgraph.assemble.walking import nodes
from relgraph.program import Body, Branches, Connect, Element, Node, Program, Scope
from relgraph.verify import oracle
from relgraph.verify.elements import apply_element
from relgraph.verify.report import Check
from relgraph.verify.values import Tensors, from_layout, join, to_layout, under

# Singular values below this part of the largest are rounding.
ROUNDING = 1e-9
# More probes than the bound: a higher rank would show.
SPARE = 4

Factor = Callable[[Connect, str, Tensor], Tensor]
Linear = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Claim:
    """A rank word at work: its scope and path, what is unfolded, and the bound."""

    scope: Scope
    path: str
    word: str
    bound: int
    body: Body

    def __str__(self) -> str:
        return f"{self.word}: {_WHAT[self.word]} of rank {self.bound} at most"


_WHAT = {
    "inner": "W over channels",
    "tokens": "each channel's W over positions",
    "reduce": "each channel's W over positions",
    "scales": "each channel's coarse W over positions",
    "separable": "each channel's kernel over rows and columns",
}


def claims(program: Program) -> tuple[Claim, ...]:
    """Every rank word of the program; of equal ones in a stage the first."""
    found: dict[tuple[object, ...], Claim] = {}
    for path, node in nodes(program):
        if isinstance(node, Scope) and node.role == "operator":
            for claim in _claims_of(node, path):
                found.setdefault((node.name, node.input, node.output, str(claim)), claim)
    return tuple(found.values())


def reductions(program: Program) -> Iterator[tuple[str, Connect]]:
    """Connections whose keys stand on a reduced map; of equal ones the first."""
    seen: set[object] = set()
    for path, node in nodes(program):
        if isinstance(node, Connect) and node.reduce is not None:
            if node.connection not in seen:
                yield path, node
            seen.add(node.connection)


def _claims_of(scope: Scope, path: str) -> Iterator[Claim]:
    parts = {node.label: node for node in scope.body if isinstance(node, Connect)}
    if {"squeeze", "expand"} <= set(parts):
        yield Claim(scope, path, "inner", parts["squeeze"].output.channels, scope.body)
    elif {"gather", "spread"} <= set(parts):
        yield Claim(scope, path, "tokens", parts["gather"].output.positions, scope.body)
    elif {"columns", "rows"} <= set(parts):
        yield Claim(scope, path, "separable", 1, scope.body)
    elif "core" in parts:
        yield Claim(scope, path, "reduce", parts["core"].input.positions, scope.body)
    for node in scope.body:
        if isinstance(node, Branches):
            yield from _coarse_parts(scope, path, node)


def _coarse_parts(scope: Scope, path: str, sum_: Branches) -> Iterator[Claim]:
    for branch in sum_.branches:
        for node in branch:
            if isinstance(node, Connect) and (node.label or "").startswith("coarse_"):
                yield Claim(scope, path, "scales", node.input.positions, branch)


def check_rank(model: nn.Module, tensors: Tensors, claim: Claim) -> Check:
    """The rank through the file's factors beside the declared bound and the oracle's rank."""

    def emitted(node: Connect, path: str, x: Tensor) -> Tensor:
        module = model.get_submodule(path)
        return from_layout(module(to_layout(x, node.input)), node.output)

    def reference(node: Connect, path: str, x: Tensor) -> Tensor:
        return oracle.connect(node.connection, under(tensors, path), x)

    with torch.no_grad():
        found = _rank(claim, emitted)
        generic = _rank(claim, reference)
    ok = found == generic and found <= claim.bound
    example = "" if ok else f"the file's factors have rank {found}, the reference's {generic}"
    declared = f"{claim}, generically {generic}"
    return Check("rank", claim.path, declared, f"rank {found}", ok, example)


def check_keys(model: nn.Module, path: str, node: Connect) -> Check:
    """Attention to a reduced map: with its weights held fixed, each channel's W passes through the
    places that the file's reduction leaves."""
    assert node.reduce is not None
    entering, left = node.reduce.input, node.reduce.output.positions
    image = torch.zeros(1, len(entering.tokens) + entering.positions, entering.channels)
    with torch.no_grad():
        reduced = model.get_submodule(f"{path}.reduce")(to_layout(image, entering))
    found = from_layout(reduced, node.reduce.output).shape[1]
    declared = f"reduce: keys on {left} of {entering.positions} positions"
    return Check("rank", path, declared, f"keys on {found} positions", found == left)


def _rank(claim: Claim, factor: Factor) -> int:
    through = _without_bias(claim, factor)
    if claim.word == "inner":
        reading = _input_channel_rank(claim, through)
        # A last factor with a matrix for every place spreads over all channels, place by place.
        return (
            reading if _is_untied(claim.body[-1]) else max(_channel_rank(claim, through), reading)
        )
    if claim.word == "separable":
        return _kernel_rank(claim, through)
    return _position_rank(claim, through)


def _is_untied(node: Node) -> bool:
    if not isinstance(node, Connect):
        return False
    space = node.connection.operator.space
    return (space.connect, space.share) == ("point", "none")


def _without_bias(claim: Claim, factor: Factor) -> Linear:
    """The factors in a row, minus what they make of nothing."""

    def through(x: Tensor) -> Tensor:
        both = torch.cat([torch.zeros_like(x[:1]), x])
        for node in claim.body:
            both = _step(claim, node, both, factor)
        return both[1:] - both[:1]

    return through


def _step(claim: Claim, node: Node, x: Tensor, factor: Factor) -> Tensor:
    if isinstance(node, Connect):
        return factor(node, join(claim.path, node.attr), x)
    if isinstance(node, Element) and node.word in ("avg_pool", "upsample"):
        return apply_element(node, {}, x, training=False)
    return x  # what stands between factors is taken for the identity


def _noise(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(11)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _entering(claim: Claim) -> tuple[int, int]:
    shape = claim.body[0].input
    return len(shape.tokens) + shape.positions, shape.channels


def _channel_rank(claim: Claim, through: Linear) -> int:
    """Output channels against everything that random images make of them."""
    places, channels = _entering(claim)
    images = -(-(claim.bound + SPARE) // places)
    return _matrix_rank(through(_noise(images, places, channels)).flatten(0, 1))


def _input_channel_rank(claim: Claim, through: Linear) -> int:
    """Input channels, each alone in an image with the same random map."""
    places, channels = _entering(claim)
    count = min(channels, claim.bound + SPARE)
    alone = torch.zeros(count, places, channels, dtype=torch.float64)
    alone[torch.arange(count), :, torch.arange(count)] = _noise(places)
    return _matrix_rank(through(alone).flatten(1))


def _position_rank(claim: Claim, through: Linear) -> int:
    """Random maps on one channel against what they make of one channel."""
    places, channels = _entering(claim)
    images = torch.zeros(min(places, claim.bound + SPARE), places, channels, dtype=torch.float64)
    images[:, :, 0] = _noise(len(images), places)
    return _matrix_rank(through(images)[:, :, 0])


def _kernel_rank(claim: Claim, through: Linear) -> int:
    """What one point in the middle makes of every channel: each map a row × column product."""
    shape, made = claim.body[0].input, claim.body[-1].output
    assert shape.grid is not None and made.grid is not None
    point = torch.zeros(1, shape.positions, shape.channels, dtype=torch.float64)
    point[:, shape.grid[0] // 2 * shape.grid[1] + shape.grid[1] // 2, 0] = 1.0
    maps = through(point)[0].T.reshape(-1, *made.grid)
    return max(_matrix_rank(one) for one in maps)


def _matrix_rank(matrix: Tensor) -> int:
    """The rank; of a matrix with numbers that are not finite, what is larger than any."""
    if not bool(matrix.isfinite().all()):
        return max(matrix.shape) + 1
    values = torch.linalg.svdvals(matrix)
    largest = float(values[0]) if len(values) else 0.0
    return int((values > ROUNDING * largest).sum()) if largest else 0

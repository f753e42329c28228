"""Cost: the closed form against the oracle's count, and against what torch counts while it runs.

In: the loaded file, its program. Out: checks of multiply-adds, exact. FlopCounterMode sees
convolutions and matrix products on the meta device; a connection whose sum over slots is emitted as
shifted additions, or by Fourier transforms, is compared without that sum.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator, Mapping

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from relgraph.algebra import geometry
from relgraph.algebra.cost import core_macs, joined_channels, outputs, projection_macs, width
from relgraph.algebra.operator import FEATURES, Connection
from relgraph.algebra.parameters import core_channels
from relgraph.assemble.cost import cost, macs
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Node, Program
from relgraph.verify.oracle_channels import unit_count
from relgraph.verify.oracle_counts import multiply_adds
from relgraph.verify.report import Check


def check_cost(module: types.ModuleType, program: Program) -> Iterator[Check]:
    """Multiply-adds of one image: closed form, oracle, torch."""
    declared = cost(program).macs
    counted = sum(_products(node) for _, node in nodes(program))
    ok = declared == counted
    yield Check("cost", "model", f"{declared:,} MACs", f"{counted:,} by the oracle", ok)
    yield _torch_check(module, program)


def _products(node: Node) -> int:
    """The oracle's count of one node."""
    if isinstance(node, Connect):
        return multiply_adds(node.connection)
    if isinstance(node, Element) and node.word == "classifier":
        return node.input.channels * node.output.channels
    if isinstance(node, Element) and node.word == "position" and node["kind"] == "fourier":
        waves = 2 * int(str(node["hidden"]))
        return node.input.positions * waves * node.input.channels
    return 0


def _torch_check(module: types.ModuleType, program: Program) -> Check:
    """Every module's products as torch counts them, on meta."""
    counted = count_by_module(module, program)
    total, shifted, example = 0, 0, ""
    for path, node in nodes(program):
        if not isinstance(node, Connect | Element):
            continue
        declared, found = macs(node), _own(counted, path, node)
        if isinstance(node, Element) and not declared:
            continue
        total += found
        if found == declared or _is_given(node):
            continue
        if isinstance(node, Connect) and found == _reordered(node.connection):
            continue
        if isinstance(node, Connect) and found == declared - core_macs(node.connection):
            shifted += core_macs(node.connection)
            continue
        if found in (declared + _idle(node), declared + _idle(node) - _cropped(node)):
            continue
        example = example or f"{path} makes {found:,} products, the spec {declared:,}"
    extra = counted.get("", 0) - total
    if extra and not example:
        example = f"{extra:,} products are made outside the spec's connections"
    said = f"{counted.get('', 0):,} counted by torch"
    if shifted:
        said += f", {shifted:,} made by shifted sums or transforms"
    wanted = cost(program).macs
    return Check("cost", "model", f"{wanted:,} MACs", said, not example, example)


def _reordered(connection: Connection) -> int:
    """Products of linear attention in its own order: keys with values first, then queries with
    what came of it, and with the sum of the keys where that divides."""
    weight, channels = connection.operator.weight, connection.in_channels
    if weight.score not in FEATURES:
        return -1
    per_position = channels * (channels // unit_count(connection))
    products = per_position * (width(connection) + outputs(connection))
    products += channels * outputs(connection) if weight.normalize == "l1" else 0
    return projection_macs(connection) + products


def _idle(node: Node) -> int:
    """Products for the empty places of moved blocks, which the general form makes and drops."""
    if not isinstance(node, Connect):
        return 0
    connection = node.connection
    space, grid = connection.operator.space, connection.in_grid
    if grid is None or space.connect not in ("window", "stripe"):
        return 0
    whole = geometry.completed(space, grid)
    assert whole is not None
    places = [
        len(geometry.block_starts(space, whole, axis)) * geometry.extent(space, whole)[axis]
        for axis in geometry.AXES
    ]
    products = joined_channels(connection)
    products += connection.in_channels if connection.operator.weight.source == "pair" else 0
    return (math.prod(places) - math.prod(whole)) * width(connection) * products


def _cropped(node: Node) -> int:
    """Products of the last projection for places that `pad` adds, which the general form crops
    before."""
    if not isinstance(node, Connect) or not node.connection.operator.frame.output:
        return 0
    connection = node.connection
    added = outputs(connection) - connection.tokens - geometry.area(connection.out_grid)
    return added * core_channels(connection) * connection.out_channels


def _is_given(node: Node) -> bool:
    """Given weights are pooling: they count nothing, however they are emitted."""
    return isinstance(node, Connect) and node.connection.operator.weight.source == "fixed"


def _own(counted: Mapping[str, int], path: str, node: Node) -> int:
    """A connection's products without those of its reduction, which are counted by themselves."""
    reduced = counted.get(f"{path}.reduce", 0) if isinstance(node, Connect) else 0
    return counted.get(path, 0) - reduced


def count_by_module(module: types.ModuleType, program: Program) -> dict[str, int]:
    """Products of every submodule by path for one image, the model itself under ''."""
    assert program.input.grid is not None
    with torch.device("meta"):
        model = getattr(module, module.BUILDER)().eval()
        images = torch.empty(1, program.input.channels, *program.input.grid)
    counter = FlopCounterMode(display=False)
    # The fused kernels count nothing on some devices; the plain one is two matrix products.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(images)
    root = type(model).__name__
    counts = {}
    for name, by_operator in counter.get_flop_counts().items():
        path = "" if name == root else name.removeprefix(f"{root}.")
        counts[path] = sum(by_operator.values()) // 2
    return counts

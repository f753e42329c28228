"""The tensors of the inference version from those of the model, step by step.

In: steps, and a state dict. Out: the state dict of the rewritten program. Everything is computed in
float64 and given back in the dtype that it had, so that folding costs one rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from relgraph.algebra.operator import Size
from relgraph.emitted import load_text
from relgraph.inference.steps import Bake, IntoColumns, IntoRows, Source, Step, Tabulate
from relgraph.lower.attention_parts import RELATIVE_POSITION_INDEX, heads
from relgraph.lower.pair_positions import POSITION_NETWORK, RELATIVE_OFFSETS
from relgraph.lower.windows import (
    CUT_MASK,
    FIT_WINDOW,
    WINDOW_ORDER,
    as_grid,
    largest_window,
    shift_of,
)
from relgraph.program import Connect

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def inference_tensors(steps: Sequence[Step], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the inference version holds, made of the trained model's `tensors`."""
    dtype = next(t.dtype for t in tensors.values() if t.is_floating_point())
    made = {name: t.double() if t.is_floating_point() else t for name, t in tensors.items()}
    for step in steps:
        if isinstance(step, IntoRows):
            _into_rows(step, made)
        elif isinstance(step, IntoColumns):
            _into_columns(step, made)
        elif isinstance(step, Tabulate):
            _tabulate(step, made)
        else:
            _bake(step, made)
    return {
        name: t.to(dtype).contiguous() if t.is_floating_point() else t for name, t in made.items()
    }


def _into_rows(step: IntoRows, made: dict[str, Tensor]) -> None:
    factor, shift = _taken(step.element, made)
    weight = made[step.weight]
    made[step.weight] = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
    bias = made.get(step.bias)
    if bias is not None:
        made[step.bias] = bias * factor
    if shift is not None:
        made[step.bias] = shift if bias is None else made[step.bias] + shift


def _into_columns(step: IntoColumns, made: dict[str, Tensor]) -> None:
    factor, shift = _taken(step.element, made)
    weight = made[step.weight]
    # (groups, outputs and inputs of a group, places): a separate channel is a group of its own.
    inputs, outputs = len(factor) // step.groups, len(weight) // step.groups
    grouped = weight.reshape(step.groups, outputs, inputs, -1)
    if shift is not None:
        added = torch.einsum("gdck,gc->gd", grouped, shift.reshape(step.groups, -1)).flatten()
        made[step.bias] = added + made.get(step.bias, torch.zeros_like(added))
    scaled = grouped * factor.reshape(step.groups, 1, -1, 1)
    made[step.weight] = scaled.reshape(weight.shape)


def _taken(element: Source, made: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
    """Factor and shift (C,) of an element, whose tensors are gone afterwards."""
    prefix = f"{element.path}."
    own = {n.removeprefix(prefix): made.pop(n) for n in list(made) if n.startswith(prefix)}
    factor, shift = own["weight"], own.get("bias")
    if element.word == "batch_norm":
        assert shift is not None, "a batch norm has a bias"
        factor = factor / (own["running_var"] + element.eps).sqrt()
        shift = shift - own["running_mean"] * factor
    return factor, shift


def _bake(step: Bake, made: dict[str, Tensor]) -> None:
    connection = step.node.connection
    width, count = (
        connection.in_channels,
        heads(connection.operator.channel, connection.in_channels),
    )
    _complete_bias(step.path, made)
    for name in ("qkv.weight", "qkv.bias"):
        tensor = made.get(f"{step.path}.{name}")
        if tensor is not None:
            queries = tensor[:width] * (width // count) ** -0.5
            made[f"{step.path}.{name}"] = torch.cat([queries, tensor[width:]])
    made[f"{step.path}.bias"] = _table(step, made)


def _complete_bias(path: str, made: dict[str, Tensor]) -> None:
    """One bias of queries, keys and values, where keys have none."""
    q, v = (made.pop(f"{path}.qkv.{part}_bias", None) for part in "qv")
    if q is not None and v is not None:
        made[f"{path}.qkv.bias"] = torch.cat([q, torch.zeros_like(q), v])


def _tabulate(step: Tabulate, made: dict[str, Tensor]) -> None:
    made[f"{step.path}.relative_position_bias_table"] = _offset_biases(step, made)


def _offset_biases(step: Bake | Tabulate, made: dict[str, Tensor]) -> Tensor:
    """The bias of each offset and head: the table that is learned, or what the network gives."""
    if step.node.connection.operator.weight.position == "relative":
        return made.pop(f"{step.path}.relative_position_bias_table")
    prefix = f"{step.path}.cpb_mlp."
    own = {n.removeprefix(prefix): made.pop(n) for n in list(made) if n.startswith(prefix)}
    heads_of, hidden = own["2.weight"].shape
    network = _functions().PositionNetwork(heads_of, hidden).double()
    network.load_state_dict(own)
    with torch.no_grad():
        table: Tensor = network(_functions().relative_offsets(_made_for(step.node), "cpu"))
    return table


def _table(step: Bake, made: dict[str, Tensor]) -> Tensor:
    """Bias and mask of every pair of places: (windows or 1, heads, places, places)."""
    operator = step.node.connection.operator
    if operator.weight.position == "absolute":
        return made.pop(f"{step.path}.position_bias").unsqueeze(0)
    table = _offset_biases(step, made)
    grid, window, shift = _windows(step.node)
    index = _functions().relative_position_index(window, _made_for(step.node), table.device)
    bias = table[index].permute(2, 0, 1).unsqueeze(0)
    if not any(shift) or operator.space.border == "wrap":
        return bias
    order = _functions().window_order(grid, window, shift, table.device)
    mask: Tensor = _functions().cut_mask(order, grid, shift)
    return bias + mask.to(bias.dtype)


def _windows(node: Connect) -> tuple[Size, Size, Size]:
    """Map, window and shift as the built module has them."""
    space, grid = node.connection.operator.space, as_grid(node.connection.in_grid)
    if space.connect == "full":
        return grid, grid, (0, 0)
    shift = shift_of(space, largest_window(node.connection))
    window, shift = _functions().fit_window(grid, space.size, shift)
    return grid, window, shift


def _made_for(node: Connect) -> Size:
    """The window that the table of offsets was made for."""
    space, grid = node.connection.operator.space, as_grid(node.connection.in_grid)
    if space.connect == "full":
        return grid
    return min(space.size[0], grid[0]), min(space.size[1], grid[1])


@cache
def _functions() -> ModuleType:
    """The very functions by which emitted attention lays windows on maps."""
    definitions = (
        FIT_WINDOW,
        WINDOW_ORDER,
        CUT_MASK,
        RELATIVE_POSITION_INDEX,
        RELATIVE_OFFSETS,
        POSITION_NETWORK,
    )
    imports = "import math\n\nimport torch\nfrom torch import Tensor, nn\n"
    text = "\n\n\n".join([imports, *(definition.text for definition in definitions)])
    return load_text(text, "windows.py")

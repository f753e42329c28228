"""The general lowering: any consistent atom as neighbourhood x weights x contraction.

Goes in: any connection. Comes out: a module that means it, on every size where it has a meaning.
It is there so that every point of the algebra runs, and as a second opinion on the fast forms.
"""

from __future__ import annotations

import re

from relgraph.algebra.operator import Connection, Size, compares, keeps_width
from relgraph.algebra.starts import StartedWeight, started_weights
from relgraph.lower.attention_parts import (
    ELU_PLUS_ONE,
    MIX_HEADS,
    PARTIAL_LINEAR,
    SHARED_HEADS,
    SPLIT_HEADS,
    heads,
)
from relgraph.lower.general.core import class_text
from relgraph.lower.general.form import (
    Form,
    block_halo,
    block_shift,
    block_size,
    class_name,
    form_of,
)
from relgraph.lower.general.functions import GATHER
from relgraph.lower.general.tables import table_uses
from relgraph.lower.layers import LINEAR
from relgraph.lower.maps import map_made, map_read
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.lower.pair_positions import KEYLESS_LINEAR, SHARED_KEYLESS_LINEAR
from relgraph.lower.windows import PADDED_SIZE
from relgraph.program import Connect

Arguments = tuple[tuple[str, Argument], ...]


def accepts_anything(node: Connect) -> bool:
    """Every consistent atom has a general form."""
    return node.connection.operator.space.rank is None


def lower_general(node: Connect) -> Module:
    """The class of the node's structure, with its sizes as arguments."""
    form, arguments = form_of(node), _arguments(node)
    required = {name: value for name, value in arguments if not isinstance(value, bool)}
    signature = [f"        {name}: {_type(name, value)}," for name, value in required.items()]
    if form.reduced:
        signature.append("        reduce: nn.Module,")
    flags = [f"        {name}: bool = True," for name in _flags(form)]
    text = class_text(form, "\n".join([*signature, *flags]))
    uses = _uses(form, text)
    imports = ("import math",) if "math." in text else ()
    definition = Definition(class_name(form), text, uses, imports, _linear_weight(node))
    given = tuple((name, value) for name, value in arguments if value is not True)
    return Module(definition.name, given, definition=definition)


def _linear_weight(node: Connect) -> StartedWeight | None:
    weights = started_weights(node.connection)
    return next((one for one in weights if one.name == "weight" and one.linear), None)


_OWN = (
    LINEAR,
    KEYLESS_LINEAR,
    SHARED_KEYLESS_LINEAR,
    SPLIT_HEADS,
    SHARED_HEADS,
    PARTIAL_LINEAR,
    GATHER,
    PADDED_SIZE,
    ELU_PLUS_ONE,
    MIX_HEADS,
)


def _uses(form: Form, text: str) -> tuple[Definition, ...]:
    called = tuple(d for d in _OWN if re.search(rf"\b{d.name}\(", text))
    return (*called, *table_uses(form))


def _type(name: str, value: Argument) -> str:
    if isinstance(value, (tuple, MapSize)):
        return "tuple[int, int]"
    return "float" if isinstance(value, float) else "int"


def _flags(form: Form) -> list[str]:
    """Biases of projections, which are there unless the call says otherwise."""
    frame, flags = form.operator.frame, []
    if compares(form.operator) and not form.operator.weight.keyless:
        flags.append("qkv_bias")
    elif frame.value and form.source != "pair":
        flags.append("value_bias")
    return [*flags, "proj_bias"] if frame.output else flags


def _arguments(node: Connect) -> Arguments:
    form = form_of(node)
    return (*_widths(node, form), *_sizes(node, form), *_network(node), *_biases(node, form))


def _widths(node: Connect, form: Form) -> Arguments:
    connection = node.connection
    channel, dim = connection.operator.channel, connection.in_channels
    widths: Arguments = (("dim", dim),)
    if not keeps_width(connection.operator) or connection.operator.frame.output:
        widths += (("out_dim", connection.out_channels),)
    if channel.connect == "groups":
        widths += (("groups", channel.groups),)
    if channel.connect == "local":
        widths += (("band_size", channel.size),)
    separate_heads = channel.connect == "separate" and channel.share == "heads"
    if form.source == "pair" or (separate_heads and form.source != "fixed"):
        widths += (("num_heads", heads(channel, dim)),)
    if connection.operator.weight.kv_heads is not None:
        widths += (("kv_heads", connection.operator.weight.kv_heads),)
    return widths


def _sizes(node: Connect, form: Form) -> Arguments:
    connection = node.connection
    sizes: Arguments = (*_geometry(form, connection), ("map_size", map_read(node)))
    if form.resized:
        sizes += (("out_map_size", map_made(node)),)
    if form.reduced:
        sizes += (("key_size", _map(connection.key_grid)),)
    if form.tokens:
        sizes += (("num_tokens", connection.tokens),)
    return sizes


def _map(grid: Size | None) -> Argument:
    return (1, 1) if grid is None else MapSize(*grid)


def _geometry(form: Form, connection: Connection) -> Arguments:
    space, size = form.space, block_size(connection)
    stencil: Arguments = (("stride", space.stride),)
    if form.padding == "number":
        assert not isinstance(space.padding, str), "a number of places"
        stencil += (("padding", space.padding),)
    band = 0 if space.along == "rows" else 1
    moves = form.cut or space.border == "wrap"
    shift = block_shift(connection)
    return {
        "point": stencil,
        "local": (("kernel_size", space.size), ("dilation", space.dilation), *stencil),
        "axial": (),
        "window": (
            ("window_size", size),
            ("halo_size", block_halo(connection)) if form.halo else ("shift_size", shift),
        ),
        "stripe": (
            ("stripe_size", size[band]),
            *((("shift_size", shift[band]),) if moves else ()),
        ),
        "grid": (("grid_size", size),),
        "full": (),
        "outlook": (("window_size", space.size), ("step", space.step)),
    }[space.connect]


def _network(node: Connect) -> Arguments:
    weight = node.connection.operator.weight
    network: Arguments = ()
    if weight.predictor is not None and weight.predictor.reduction is not None:
        network += (("reduction", weight.predictor.reduction),)
    if weight.predictor is not None and weight.predictor.experts is not None:
        network += (("num_experts", weight.predictor.experts),)
    if weight.source == "center":
        network += (("extent", weight.extent),)
    if weight.position == "continuous":
        network += (("hidden", weight.hidden),)
    if weight.position == "rotary":
        network += (("temperature", weight.temperature),)
    if weight.fixed == "shift":
        network += (("offset", weight.offset),)
    return network


def _biases(node: Connect, form: Form) -> Arguments:
    operator = node.connection.operator
    values = {
        "qkv_bias": operator.weight.qkv_bias,
        "value_bias": operator.frame.value_bias,
        "proj_bias": operator.frame.output_bias,
    }
    return tuple((name, values[name]) for name in _flags(form))

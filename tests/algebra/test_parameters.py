"""Parameter shapes: known layouts, and the closed form against the tables of both sides."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from relgraph.algebra.families import connection, families, framed
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Space,
    Weight,
)
from relgraph.algebra.parameters import (
    buffers,
    channel_shape,
    parameter_count,
    parameters,
    space_shape,
)
from relgraph.algebra.tables import channel_table, space_table

LOCAL = Space("local", size=(3, 5), share="positions")
WINDOW = Space("window", size=(2, 3), border="mask")
ATTENTION = Weight("pair", normalize="softmax", position="relative")
FRAME = Frame(value=True, output=True)
HEADS = Channel("separate", share="heads", heads=2)


def shapes(operator: Operator, c: int = 8, d: int = 8, **ends: object) -> dict[str, object]:
    at = {"in_grid": (4, 6), "out_grid": (4, 6)} | ends
    return {p.name: p.shape for p in parameters(Connection(operator, c, d, **at))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channel", "weight"),
    [
        (Channel("full"), (6, 8, 3, 5)),
        (Channel("groups", groups=2), (6, 4, 3, 5)),
        (Channel("groups", groups=2, share="all"), (3, 4, 3, 5)),
    ],
)
def test_shared_local_weights_are_torch_kernels(channel: Channel, weight: object) -> None:
    assert shapes(Operator(LOCAL, channel), 8, 6) == {"weight": weight, "bias": (6,)}


@pytest.mark.parametrize(
    ("channel", "units"),
    [(Channel("separate"), 8), (HEADS, 2), (Channel("separate", share="all"), 1)],
)
def test_depthwise_kernels(channel: Channel, units: int) -> None:
    assert shapes(Operator(LOCAL, channel)) == {"weight": (units, 1, 3, 5), "bias": (8,)}


def test_a_point_is_a_linear_layer() -> None:
    assert shapes(Operator(Space(share="positions")), 8, 6) == {"weight": (6, 8), "bias": (6,)}


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (Space("full"), (2, 24, 24)),
        (Space("full", share="positions"), (2, 7 * 11)),
        (Space("full", share="positions", border="wrap"), (2, 24)),
        (Space("full", share="all"), (2,)),
        (Space("window", size=(2, 3)), (2, 4, 6, 6)),
        (Space("window", size=(2, 3), share="windows"), (2, 6, 6)),
        (Space("window", size=(2, 3), share="positions"), (2, 3 * 5)),
        (Space("window", size=(2, 3), shift=(1, 1), border="wrap"), (2, 4, 6, 6)),
        # Cut at the border: rows 1·1 + 2·2 + 1·1 pairs, columns 1·1 + 3·3 + 2·2.
        (Space("window", size=(2, 3), shift=(1, 1), border="mask"), (2, 6 * 14)),
        (Space("window", size=(3, 4), pad=True), (2, 4, 12, 12)),
        (Space("stripe", size=(2, 1)), (2, 2, 12, 12)),
        (Space("stripe", size=(1, 3), along="columns"), (2, 2, 12, 12)),
        (Space("grid", size=(2, 3)), (2, 4, 6, 6)),
        (Space("axial"), (2, 24 * 9)),
        (Space("axial", share="positions"), (2, 17)),
        (Space("axial", share="positions", border="wrap"), (2, 9)),
        (Space("local", size=(3, 3)), (2, 10 * 16)),
        (Space("local", size=(3, 3), border="clamp"), (2, 24 * 9)),
        (Space("local", size=(3, 3), share="all"), (2,)),
        (Space("point"), (2, 24)),
    ],
)
def test_space_layouts(space: Space, shape: object) -> None:
    assert shapes(Operator(space, HEADS, bias="none")) == {"weight": shape}


def test_attention_in_windows() -> None:
    assert shapes(Operator(WINDOW, HEADS, ATTENTION, "none", FRAME)) == {
        "qkv.weight": (24, 8),
        "qkv.bias": (24,),
        "relative_position_bias_table": (15, 2),
        "proj.weight": (8, 8),
        "proj.bias": (8,),
    }


def test_attention_without_values_of_its_own() -> None:
    weight = Weight("pair", qkv_bias=False, position="absolute")
    operator = Operator(Space("full"), HEADS, weight, "none")
    assert shapes(operator, tokens=1) == {"qkv.weight": (16, 8), "position_bias": (2, 25, 25)}


def test_attention_to_a_reduced_map() -> None:
    weight = Weight("pair", normalize="softmax", position="absolute")
    operator = Operator(Space("full"), HEADS, weight, "none", FRAME)
    found = shapes(operator, key_grid=(2, 3))
    assert found["q.weight"] == (8, 8)
    assert found["kv.weight"] == (16, 8)
    assert found["kv.bias"] == (16,)
    assert found["position_bias"] == (2, 24, 6)
    assert "qkv.weight" not in found


def test_predictors() -> None:
    predictor = Predictor(reduction=4, bias=True, norm="batch_norm")
    weight = Weight("center", extent=3, predictor=predictor)
    assert shapes(Operator(LOCAL, HEADS, weight, "none")) == {
        "squeeze.weight": (2, 72),
        "squeeze.bias": (2,),
        "norm.weight": (2,),
        "norm.bias": (2,),
        "expand.weight": (30, 2),
        "expand.bias": (30,),
    }
    assert shapes(Operator(LOCAL, HEADS, Weight("pooled"), "none")) == {
        "expand.weight": (30, 8),
        "expand.bias": (30,),
    }
    at = Connection(Operator(LOCAL, HEADS, weight, "none"), 8, 8, (4, 6), (4, 6))
    assert [b.name for b in buffers(at)] == [
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]


def test_the_paper_counts_weights_of_static_windows_so() -> None:
    """Every window of every block of Swin-T its own heads × 49 × 49, all of them: PAPER 3."""
    total = 0
    for depth, channels, side in ((2, 96, 56), (2, 192, 28), (6, 384, 14), (2, 768, 7)):
        space = Space("window", size=(7, 7), shift=(0, 0), border="wrap")
        channel = Channel("separate", share="heads", heads=channels // 32)
        at = Connection(
            Operator(space, channel, bias="none"), channels, channels, (side, side), (side, side)
        )
        total += depth * parameter_count(at)
    assert total == 2401 * (2 * 3 * 64 + 2 * 6 * 16 + 6 * 12 * 4 + 2 * 24)


def test_decay_spares_vectors_scalars_and_position_tables() -> None:
    operator = Operator(WINDOW, HEADS, ATTENTION, "none", FRAME)
    found = {p.name: p.decay for p in parameters(connection(operator))}
    assert {name for name, decay in found.items() if decay} == {"qkv.weight", "proj.weight"}
    single = Operator(Space(share="positions"), Channel("separate"))
    assert not any(p.decay for p in parameters(connection(single)))


def test_closed_forms_count_what_the_tables_number() -> None:
    seen = set()
    for operator in families():
        if (operator.space, operator.channel) in seen:
            continue
        seen.add((operator.space, operator.channel))
        at = connection(operator)
        assert math.prod(space_shape(at)) == space_table(at).orbits, operator.space
        assert math.prod(channel_shape(at)) == channel_table(at).orbits, operator.channel
    assert len(seen) > 300


def test_without_sharing_there_is_one_weight_for_every_live_entry() -> None:
    for space in {operator.space for operator in families() if operator.space.share == "none"}:
        at = connection(Operator(space, Channel("separate")))
        live = sum(len(row) for row in space_table(at).rows)
        assert math.prod(space_shape(at)) == live, space


def test_the_order_of_parameters_and_names_is_the_frames_too() -> None:
    for operator in families()[::97]:
        for variant in framed(operator):
            names = [p.name for p in parameters(connection(variant))]
            assert len(names) == len(set(names))
            assert ("proj.weight" in names) == variant.frame.output
            assert ("proj.bias" in names) == (variant.frame.output and variant.frame.output_bias)
            bare = replace(variant, frame=Frame())
            core = {p.name for p in parameters(connection(bare))}
            assert core <= set(names)

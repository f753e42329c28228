"""The reference's elements against torch's own modules, and against slices written by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from relgraph.program import Element, Shape
from relgraph.resolved import Argument
from relgraph.verify.elements import ACTIVATIONS, apply_element, fourier, sincos
from relgraph.verify.values import from_map, to_map

CHANNELS, GRID = 8, (4, 6)
ON_MAP = Shape(CHANNELS, GRID)


def noise(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def element(
    word: str, output: Shape = ON_MAP, entering: Shape = ON_MAP, **fields: Argument
) -> Element:
    return Element(
        input=entering, output=output, word=word, arguments=tuple(sorted(fields.items()))
    )


def norm_tensors() -> dict[str, Tensor]:
    return {
        "weight": noise(CHANNELS, seed=1),
        "bias": noise(CHANNELS, seed=2),
        "running_mean": noise(CHANNELS, seed=3),
        "running_var": noise(CHANNELS, seed=4).abs() + 0.5,
    }


@pytest.mark.parametrize(
    ("word", "function"),
    [
        ("relu", F.relu),
        ("relu6", F.relu6),
        ("gelu", F.gelu),
        ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")),
        ("silu", F.silu),
        ("hardswish", F.hardswish),
        ("hardsigmoid", F.hardsigmoid),
        ("elu", F.elu),
        ("mish", F.mish),
    ],
)
def test_activations_are_torchs(word: str, function: Callable[[Tensor], Tensor]) -> None:
    x = 4 * noise(2, 24, CHANNELS)
    torch.testing.assert_close(ACTIVATIONS[word](x), function(x), rtol=1e-12, atol=1e-12)


def test_leaky_relu_has_the_slope_it_says() -> None:
    x = noise(2, 24, CHANNELS)
    found = apply_element(element("leaky_relu", slope=0.2), {}, x, training=False)
    torch.testing.assert_close(found, F.leaky_relu(x, 0.2))


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_is_torchs_with_its_running_statistics(training: bool) -> None:
    tensors, x = norm_tensors(), noise(3, 24, CHANNELS)
    module = nn.BatchNorm2d(CHANNELS, eps=1e-3, momentum=0.3).double().train(training)
    module.load_state_dict({**module.state_dict(), **{k: v.clone() for k, v in tensors.items()}})
    norm = element("batch_norm", eps=1e-3, momentum=0.3, init=1.0)
    found = to_map(apply_element(norm, tensors, x, training), ON_MAP)
    torch.testing.assert_close(found, module(to_map(x, ON_MAP)))
    torch.testing.assert_close(tensors["running_mean"], module.running_mean)
    torch.testing.assert_close(tensors["running_var"], module.running_var)


def test_layer_norm_rms_norm_group_norm_are_torchs() -> None:
    tensors, x = norm_tensors(), noise(2, 24, CHANNELS)
    weight, bias = tensors["weight"], tensors["bias"]

    def apply(word: str, **fields: Argument) -> Tensor:
        return apply_element(element(word, **fields), tensors, x, training=False)

    layer = F.layer_norm(x, (CHANNELS,), weight, bias, 1e-6)
    torch.testing.assert_close(apply("layer_norm", eps=1e-6, bias=True), layer)
    rms = F.rms_norm(x, (CHANNELS,), weight, 1e-6)
    torch.testing.assert_close(apply("rms_norm", eps=1e-6), rms)
    group = F.group_norm(to_map(x, ON_MAP), 2, weight, bias, 1e-5)
    torch.testing.assert_close(apply("group_norm", groups=2, eps=1e-5), from_map(group))


def test_space_to_depth_concatenates_as_swin_does() -> None:
    x = noise(2, 24, CHANNELS)
    grid = to_map(x, ON_MAP).permute(0, 2, 3, 1)
    parts = [grid[:, 0::2, 0::2], grid[:, 1::2, 0::2], grid[:, 0::2, 1::2], grid[:, 1::2, 1::2]]
    made = element("space_to_depth", Shape(4 * CHANNELS, (2, 3)), size=2)
    found = apply_element(made, {}, x, training=False)
    torch.testing.assert_close(found, torch.cat(parts, -1).flatten(1, 2))


def test_channel_shuffle_is_torchs() -> None:
    x = noise(2, 24, CHANNELS)
    found = apply_element(element("channel_shuffle", groups=4), {}, x, training=False)
    torch.testing.assert_close(found, from_map(F.channel_shuffle(to_map(x, ON_MAP), 4)))


@pytest.mark.parametrize("counted", [True, False])
def test_average_pooling_counts_padding_or_not(counted: bool) -> None:
    fields = {"size": 3, "stride": 2, "padding": 1, "ceil": False, "count_padding": counted}
    pool, x = element("avg_pool", Shape(CHANNELS, (2, 3)), **fields), noise(2, 24, CHANNELS)
    wanted = nn.AvgPool2d(3, 2, 1, count_include_pad=counted)(to_map(x, ON_MAP))
    torch.testing.assert_close(apply_element(pool, {}, x, training=False), from_map(wanted))


def test_pooling_and_selecting_leave_tokens_out() -> None:
    entering = Shape(CHANNELS, GRID, ("class", "register"))
    x, vector = noise(2, 26, CHANNELS), Shape(CHANNELS, None)

    def apply(word: str, output: Shape, **fields: Argument) -> Tensor:
        return apply_element(element(word, output, entering, **fields), {}, x, training=False)

    torch.testing.assert_close(apply("global_pool", vector, kind="average")[:, 0], x[:, 2:].mean(1))
    torch.testing.assert_close(apply("global_pool", vector, kind="max")[:, 0], x[:, 2:].amax(1))
    torch.testing.assert_close(apply("select", vector, kind="class")[:, 0], x[:, 0])
    torch.testing.assert_close(apply("select", ON_MAP, kind="map"), x[:, 2:])


def test_learned_positions_start_behind_tokens_that_have_none() -> None:
    entering = Shape(CHANNELS, GRID, ("class",))
    table, x = noise(1, 24, CHANNELS, seed=5), noise(2, 25, CHANNELS)
    added = element("position", entering, entering, kind="learned", tokens=False)
    found = apply_element(added, {"weight": table}, x, training=False)
    torch.testing.assert_close(found[:, 0], x[:, 0])
    torch.testing.assert_close(found[:, 1:], x[:, 1:] + table)


def test_waves_tell_column_and_row() -> None:
    waves = sincos(ON_MAP)[0].view(*GRID, CHANNELS)
    half = CHANNELS // 2
    assert torch.equal(waves[0, :, :half], waves[3, :, :half])
    assert torch.equal(waves[:, 0, half:], waves[:, 5, half:])
    torch.testing.assert_close(waves[0, :, 0], torch.arange(6, dtype=torch.float64).sin())


def test_fourier_positions_are_those_of_xcit() -> None:
    from timm.models.xcit import PositionalEncodingFourier

    published = PositionalEncodingFourier(hidden_dim=10, dim=CHANNELS, temperature=500)
    x = noise(2, 24, CHANNELS)
    kept = published.token_projection.state_dict()
    tensors = {
        "projection.weight": kept["weight"].flatten(1).double(),
        "projection.bias": kept["bias"].double(),
    }
    added = element("position", kind="fourier", tokens=True, hidden=10, temperature=500.0)
    found = apply_element(added, tensors, x, training=False)
    expected = from_map(published(1, *GRID)).double()
    torch.testing.assert_close(found - x, expected.expand_as(x), atol=1e-5, rtol=1e-5)


def test_fourier_features_end_a_turn_at_the_last_row_of_any_map() -> None:
    small, large = fourier(Shape(8, (4, 6)), 6, 1e4), fourier(Shape(8, (40, 6)), 6, 1e4)
    torch.testing.assert_close(small[0, -1], large[0, -1], atol=1e-5, rtol=0)
    assert small.shape == (1, 24, 12)

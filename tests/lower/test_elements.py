"""Elements: emitted expressions and modules mean what the reference interpreter says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from relgraph.assemble.elements import parameters
from relgraph.assemble.naming import is_module
from relgraph.lower import lower
from relgraph.lower.elements import BUILDS
from relgraph.lower.module import Definition, DropPathRate, Inline, Module
from relgraph.program import Element, Shape
from relgraph.resolved import Argument
from relgraph.spec import words
from relgraph.verify.elements import apply_element
from relgraph.verify.values import from_layout, to_layout
from tests.lower.against_oracle import assert_close, draw, randomize
from tests.support import build, run_definitions

MAP = Shape(8, (4, 6))
SEQUENCE = Shape(8, (4, 6), ("class", "distill"))
VECTOR = Shape(8, None)
SHAPES = {"map": MAP, "sequence": SEQUENCE, "vector": VECTOR}
NORMS: dict[str, dict[str, Argument]] = {
    "layer_norm": {"eps": 1e-3, "bias": True, "init": 1.0},
    "batch_norm": {"eps": 1e-5, "momentum": 0.1, "init": 1.0},
    "group_norm": {"groups": 4, "eps": 1e-5},
    "rms_norm": {"eps": 1e-3},
    "affine": {},
    "scale": {"init": 0.5, "learned": True},
}
POOL: dict[str, Argument] = {"size": 3, "stride": 2, "padding": 1, "ceil": False}


def _element(word: str, before: Shape, after: Shape | None = None, **fields: Argument) -> Element:
    arguments = tuple(sorted(fields.items()))
    return Element(input=before, output=after or before, attr="x", word=word, arguments=arguments)


def _pool(word: str, grid: tuple[int, int], **fields: Argument) -> Element:
    extra: dict[str, Argument] = {"count_padding": True} if word == "avg_pool" else {}
    return _element(word, MAP, Shape(8, grid), **(POOL | extra | fields))


NODES: dict[str, Element] = (
    {
        f"{word} on a {name}": _element(word, shape, **fields)
        for word, fields in NORMS.items()
        for name, shape in SHAPES.items()
    }
    | {
        f"batch_norm from 0 on a {name}": _element(
            "batch_norm", shape, eps=1e-3, momentum=0.2, init=0.0
        )
        for name, shape in SHAPES.items()
    }
    | {
        f"layer_norm from 0 on a {name}": _element(
            "layer_norm", shape, eps=1e-3, bias=True, init=0.0
        )
        for name, shape in SHAPES.items()
    }
    | {
        "layer_norm without bias": _element("layer_norm", MAP, eps=1e-6, bias=False, init=1.0),
        "scale by a number": _element("scale", MAP, init=0.25, learned=False),
        "avg_pool": _pool("avg_pool", (2, 3)),
        "avg_pool of the map alone": _pool("avg_pool", (2, 3), count_padding=False),
        "avg_pool kept": _pool("avg_pool", (2, 3), size=2, stride=2, padding=0),
        "avg_pool up": _pool("avg_pool", (3, 4), ceil=True, padding=0, stride=(2, 2), size=(1, 1)),
        "avg_pool of three up": _pool("avg_pool", (2, 3), ceil=True, padding=0),
        "max_pool": _pool("max_pool", (2, 3)),
        "max_pool of rows": _pool("max_pool", (4, 3), size=(1, 3), stride=(1, 2), padding=(0, 1)),
        "global_pool of a map": _element("global_pool", MAP, VECTOR, kind="average"),
        "global_pool of a sequence": _element("global_pool", SEQUENCE, VECTOR, kind="average"),
        "largest of a map": _element("global_pool", MAP, VECTOR, kind="max"),
        "largest of a sequence": _element("global_pool", SEQUENCE, VECTOR, kind="max"),
        "upsample": _element("upsample", MAP, Shape(8, (8, 12)), factor=2, mode="nearest"),
        "upsample bilinear": _element(
            "upsample", MAP, Shape(8, (12, 12)), factor=(3, 2), mode="bilinear"
        ),
        "space_to_depth": _element("space_to_depth", MAP, Shape(32, (2, 3)), size=2),
        "channel_shuffle": _element("channel_shuffle", MAP, groups=4),
        "channel_shuffle of a vector": _element("channel_shuffle", VECTOR, groups=2),
        "learned position on a map": _element("position", MAP, kind="learned", tokens=True),
        "learned position": _element("position", SEQUENCE, kind="learned", tokens=True),
        "learned position, map only": _element("position", SEQUENCE, kind="learned", tokens=False),
        "waves on a map": _element("position", MAP, kind="sincos", tokens=True),
        "waves behind tokens": _element("position", SEQUENCE, kind="sincos", tokens=True),
        "fourier position on a map": _element(
            "position", MAP, kind="fourier", tokens=True, hidden=6, temperature=50.0
        ),
        "fourier position behind tokens": _element(
            "position", SEQUENCE, kind="fourier", tokens=True, hidden=32, temperature=10000.0
        ),
        "class token": _element(
            "add_token", MAP, Shape(8, (4, 6), ("class",)), kind="class", count=1
        ),
        "registers": _element(
            "add_token",
            SEQUENCE,
            Shape(8, (4, 6), ("register",) * 3 + SEQUENCE.tokens),
            kind="register",
            count=3,
        ),
        "select class": _element("select", SEQUENCE, VECTOR, kind="class"),
        "select distill": _element("select", SEQUENCE, VECTOR, kind="distill"),
        "select map": _element("select", SEQUENCE, MAP, kind="map"),
        "select map of a map": _element("select", MAP, kind="map"),
        "classifier": _element("classifier", VECTOR, Shape(5, None), bias=True),
        "classifier without bias": _element("classifier", VECTOR, Shape(5, None), bias=False),
        "leaky_relu": _element("leaky_relu", MAP, slope=0.01),
        "leaky_relu of 0.2": _element("leaky_relu", MAP, slope=0.2),
        "dropout": _element("dropout", MAP, rate=0.5),
        "drop_path": _element("drop_path", MAP, rate=0.5),
    }
    | {
        word.name: _element(word.name, MAP)
        for word in words.ACTIVATIONS
        if word.name != "leaky_relu"
    }
)
each = pytest.mark.parametrize("name", NODES)


def definitions(element: Element) -> Iterator[Definition]:
    """What the element's lowering brings into a file."""
    lowered = lower(element)
    if isinstance(lowered, Inline):
        yield from lowered.uses
    elif lowered.definition is not None:
        yield lowered.definition


class _Expression(nn.Module):
    """An inline expression as a module, so that the same checks serve both."""

    def __init__(self, inline: Inline) -> None:
        super().__init__()
        self.namespace = run_definitions(inline.uses).__dict__
        self.text = f"lambda x: {inline.expression.format(x='x')}"

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = eval(self.text, self.namespace)(x)
        return y


def _made(element: Element) -> nn.Module:
    lowered = lower(element)
    if isinstance(lowered, Module):
        return build(lowered)
    return _Expression(lowered)


def _value(element: Element, batch: int = 3) -> Tensor:
    return to_layout(draw(element.input, batch), element.input)


def test_every_word_of_the_language_is_lowered_and_tested() -> None:
    assert set(BUILDS) == set(words.ELEMENTS)
    assert {element.word for element in NODES.values()} == set(words.ELEMENTS)


@each
def test_equals_the_reference(name: str) -> None:
    element = NODES[name]
    made = randomize(_made(element)).eval()
    x = draw(element.input, batch=3).requires_grad_()
    tensors = made.state_dict(keep_vars=True)
    expected = apply_element(element, tensors, x, training=False)
    found = from_layout(made(to_layout(x, element.input)), element.output)
    assert_close(found, expected, name)
    weight = torch.randn(expected.shape, dtype=expected.dtype)
    wanted = [x, *made.parameters()]
    ours = torch.autograd.grad(found, wanted, weight)
    theirs = torch.autograd.grad(expected, wanted, weight)
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other, "gradient")


@each
def test_parameters_are_the_programs(name: str) -> None:
    found = {key: tuple(p.shape) for key, p in _made(NODES[name]).named_parameters()}
    assert found == {p.name: p.shape for p in parameters(NODES[name])}


@each
def test_a_module_where_the_program_names_an_attribute(name: str) -> None:
    assert isinstance(lower(NODES[name]), Module) == is_module(NODES[name])


@each
def test_compiles_and_exports_with_a_dynamic_batch(name: str) -> None:
    made = randomize(_made(NODES[name])).eval()
    x, other = _value(NODES[name]), _value(NODES[name], batch=5)
    torch.compiler.reset()
    if isinstance(made, nn.Module) and not isinstance(made, _Expression):
        assert_close(torch.compile(made, fullgraph=True, backend="eager")(x), made(x), "compiled")
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    traced = _Plain(made) if isinstance(made, _Expression) else made
    exported = torch.export.export(traced, (x,), dynamic_shapes=shapes, strict=False)
    assert_close(exported.module()(other), made(other), "exported")


class _Plain(nn.Module):
    """A module without evaluated text, which export refuses to trace."""

    def __init__(self, expression: _Expression) -> None:
        super().__init__()
        self.function = eval(expression.text, expression.namespace)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.function(x)
        return y


@each
def test_bfloat16_and_meta(name: str) -> None:
    element = NODES[name]
    made = _made(element).eval().bfloat16()
    assert made(_value(element).bfloat16()).dtype == torch.bfloat16
    with torch.device("meta"):
        empty = _made(element)
    empty.to_empty(device="cpu")
    plain = _made(element)
    for module in reversed(list(empty.modules())):  # as a model does it: children first
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator]
    for (key, tensor), other in zip(
        empty.state_dict().items(), plain.state_dict().values(), strict=True
    ):
        assert bool(tensor.isfinite().all()), key
        if parameters(element) and "position" not in name and "classifier" not in name:
            assert torch.equal(tensor, other) or element.word == "add_token", key


@pytest.mark.parametrize("name", [name for name in NODES if "batch_norm" in name])
def test_batch_norm_trains_as_the_reference_does(name: str) -> None:
    made = randomize(_made(NODES[name])).train()
    x = draw(NODES[name].input, batch=4)
    kept = {key: tensor.clone() for key, tensor in made.state_dict().items()}
    expected = apply_element(NODES[name], kept, x, training=True)
    found = from_layout(made(to_layout(x, NODES[name].input)), NODES[name].input)
    assert_close(found, expected, name)
    for statistic in ("running_mean", "running_var"):
        assert_close(made.get_buffer(statistic), kept[statistic], statistic)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_norm_starts_where_the_spec_says(shape: str) -> None:
    state = _made(NODES[f"batch_norm from 0 on a {shape}"]).state_dict()
    assert (
        not state["weight"].any() and not state["bias"].any() and bool(state["running_var"].all())
    )
    assert _made(NODES[f"batch_norm on a {shape}"]).state_dict()["weight"].eq(1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_layer_norm_starts_where_the_spec_says(shape: str) -> None:
    """As nothing at 0, also after a reset, with a gradient that lets it leave."""
    element = NODES[f"layer_norm from 0 on a {shape}"]
    made = _made(element)
    for tensor in made.parameters():
        tensor.data.fill_(99)
    made.reset_parameters()  # type: ignore[operator]
    x = _value(element).to(made.get_parameter("weight"))
    y = made(x)
    assert not y.any()
    (gradient,) = torch.autograd.grad((y * x).sum(), made.get_parameter("weight"))
    assert gradient.all()


def test_drop_path_zeroes_whole_samples_and_keeps_the_mean() -> None:
    made = _made(NODES["drop_path"]).train()
    x = torch.ones(4000, 2, 1, 1)
    y = made(x)
    assert set(y.flatten().tolist()) == {0.0, 2.0}
    assert torch.equal(y[:, 0], y[:, 1])
    assert abs(y.mean().item() - 1) < 0.1
    assert made.eval()(x) is x


def test_a_rate_follows_the_block_unless_the_spec_wrote_one() -> None:
    written = lower(NODES["drop_path"])
    follows = lower(_element("drop_path", MAP, rate=0.2, follows_block=True))
    assert isinstance(written, Module) and dict(written.arguments) == {"drop_prob": 0.5}
    assert isinstance(follows, Module)
    assert dict(follows.arguments) == {"drop_prob": DropPathRate(0.2)}


@pytest.mark.parametrize(
    ("name", "grid"), [("learned position on a map", (4, 5)), ("space_to_depth", (3, 6))]
)
def test_an_impossible_size_says_what_was_found(name: str, grid: tuple[int, int]) -> None:
    element = dataclasses.replace(NODES[name], input=Shape(8, grid))
    with pytest.raises(ValueError, match="found"):
        _made(NODES[name])(_value(element).float())


@pytest.mark.parametrize(
    "name",
    [
        "learned position",
        "learned position, map only",
        "select map",
        "waves behind tokens",
        "fourier position behind tokens",
    ],
)
def test_a_sequence_of_another_length_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"found|23"):
        _made(NODES[name])(torch.randn(2, 2 + 23, 8))


@pytest.mark.parametrize(
    "name", ["avg_pool", "max_pool", "upsample", "space_to_depth", "layer_norm on a map"]
)
def test_maps_stay_in_channels_last_memory(name: str) -> None:
    x = torch.randn(2, 8, 4, 6).to(memory_format=torch.channels_last)
    assert _made(NODES[name])(x).is_contiguous(memory_format=torch.channels_last)

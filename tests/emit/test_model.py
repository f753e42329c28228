"""What users of vision models expect of an emitted class, tried on every small shipped backbone."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from relgraph.program import Program
from relgraph.resolve.literal import repeating
from relgraph.shipped import shipped
from relgraph.verify import verify_text
from tests.designs import small, write_spec

SMALL = [name for name in shipped("backbones") if name.endswith("_fashion")]
# Small backbones are compiled and exported whole, in one graph, where exports are tried; the larger
# ones of their families are wider and deeper, and tracing them sees nothing new.
FAMILIES = tuple(name.removesuffix("_fashion") for name in SMALL)
FULL = [name for name in shipped("backbones") if not name.startswith(FAMILIES)]


class Emitted:
    """A compiled backbone, loaded."""

    def __init__(self, name: str) -> None:
        compiled = compile_backbone(name)
        self.program: Program = compiled.program
        self.module: types.ModuleType = load_text(compiled.text, f"{compiled.name}.py")

    def build(self, **arguments: Any) -> Any:
        torch.manual_seed(0)
        return getattr(self.module, self.module.BUILDER)(**arguments)

    def images(self, count: int = 2) -> Tensor:
        grid = self.program.input.grid
        assert grid is not None
        generator = torch.Generator().manual_seed(1)
        return torch.randn(count, self.program.input.channels, *grid, generator=generator)


CACHE: dict[str, Emitted] = {}


@pytest.fixture(params=SMALL)
def emitted(request: pytest.FixtureRequest) -> Emitted:
    name = str(request.param)
    if name not in CACHE:
        CACHE[name] = Emitted(name)
    return CACHE[name]


def test_forward_is_head_of_features(emitted: Emitted) -> None:
    model, x = emitted.build().eval(), emitted.images()
    logits = model(x)
    assert logits.shape == (2, model.num_classes)
    assert torch.equal(logits, model.forward_head(model.forward_features(x)))
    pooled = model.forward_head(model.forward_features(x), pre_logits=True)
    assert pooled.shape == (2, model.num_features)


def test_feature_maps_are_as_told(emitted: Emitted) -> None:
    model, x = emitted.build().eval(), emitted.images()
    maps = model.forward_intermediates(x)
    assert len(maps) == len(model.feature_info)
    for made, told in zip(maps, model.feature_info, strict=True):
        assert made.shape[:2] == (2, told["num_chs"])
        sides = [-(-side // told["reduction"]) for side in x.shape[2:]]
        assert list(made.shape[2:]) == sides


def test_classifier_can_be_reset_and_removed(emitted: Emitted) -> None:
    model, x = emitted.build().eval().double(), emitted.images().double()
    model.reset_classifier(3)
    assert model(x).shape == (2, 3)
    assert model(x).dtype == torch.float64
    model.reset_classifier(0)
    assert model(x).shape == (2, model.num_features)


def test_builder_arguments(emitted: Emitted) -> None:
    model = emitted.build(num_classes=7, in_chans=2, drop_path_rate=0.5)
    _, _, height, width = emitted.images().shape
    assert model.train()(torch.randn(3, 2, height, width)).shape == (3, 7)


def test_another_image_size_can_be_built(emitted: Emitted) -> None:
    _, channels, height, width = emitted.images().shape
    model = emitted.build(img_size=(2 * height, width)).eval()
    assert model(torch.randn(1, channels, 2 * height, width)).shape == (1, model.num_classes)


def test_another_image_size_runs_within_the_contract(emitted: Emitted) -> None:
    x = emitted.images()
    model = emitted.build().eval()
    larger = torch.cat((x, x), dim=3)
    if emitted.program.contract.fixed:
        with pytest.raises(ValueError, match="built for images"):
            model(larger)
    else:
        assert model(larger).isfinite().all()


def test_checkpointing_changes_no_gradient(emitted: Emitted) -> None:
    model, x = emitted.build(drop_path_rate=0.0).double(), emitted.images(4).double()
    plain = gradients(model, x)
    model.set_grad_checkpointing()
    checkpointed = gradients(model, x)
    assert plain.keys() == checkpointed.keys()
    for name, value in plain.items():
        torch.testing.assert_close(checkpointed[name], value)


def gradients(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()(x).square().mean().backward()
    model.load_state_dict(state)  # Norm statistics as they were.
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def test_every_parameter_is_reached(emitted: Emitted) -> None:
    model = emitted.build(drop_path_rate=0.0)
    assert len(gradients(model, emitted.images(4))) == len(list(model.parameters()))


def test_reset_after_meta_equals_fresh(emitted: Emitted) -> None:
    with torch.device("meta"):
        empty = emitted.build()
    model = empty.to_empty(device="cpu")
    for tensor in [*model.parameters(), *model.buffers()]:
        tensor.data.fill_(99)
    model.reset_parameters()
    fresh, x = emitted.build(), emitted.images()
    model.load_state_dict(fresh.state_dict())  # Index tables are not in it: they were refilled.
    torch.testing.assert_close(model.eval()(x), fresh.eval()(x))
    spread = {n: p.std() for n, p in emitted.build().named_parameters() if p.numel() > 64}
    assert all(value < 10 for value in spread.values())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtypes(emitted: Emitted, dtype: torch.dtype) -> None:
    model, x = emitted.build().eval().to(dtype), emitted.images().to(dtype)
    assert model(x).dtype == dtype


def test_autocast_trains(emitted: Emitted) -> None:
    model, x = emitted.build(), emitted.images(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(x).float().square().mean()
    loss.backward()
    assert loss.isfinite()


def test_no_weight_decay_names_parameters(emitted: Emitted) -> None:
    model = emitted.build()
    shapes = {name: value.ndim for name, value in model.named_parameters()}
    assert all(shapes[name] > 1 for name in model.no_weight_decay())


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_full_models_compile_without_graph_breaks(name: str) -> None:
    torch._dynamo.reset()
    emitted = Emitted(name)
    with torch.device("meta"):
        model = emitted.build().eval()
        x = torch.empty_like(emitted.images(1), device="meta")
        for stage, declared in zip(model.stages, emitted.program.source.stages, strict=True):
            # To trace a block's repetitions costs as much again and sees nothing new.
            del stage.blocks[repeating(declared.blocks)[0] :]
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        assert compiled(x).shape == (1, 1000)


def test_heads_in_scopes_and_several_stages(tmp_path: Path) -> None:
    path = small(tmp_path, "- residual: {body: [pointwise], scale: 0.1}")
    text = path.read_text().replace(
        "head: [global_pool, classifier]",
        "head: [global_pool, feed_forward, layer_norm, dropout: 0.1, classifier]",
    )
    path.write_text(text)
    model = Emitted(str(path)).build().eval()
    assert model(torch.randn(2, 3, 16, 16)).shape == (2, 5)


def test_outputs_stand_on_a_map_that_follows_the_image(tmp_path: Path) -> None:
    """Inputs of reduced space are read from a smaller map: both maps are the image's affair."""
    operator = "operator: mine\nspace: {connect: full, rank: {reduce: 2}}\nweight: static\n"
    write_spec(tmp_path, operator, "mine")
    compiled = compile_backbone(str(small(tmp_path, "- mine")))
    model = load_text(compiled.text, "example.py").example(img_size=(8, 24))
    assert model(torch.rand(1, 3, 8, 24)).shape == (1, 5)
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if "mine" in name]
    assert (8, 8, 4 * 12, 2 * 6) in shapes
    assert verify_text(compiled.text, "example.py").failures == ()


def test_learned_tokens_do_not_follow_the_image(tmp_path: Path) -> None:
    """As many as a map of the image, cut into 4 x 4, would have: they are no map."""
    operator = "operator: mine\nspace: {connect: full, rank: {tokens: 4}}\nweight: static\n"
    operator += "channel: {connect: groups, groups: 2}\n"
    write_spec(tmp_path, operator, "mine")
    compiled = compile_backbone(str(small(tmp_path, "- mine", size=8)))
    model = load_text(compiled.text, "example.py").example(img_size=(16, 24))
    shapes = {tuple(p.shape) for name, p in model.named_parameters() if "gather" in name}
    assert shapes == {(8, 4, 8 * 12)}
    assert model(torch.rand(1, 3, 16, 24)).shape == (1, 5)


def test_structure_words_run(tmp_path: Path) -> None:
    path = small(
        tmp_path,
        """
        - tap: before
        - split: {sizes: [rest, 0.25], bodies: [[], [depthwise_conv: 3]]}
        - concat: [[], [from: before, pointwise]]
        - channel_shuffle: 2
        - pointwise: 8
        - product: [[], [global_pool, pointwise, sigmoid]]
        - sum: [[], [avg_pool: 2, upsample: 2], [max_pool: {size: 3, stride: 1, padding: 1}]]
        - [add_token: class, position: sincos, {global_attention: {heads: 2}}]
        - sum: [[], [select: map, depthwise_conv: 3]]
        - select: map
        """,
    )
    model = Emitted(str(path)).build()
    assert gradients(model, torch.randn(2, 3, 16, 16))

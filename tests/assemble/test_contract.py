"""Which sizes a model takes, and which it can be built for: its file says it, and keeps to it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from relgraph.emitted import load_text
from relgraph.pipeline import Compiled, compile_backbone
from relgraph.understanding import understand
from tests.resolve.specs import around, write

# Maps of 15 and, rounded down, 7: the image's sides over no whole number, rounded up.
ODD_MAPS = around(
    "[{residual: [global_attention: {heads: 2, position: relative}]}]",
    input="{size: 30}",
    classes="3",
    stem="[conv: {size: 3, channels: $channels, stride: 2}]",
    stages="[{depth: 1, channels: 8}, {depth: 1, channels: 8}]",
    downsample="[max_pool: 2]",
)
# Down by whole kernels and up again: 15 comes back to 15, and 16 does not come back to 16.
DOWN_AND_UP = around(
    "[{sum: [[], [{max_pool: {size: 3, stride: 2}}, upsample: 2,"
    " {avg_pool: {size: 2, stride: 1, padding: 1}}]]}, token_mlp]",
    input="{size: 15}",
    classes="3",
)
EVEN_MAPS = around("[position: learned]", input="{size: 16}", classes="3", stem="[patchify: 4]")
CUT = around("[relu]", input="{size: 30}", classes="3", stem="[patchify: 4]")


def compiled(folder: Path, text: str) -> tuple[Compiled, ModuleType]:
    made = compile_backbone(str(write(folder, tested=text)))
    return made, load_text(made.text, "tested.py")


def built(module: ModuleType, size: int) -> Any:
    return module.tested(img_size=size)


@pytest.mark.parametrize(("text", "own"), [(ODD_MAPS, 30), (DOWN_AND_UP, 15)])
def test_a_builder_refuses_sizes_whose_maps_it_cannot_know(
    text: str, own: int, tmp_path: Path
) -> None:
    made, module = compiled(tmp_path, text)
    assert made.program.contract.unique
    assert f"H, W must be {own}, {own}." in made.text
    built(module, own)(torch.zeros(1, 3, own, own))
    for size in (own - 1, own + 1, own + 2, 2 * own):
        with pytest.raises(ValueError, match=f"only {own} x {own}"):
            built(module, size)


def test_a_builder_takes_every_size_whose_maps_follow(tmp_path: Path) -> None:
    made, module = compiled(tmp_path, EVEN_MAPS)
    assert (made.program.contract.fixed, made.program.contract.unique) == (True, False)
    for size in (4, 16, 28):
        built(module, size)(torch.zeros(1, 3, size, size))
    with pytest.raises(ValueError, match="multiples of 4"):
        built(module, 18)


def test_maps_inside_weights_are_no_maps_of_the_image(tmp_path: Path) -> None:
    block = "[token_mlp: {share: all, hidden: 11}]"
    made, _ = compiled(tmp_path, around(block, input="{size: 16}", stem="[patchify: 4]"))
    assert (made.program.contract.fixed, made.program.contract.unique) == (True, False)


def test_learned_tokens_that_are_as_many_as_places_bind_a_model_to_its_size(tmp_path: Path) -> None:
    block = "[token_mlp: {share: all, hidden: 1}]"
    made, module = compiled(tmp_path, around(block, input="{size: 4}", stem="[patchify: 4]"))
    assert made.program.contract.unique
    with pytest.raises(ValueError, match="only 4 x 4"):
        built(module, 8)


def test_patches_that_cut_the_map_run_and_are_told(tmp_path: Path) -> None:
    made, module = compiled(tmp_path, CUT)
    assert not made.program.contract.fixed and made.program.contract.multiple == (1, 1)
    for size in (30, 31):
        built(module, 30)(torch.zeros(1, 3, size, size))
    (caution,) = (note for note in made.notes if note.code == "map-cut")
    assert "the last 2 rows and 2 columns" in caution.expected


# 8 x 40 by 4, then by 3 rounded up: maps of 1 x 4, on which windows of 1 and of 2 stand.
@pytest.mark.parametrize(("window", "unique"), [("1", False), ("[1, 2]", True)])
def test_an_image_is_divided_by_what_divides_its_maps(
    window: str, unique: bool, tmp_path: Path
) -> None:
    attention = f"{{local_attention: {{window: {window}, heads: 1}}}}"
    text = around(
        f"[{{conv: {{size: 3, stride: $stride}}}}, {attention}]",
        input="{size: [8, 40]}",
        classes="3",
        stem="[patchify: 4]",
        stages="[{depth: 1, channels: 8, stride: 3}]",
    )
    made, module = compiled(tmp_path, text)
    assert made.program.contract.unique == unique
    module.tested()(torch.zeros(1, 3, 8, 40))


def test_patches_that_divide_the_map_are_not_told(tmp_path: Path) -> None:
    notes = understand(str(write(tmp_path, tested=EVEN_MAPS))).notes
    assert not [note for note in notes if note.code == "map-cut"]


# A window of 2 x 3 that goes on at the other side: offsets count modulo a map that it spans.
ROUND = """operator: round_window
space: {connect: window, size: [2, 3], shift: [1, 1], share: positions, border: wrap}
channel: {connect: separate}
weight: static
"""


def test_wrapped_windows_take_no_map_that_they_span(tmp_path: Path) -> None:
    text = around("[round_window]", input="{size: [8, 12]}", classes="3", stem="[conv: 1]")
    made = compile_backbone(str(write(tmp_path, round_window=ROUND, tested=text)))
    assert made.program.contract.minimum == (4, 6)
    rows, columns = made.program.contract.minimum
    model = load_text(made.text, "tested.py").tested().eval()
    model(torch.zeros(1, 3, rows, columns))
    with pytest.raises(ValueError, match="from 4 x 6 on"):
        model(torch.zeros(1, 3, 2, 12))


@pytest.mark.parametrize(
    ("window", "size", "minimum"),
    [("window: 4", 16, (16, 16)), ("window: 2, pad: true", 9, (5, 5)), ("window: 4", 8, (8, 8))],
)
def test_nor_where_a_network_makes_their_bias(
    window: str, size: int, minimum: tuple[int, int], tmp_path: Path
) -> None:
    """Its parameters are the same on a map that they span, where offsets mean something else."""
    attention = f"{{window_attention_v2: {{{window}, heads: 2, border: wrap}}}}"
    stem = "[{conv: {size: 3, channels: 8, stride: 2}}]"
    text = around(f"[{attention}]", input=f"{{size: {size}}}", classes="3", stem=stem)
    contract = compile_backbone(str(write(tmp_path, tested=text))).program.contract
    assert (contract.fixed, contract.minimum) == (size == 8, minimum)

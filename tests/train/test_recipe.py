from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from relgraph.errors import RelgraphError
from relgraph.shipped import shipped
from relgraph.spec.recipe import Recipe, dump_recipe, find_recipe, load_recipe

SMALLEST = "recipe: small\nepochs: 1\nbatch_size: 8\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(RelgraphError) as caught:
        load_recipe(written(folder, text), overrides)
    return [f"{p.place and p.place.line}:{p.place and p.place.column} {p.code}: {p.found}; "
            f"{p.expected}; {p.hint}" for p in caught.value.problems]  # fmt: skip


@pytest.mark.parametrize("name", shipped("recipes"))
def test_a_shipped_recipe_is_named_as_its_file_and_survives_writing(
    name: str, tmp_path: Path
) -> None:
    recipe = load_recipe(find_recipe(name))
    assert recipe.recipe == name
    assert load_recipe(written(tmp_path, dump_recipe(recipe))) == recipe


def test_the_papers_recipe() -> None:
    recipe = load_recipe(find_recipe("imagenet_300"))
    optimizer, schedule, change = recipe.optimizer, recipe.schedule, recipe.augmentation
    assert (recipe.epochs, schedule.warmup_epochs, schedule.name) == (300, 20, "cosine")
    assert (optimizer.betas, optimizer.eps, optimizer.weight_decay) == ((0.9, 0.999), 1e-8, 0.05)
    assert (optimizer.lr, optimizer.base_batch, recipe.batch_size) == (1e-3, 1024, 1024)
    assert (schedule.warmup_lr, schedule.min_lr, recipe.clip) == (1e-6, 1e-5, 5.0)
    assert recipe.mixing is not None and (recipe.mixing.mixup, recipe.mixing.cutmix) == (0.8, 1.0)
    assert change.randaugment is not None
    assert (change.randaugment.magnitude, change.randaugment.std) == (9, 0.5)
    assert (change.color_jitter, change.random_erasing) == (0.4, 0.25)
    assert (recipe.label_smoothing, change.interpolation, recipe.ema) == (0.1, "bicubic", None)
    assert recipe.drop_path is None, "0.2 for tiny, 0.5 for base: the backbone says which"
    assert int(224 / recipe.evaluation.crop_ratio) == 256


def test_text_that_needs_quoting_survives_writing(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, SMALLEST + "data: {kind: idx, path: 'a\"b\\c: #d'}\n"))
    assert recipe.data.path == 'a"b\\c: #d'
    assert load_recipe(written(tmp_path, dump_recipe(recipe))) == recipe


def test_values_are_overridden_one_by_one(tmp_path: Path) -> None:
    recipe = load_recipe(
        written(tmp_path, SMALLEST + "ema: null\n"),
        ["optimizer.lr=1e-3", "optimizer.betas=[0.8, 0.9]", "ema.decay=0.5", "clip=2",
         "data.kind=idx", "data.path=/some where/else", "precision=32", "mixing={mixup: 0.1}"],
    )  # fmt: skip
    assert recipe.optimizer.lr == 1e-3 and recipe.optimizer.betas == (0.8, 0.9)
    assert recipe.ema is not None and (recipe.ema.decay, recipe.ema.warmup) == (0.5, True)
    assert (recipe.clip, recipe.precision, recipe.data.path) == (2.0, 32, "/some where/else")
    assert recipe.mixing is not None and recipe.mixing.mixup == 0.1
    off = load_recipe(written(tmp_path, SMALLEST + "clip: 3\n"), ["clip=null"])
    assert off.clip is None


def test_every_mistake_is_reported_at_its_place(tmp_path: Path) -> None:
    text = SMALLEST.replace("epochs: 1", "epochs: 1.5") + (
        "optimizer: {lr: 0, nam: x}\ndata: {kind: cifar}\nema: 3\nseed: true\nclip: .inf\n"
    )
    assert problems(tmp_path, text) == [
        "2:9 bad-value: found 1.5; expected a whole number; ",
        "4:17 bad-value: found 0; expected a number above 0.0; ",
        "4:20 unknown-key: found nam; no key of optimizer; did you mean name?",
        '5:14 unknown-value: found "cifar"; expected one of fashion_mnist, idx, image_folder; ',
        "6:6 bad-value: found 3; expected keys and values; ",
        "7:7 bad-value: found true; expected a whole number; ",
        '8:7 bad-value: found ".inf"; expected a number; ',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recipe: small\nepochs: 1\n", "1:1 missing-key: batch_size is missing"),
        (SMALLEST + "batch_siz: 9\n", "4:1 unknown-key: found batch_siz; no key of a recipe; did"),
        (SMALLEST + "optimizer: {betas: [0.9]}\n", "4:20 bad-value: found a list; expected 2"),
        (SMALLEST + "mixing: {mixup: 0, cutmix: 0}\n", "4:17 bad-value: mixup and cutmix are"),
        (SMALLEST + "accumulation: 3\n", "4:15 bad-value: 8 images in 3 steps; expected a divisor"),
        (SMALLEST + "schedule: {warmup_epochs: 1}\n", "4:27 bad-value: a warm-up of 1 epochs in 1"),
        (SMALLEST + "data: {path: x}\n", "4:14 bad-value: the embedded images have no path"),
        (SMALLEST + "data: {kind: image_folder, path: x}\n", "1:1 bad-value: crop: none needs"),
        (SMALLEST + "data: {mean: [0.5]}\n", "4:14 bad-value: one of mean and std is set"),
        (SMALLEST + "augmentation: {scale: [1, 1]}\n", "4:23 bad-value: crop: none reads no scale"),
        (SMALLEST + "augmentation: {padding: 2}\n", "4:25 bad-value: crop: none reads no padding"),
        (SMALLEST + "augmentation: {erasing_fill: pixel}\n", "4:30 bad-value: crop: none erases"),
        (
            SMALLEST + "augmentation: {crop: resized, scale: [0.5, 0.2]}\n",
            "4:38 bad-value: 0.5 is above 0.2; expected the smaller one first",
        ),
        (SMALLEST.replace("small", "Small-1"), '1:9 bad-value: found "Small-1"; expected a name'),
        ("- a\n", "1:1 bad-value: not a map"),
    ],
)
def test_a_mistake_names_what_was_expected(text: str, expected: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(expected)


def test_a_bad_override_is_shown_as_written(tmp_path: Path) -> None:
    assert problems(tmp_path, SMALLEST, "optimizer.lr=fast") == [
        '1:14 bad-value: found "fast"; expected a number; '
    ]
    (unknown,) = problems(tmp_path, SMALLEST, "optimiser.lr=1")
    assert (
        unknown == "1:1 unknown-key: found optimiser; no key of a recipe; did you mean optimizer?"
    )
    (no_value,) = problems(tmp_path, SMALLEST, "optimizer.lr")
    assert "not an assignment" in no_value


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(RelgraphError, match="did you mean finetune"):
        find_recipe("finetun")


def described(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """A row of the documentation's table for every key, parts before their own keys."""
    for name, field in model.model_fields.items():
        options = (field.annotation, *get_args(field.annotation))
        parts = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        assert field.description, f"{prefix}{name} has no description"
        yield f"| `{prefix}{name}` | {shown_default(field, bool(parts))} | {field.description} |"
        for part in parts:
            yield from described(part, f"{prefix}{name}.")


def shown_default(field: FieldInfo, is_part: bool) -> str:
    if field.is_required():
        return "required"
    if is_part:
        return "none" if field.default is None else ""
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    words = {None: "null", "": ""}
    return words[value] if value in (None, "") else f"{value}"


def test_every_key_is_described_and_documented() -> None:
    """The table of docs/training.md is the schema's; on a difference, paste what is missing."""
    documented = Path(__file__).parents[2].joinpath("docs", "training.md").read_text("utf-8")
    rows = [line for line in documented.splitlines() if line.startswith("| `")]
    assert rows == list(described(Recipe))


def test_reading_a_recipe_imports_no_torch() -> None:
    code = (
        "import sys, relgraph.train; from relgraph.spec.recipe import find_recipe, load_recipe;"
        "load_recipe(find_recipe('finetune'));"
        "print([m for m in ('torch', 'numpy', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

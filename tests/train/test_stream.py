from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.errors import RelgraphError
from relgraph.spec.recipe import Recipe
from relgraph.spec.recipe_schema import Augmentation, DataSource, RandAugment
from relgraph.train.images import LabelledImages, open_images
from relgraph.train.plan import Plan
from relgraph.train.preparation import Preparation, preparation
from relgraph.train.stream import Batch, evaluation_batches, training_batches
from relgraph.train.transforms import evaluation_transform, training_transform
from tests.train.test_images import source, write_pictures

CHANGES = Augmentation(
    crop="resized",
    scale=(0.5, 1.0),
    flip=0.5,
    randaugment=RandAugment(),
    random_erasing=0.5,
    erasing_fill="pixel",
)
PREPARED = Preparation(size=(8, 8), channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture
def pictures(tmp_path: Path) -> LabelledImages:
    return open_images(source(write_pictures(tmp_path), "image_folder"))


def batches(
    images: LabelledImages, recipe: Recipe, workers: int = 0, start: int = 0, **changes: object
) -> list[Batch]:
    own = recipe.model_copy(update={"workers": workers, "augmentation": CHANGES, **changes})
    plan = Plan(len(images.train), 4, 1, 2, seed=3)
    return list(training_batches(images.train, plan, own, PREPARED, start))


def assert_equal(some: list[Batch], others: list[Batch]) -> None:
    assert len(some) == len(others) > 0
    for one, other in zip(some, others, strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)


def test_pictures_arrive_the_same_for_any_number_of_workers(
    pictures: LabelledImages, recipe: Recipe
) -> None:
    alone = batches(pictures, recipe)
    assert_equal(alone, batches(pictures, recipe, workers=2))
    assert alone[0].images.shape == (4, 3, 8, 8)
    assert alone[0].images.is_contiguous(memory_format=torch.channels_last)


def test_a_stream_that_starts_later_gives_the_rest(
    pictures: LabelledImages, recipe: Recipe
) -> None:
    torch.manual_seed(99)  # no state of the global generators matters
    assert_equal(batches(pictures, recipe)[4:], batches(pictures, recipe, start=4))


def test_epochs_change_pictures_anew(pictures: LabelledImages, recipe: Recipe) -> None:
    plan = Plan(12, 12, 1, 2, seed=3)
    own = recipe.model_copy(update={"workers": 0, "augmentation": CHANGES})
    first, second = training_batches(pictures.train, plan, own, PREPARED, 0)
    by_sum = [sorted(batch.images.sum((1, 2, 3)).tolist()) for batch in (first, second)]
    assert by_sum[0] != by_sum[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_picture_is_named_from_any_worker(
    workers: int, pictures: LabelledImages, recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "train" / "ash" / "3.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(RelgraphError, match=r"unreadable-image: .*3\.png"):
        batches(pictures, recipe, workers)


def test_stored_images_take_the_picture_road_where_the_recipe_asks(recipe: Recipe) -> None:
    images = open_images(recipe.data)
    grey = preparation(recipe, images, (12, 12))
    own = recipe.model_copy(update={"augmentation": CHANGES})
    plan = Plan(len(images.train), 16, 1, 1, seed=0)
    batch = next(training_batches(images.train, plan, own, grey, 0))
    assert batch.images.shape == (16, 1, 12, 12)


@pytest.mark.parametrize("world_size", [1, 3])
def test_processes_share_the_test_images_without_doubles(
    world_size: int, pictures: LabelledImages, recipe: Recipe
) -> None:
    for images in (pictures.test, open_images(recipe.data).test):
        labels = [
            batch.labels
            for rank in range(world_size)
            for batch in evaluation_batches(images, PREPARED, 5, 0, rank, world_size)
        ]
        found = torch.cat(labels).bincount().tolist()
        expected = torch.as_tensor(images.labels).bincount().tolist()
        assert found == expected


def test_randaugment_is_spelt_as_the_paper_has_it() -> None:
    shown = str(training_transform(CHANGES, PREPARED))
    assert "n=2" in shown and "m=9" in shown and "mstd=0.5" in shown
    assert "ColorJitter" not in shown and "RandomErasing" in shown
    jitter = Augmentation(crop="resized", color_jitter=0.4)
    assert "ColorJitter(brightness=(0.6, 1.4)" in str(training_transform(jitter, PREPARED))


def test_evaluation_resizes_and_crops_as_the_paper_does() -> None:
    prepared = Preparation(
        size=(224, 224), channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, crop_ratio=0.875
    )
    shown = str(evaluation_transform(prepared))
    assert (
        "Resize(size=256, interpolation=bicubic" in shown and "CenterCrop(size=(224, 224)" in shown
    )


def test_statistics_come_from_the_images_or_the_recipe(recipe: Recipe) -> None:
    images = open_images(recipe.data)
    pixels = images.train.pixels.double() / 255  # type: ignore[union-attr]
    measured = preparation(recipe, images, (12, 12))
    assert measured.mean == pytest.approx((float(pixels.mean()),))
    assert measured.std == pytest.approx((float(pixels.std(correction=0)),))
    data = DataSource(kind="idx", path=recipe.data.path, mean=(0.1,), std=(0.2,), channels=3)
    told = preparation(recipe.model_copy(update={"data": data}), images, (12, 12))
    assert (told.mean, told.std, told.channels) == ((0.1,) * 3, (0.2,) * 3, 3)

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from relgraph.spec.recipe_schema import Augmentation
from relgraph.train.augment import BatchAugmentation
from relgraph.train.preparation import Preparation

PLAIN = Preparation(size=(6, 6), channels=1, mean=(0.0,), std=(1 / 255,))
IMAGES = torch.randint(1, 256, (40, 1, 6, 6), dtype=torch.uint8, generator=torch.manual_seed(0))
ALL = torch.arange(40)


def augmented(indices: Tensor = ALL, epoch: int = 0, seed: int = 0, **changes: object) -> Tensor:
    made = BatchAugmentation(Augmentation.model_validate(changes), PLAIN, 40, seed)
    return made(IMAGES[indices], epoch, indices)


def test_no_change_asked_for_gives_the_images_themselves() -> None:
    torch.testing.assert_close(augmented(), IMAGES.float(), rtol=0, atol=1e-4)


def test_an_image_changes_alike_in_any_batch() -> None:
    changes: dict[str, object] = {"crop": "shift", "flip": 0.5, "random_erasing": 0.5}
    whole = augmented(**changes)
    some = torch.tensor([7, 3, 39])
    assert torch.equal(augmented(some, **changes), whole[some])
    assert not torch.equal(augmented(epoch=1, **changes), whole)
    assert not torch.equal(augmented(seed=1, **changes), whole)
    assert torch.equal(augmented(**changes), whole)


def test_a_flip_mirrors_a_share_of_the_images() -> None:
    torch.testing.assert_close(augmented(flip=1.0), IMAGES.flip(3).float(), rtol=0, atol=1e-4)
    half = augmented(flip=0.5)
    mirrored = [torch.allclose(a, b.flip(2).float()) for a, b in zip(half, IMAGES, strict=True)]
    assert 8 < sum(mirrored) < 32


def test_a_shift_is_one_of_the_shifts_within_the_padding() -> None:
    shifted = augmented(crop="shift", padding=1)
    padded = torch.nn.functional.pad(IMAGES.float(), (1, 1, 1, 1))
    seen = set()
    for image, wide in zip(shifted, padded, strict=True):
        fits = [
            (y, x)
            for y in range(3)
            for x in range(3)
            if torch.allclose(image, wide[:, y : y + 6, x : x + 6], rtol=0, atol=1e-3)
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) == 9, "forty images should meet all nine shifts"


def test_erasing_leaves_a_rectangle_of_the_mean() -> None:
    erased = augmented(random_erasing=1.0) == 0
    for hole in erased[:, 0]:
        rows, columns = hole.any(1), hole.any(0)
        assert 1 <= int(hole.sum()) < 36
        assert torch.equal(hole, rows[:, None] & columns[None, :])
        for side in (rows, columns):
            ends = side.nonzero().flatten()
            assert int(ends[-1] - ends[0]) + 1 == len(ends), "without a gap"
    untouched = (augmented(random_erasing=0.25) != 0).flatten(1).all(1)
    assert 20 < int(untouched.sum()) < 38


@pytest.mark.parametrize("channels", [1, 3])
def test_inputs_are_normalised_in_channels_last_memory(channels: int) -> None:
    preparation = Preparation(
        size=(12, 12), channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels
    )
    grey = torch.full((2, 1, 6, 6), 255, dtype=torch.uint8)
    made = preparation.batch(grey)
    assert made.shape == (2, channels, 12, 12)
    assert made.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(made, torch.full_like(made, 2.0))


def test_colour_becomes_grey_by_luma_and_the_centre_is_cropped() -> None:
    preparation = Preparation(
        size=(4, 4), channels=1, mean=(0.0,), std=(1.0,), crop_ratio=0.5, interpolation="nearest"
    )
    picture = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    picture[:, :, 2:6, 2:6] = torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)
    made = preparation.batch(picture)
    torch.testing.assert_close(made, torch.full((1, 1, 4, 4), round(0.299 * 255) / 255))

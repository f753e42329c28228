from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from relgraph.errors import RelgraphError
from relgraph.spec.recipe_schema import DataSource
from relgraph.train.images import ImageFiles, ImagesInMemory, open_images
from relgraph.train.pictures import as_rgb, read_picture
from tests.train.conftest import write_images


def source(folder: Path, kind: str = "idx") -> DataSource:
    return DataSource.model_validate({"kind": kind, "path": str(folder)})


def write_pictures(folder: Path, parts: tuple[str, ...] = ("train", "val")) -> Path:
    for part in parts:
        for number, name in enumerate(("ash", "birch")):
            (folder / part / name / "deep").mkdir(parents=True)
            for index in range(6):
                pixels = np.full((9 + index, 12, 3), 40 + 100 * number + index, np.uint8)
                below = "deep/" if index == 5 else ""
                Image.fromarray(pixels).save(folder / part / name / f"{below}{index}.png")
    return folder


def test_the_embedded_images_need_nothing() -> None:
    images = open_images(DataSource())
    assert isinstance(images.train, ImagesInMemory)
    assert images.train.pixels.shape == (10_000, 1, 28, 28) and len(images.test) == 2_000
    assert images.train.pixels.dtype == torch.uint8 and images.classes[9] == "ankle boot"


def test_idx_files_of_a_folder(tmp_path: Path) -> None:
    images = open_images(source(write_images(tmp_path)))
    assert images.classes == ("0", "1", "2", "3") and len(images.test) == 40
    (tmp_path / "classes.txt").write_text("a\nb\nc\nd\n")
    named = open_images(source(tmp_path))
    assert named.classes == ("a", "b", "c", "d") and named.fingerprint != images.fingerprint


def test_a_label_without_a_class_name(tmp_path: Path) -> None:
    write_images(tmp_path)
    (tmp_path / "classes.txt").write_text("a\nb\n")
    with pytest.raises(RelgraphError, match="label 3 in train"):
        open_images(source(tmp_path))


def test_labels_and_images_must_agree(tmp_path: Path) -> None:
    write_images(tmp_path)
    write_images(tmp_path / "more", train=97)
    name = "train-labels-idx1-ubyte.gz"
    (tmp_path / name).write_bytes((tmp_path / "more" / name).read_bytes())
    with pytest.raises(RelgraphError, match="96 train images and 97 labels"):
        open_images(source(tmp_path))


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    images = open_images(source(write_pictures(tmp_path), "image_folder"))
    assert isinstance(images.train, ImageFiles)
    assert images.classes == ("ash", "birch")
    assert len(images.train) == 12 and images.train.labels == (0,) * 6 + (1,) * 6
    (tmp_path / "train" / "ash" / "0.png").unlink()
    fewer = open_images(source(tmp_path, "image_folder"))
    assert fewer.fingerprint != images.fingerprint and len(fewer.train) == 11


@pytest.mark.parametrize(
    ("parts", "message"),
    [((), "train is not a folder"), (("train",), "has no val folder")],
)
def test_an_incomplete_folder_says_what_is_missing(
    parts: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    write_pictures(tmp_path, parts)
    with pytest.raises(RelgraphError, match=message):
        open_images(source(tmp_path, "image_folder"))


def test_unknown_classes_and_empty_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    (tmp_path / "val" / "cedar").mkdir()
    with pytest.raises(RelgraphError, match="classes that train lacks: cedar"):
        open_images(source(tmp_path, "image_folder"))
    (tmp_path / "empty" / "train" / "ash").mkdir(parents=True)
    (tmp_path / "empty" / "val").mkdir()
    with pytest.raises(RelgraphError, match="no pictures below"):
        open_images(source(tmp_path / "empty", "image_folder"))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="is not a folder"):
        open_images(source(tmp_path / "gone"))
    with pytest.raises(RelgraphError, match=r"data\.path is not set"):
        open_images(DataSource(kind="idx"))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"]
)
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = Image.new(mode, (5, 3))
    rgb = as_rgb(picture)
    assert rgb.mode == "RGB" and rgb.size == (5, 3)


def test_deep_grey_keeps_its_shades() -> None:
    ramp = Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16))
    assert len(np.unique(np.asarray(as_rgb(ramp)))) == 256
    reals = Image.fromarray(np.array([[0.0, 500.0], [1000.0, np.nan]], np.float32))
    assert np.asarray(as_rgb(reals))[..., 0].tolist() == [[0, 128], [255, 0]]


def test_transparent_parts_are_black_whatever_colour_hides_there() -> None:
    hidden = Image.new("RGBA", (2, 2), (255, 200, 100, 0))
    assert as_rgb(hidden).getpixel((0, 0)) == (0, 0, 0)
    palette = Image.new("RGB", (2, 2), (9, 9, 9)).convert("P")
    palette.info["transparency"] = 0
    assert as_rgb(palette).mode == "RGB"


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    lying = Image.new("RGB", (8, 4))
    exif = lying.getexif()
    exif[0x0112] = 6  # orientation: turned by a quarter
    lying.save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").size == (4, 8)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    Image.new("RGB", (64, 64), (1, 2, 3)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    for name in ("text.png", "cut.png", "gone.png"):
        with pytest.raises(RelgraphError, match=f"unreadable-image: .*{name}"):
            read_picture(tmp_path / name)
    with pytest.raises(RelgraphError, match="unreadable-image"):
        read_picture(tmp_path)

"""Where images come from: a recipe's `data` in, two sets of labelled images and their classes out.

Images in memory are tensors of bytes, images on disk are paths; what happens to them on the way to
the model is `augment`'s and `pictures`' affair.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from relgraph.data import FASHION_MNIST, FASHION_MNIST_CLASSES
from relgraph.data.idx import find_idx, read_idx
from relgraph.errors import Problem, RelgraphError
from relgraph.spec.recipe_schema import DataSource

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, eq=False)
class ImagesInMemory:
    """`pixels` (N, C, H, W) unsigned bytes and `labels` (N,) int64."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageFiles:
    """Paths of pictures, of any size, and the number of each one's class."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.labels)


Images = ImagesInMemory | ImageFiles


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """A data set: `fingerprint` changes when an image, a label or a class does."""

    train: Images
    test: Images
    classes: tuple[str, ...]
    fingerprint: str


def open_images(source: DataSource) -> LabelledImages:
    """The images that a recipe's `data` names. Raises RelgraphError where they can't be had."""
    if source.kind == "fashion_mnist":
        return _from_idx(FASHION_MNIST, FASHION_MNIST_CLASSES)
    if source.path is None:
        raise _no_data("data.path is not set", f"a folder for data.kind {source.kind}")
    folder = Path(source.path)
    if not folder.is_dir():
        raise _no_data(f"{folder} is not a folder", "the folder that holds the images")
    return _from_idx(folder) if source.kind == "idx" else _from_folder(folder)


def _from_idx(folder: Path, classes: tuple[str, ...] = ()) -> LabelledImages:
    train, test = _idx_pair(folder, "train"), _idx_pair(folder, "t10k")
    named = classes or _class_names(folder, train)
    for part, images in (("train", train), ("t10k", test)):
        largest = int(images.labels.max())
        if largest >= len(named):
            raise _no_data(f"label {largest} in {part} of {folder}", f"labels below {len(named)}")
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        sizes = f"{tuple(train.pixels.shape[2:])} and {tuple(test.pixels.shape[2:])} pixels"
        raise _no_data(f"{folder} holds images of {sizes}", "one size for training and test")
    return LabelledImages(train, test, named, _fingerprint(named, _contents(train, test)))


def _idx_pair(folder: Path, part: str) -> ImagesInMemory:
    pixels = read_idx(find_idx(folder, f"{part}-images-idx3-ubyte"), dimensions=3)
    labels = read_idx(find_idx(folder, f"{part}-labels-idx1-ubyte"), dimensions=1)
    if len(pixels) != len(labels) or not len(labels):
        raise _no_data(
            f"{folder} has {len(pixels)} {part} images and {len(labels)} labels",
            "as many labels as images, at least one",
        )
    return ImagesInMemory(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels).long())


def _class_names(folder: Path, train: ImagesInMemory) -> tuple[str, ...]:
    """One name per line of `classes.txt`, else the numbers up to the largest label."""
    names = folder / "classes.txt"
    if names.is_file():
        return tuple(line.strip() for line in names.read_text("utf-8").splitlines() if line.strip())
    return tuple(str(number) for number in range(int(train.labels.max()) + 1))


def _from_folder(folder: Path) -> LabelledImages:
    classes = tuple(sorted(path.name for path in _folders(folder / "train")))
    train = _listed(folder / "train", classes)
    held_out = next((folder / n for n in ("val", "test") if (folder / n).is_dir()), None)
    if held_out is None:
        raise _no_data(f"{folder} has no val folder", "folders train and val, one folder per class")
    unknown = [path.name for path in _folders(held_out) if path.name not in classes]
    if unknown:
        found = f"{held_out} has classes that train lacks: {', '.join(sorted(unknown)[:5])}"
        raise _no_data(found, "the same classes in both")
    test = _listed(held_out, classes)
    names = [str(path.relative_to(folder)) for path in (*train.paths, *test.paths)]
    return LabelledImages(train, test, classes, _fingerprint(classes, [n.encode() for n in names]))


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        raise _no_data(f"{parent} is not a folder", "folders train and val, one folder per class")
    return [path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _listed(folder: Path, classes: tuple[str, ...]) -> ImageFiles:
    """Every picture below folder/CLASS, in sorted order: the order of a folder is nobody's word."""
    paths: list[Path] = []
    labels: list[int] = []
    for number, name in enumerate(classes):
        below = (folder / name).rglob("*")
        found = sorted(p for p in below if p.suffix.lower() in _SUFFIXES and p.is_file())
        paths.extend(found)
        labels.extend([number] * len(found))
    if not paths:
        raise _no_data(f"no pictures below {folder}", f"files named {', '.join(_SUFFIXES)}")
    return ImageFiles(tuple(paths), tuple(labels))


def _contents(*parts: ImagesInMemory) -> list[bytes]:
    return [tensor.numpy().tobytes() for part in parts for tensor in (part.pixels, part.labels)]


def _fingerprint(classes: tuple[str, ...], parts: list[bytes]) -> str:
    digest = hashlib.sha256("\n".join(classes).encode())
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _no_data(found: str, expected: str) -> RelgraphError:
    return RelgraphError(Problem("no-such-data", found, f"expected {expected}"))

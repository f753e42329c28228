from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relgraph.data import FASHION_MNIST, FASHION_MNIST_CLASSES
from relgraph.data.idx import find_idx, read_idx, write_idx
from relgraph.data.make_subset import first_of_each_class, make_subset
from relgraph.errors import RelgraphError
from relgraph.files import sha256

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def test_written_images_are_read_back_gzipped_or_plain(tmp_path: Path) -> None:
    packed = write_idx(IMAGES)
    (tmp_path / "a.gz").write_bytes(packed)
    (tmp_path / "a").write_bytes(gzip.decompress(packed))
    for name in ("a", "a.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name, 3), IMAGES)
    assert find_idx(tmp_path, "a").name == "a.gz"


def test_the_header_is_the_one_of_mnist() -> None:
    plain = gzip.decompress(write_idx(IMAGES))
    assert plain[:16] == bytes.fromhex("00000803 00000002 00000003 00000004")


def test_the_same_array_gives_the_same_bytes() -> None:
    assert write_idx(IMAGES) == write_idx(IMAGES.copy())
    assert write_idx(IMAGES)[4:8] == b"\0\0\0\0", "no date in the gzip header"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda raw: raw[:-5], "the gzip stream is damaged"),
        (lambda raw: raw[:40] + bytes([raw[40] ^ 255]) + raw[41:], "the gzip stream is damaged"),
        (lambda raw: gzip.decompress(raw)[:-1], "23 values; expected 2 x 3 x 4 = 24 values"),
        (lambda raw: gzip.decompress(raw) + b"x", "25 values"),
        (lambda raw: b"\x89PNG" + raw, "does not start like an IDX file"),
        (lambda raw: b"", "does not start like an IDX file"),
        (lambda raw: bytes((0, 0, 13, 3)) + b"\0" * 12, "values of type 13 in 3 dimensions"),
        (lambda raw: bytes((0, 0, 8, 1)) + b"\0" * 4, "unsigned bytes (type 8) in 3 dimensions"),
        (lambda raw: bytes((0, 0, 8, 3)) + b"\0" * 5, "a header of 9 bytes; expected 16 bytes"),
        (lambda raw: bytes((0, 0, 8, 3)) + b"\xff" * 12, "0 values"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(
    spoil: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(spoil(write_idx(IMAGES)))
    with pytest.raises(RelgraphError) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_a_missing_file_lists_the_names(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="t10k-labels-idx1-ubyte"):
        find_idx(tmp_path, "train-images-idx3-ubyte")
    with pytest.raises(RelgraphError, match="can't be read"):
        read_idx(tmp_path / "gone", 3)


def test_the_embedded_images_are_balanced_and_those_of_the_provenance() -> None:
    provenance = (FASHION_MNIST / "PROVENANCE.md").read_text()
    for part, count in (("train", 10_000), ("t10k", 2_000)):
        images = read_idx(FASHION_MNIST / f"{part}-images-idx3-ubyte.gz", 3)
        labels = read_idx(FASHION_MNIST / f"{part}-labels-idx1-ubyte.gz", 1)
        assert images.shape == (count, 28, 28)
        assert np.bincount(labels).tolist() == [count // 10] * len(FASHION_MNIST_CLASSES)
        for name in (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"):
            assert sha256(gzip.decompress((FASHION_MNIST / name).read_bytes())) in provenance
    assert "Permission is hereby granted" in (FASHION_MNIST / "LICENSE").read_text()


def test_no_training_image_is_a_test_image() -> None:
    train = read_idx(FASHION_MNIST / "train-images-idx3-ubyte.gz", 3)
    test = read_idx(FASHION_MNIST / "t10k-images-idx3-ubyte.gz", 3)
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_a_subset_takes_the_first_of_each_class_in_order() -> None:
    labels = np.tile(np.arange(10, dtype=np.uint8), 3)
    assert np.flatnonzero(first_of_each_class(labels, 2)).tolist() == list(range(20))


def test_making_the_subset_of_the_subset_gives_the_same_bytes(tmp_path: Path) -> None:
    make_subset(FASHION_MNIST, tmp_path)
    for path in FASHION_MNIST.glob("*.gz"):
        made = gzip.decompress((tmp_path / path.name).read_bytes())
        assert made == gzip.decompress(path.read_bytes())

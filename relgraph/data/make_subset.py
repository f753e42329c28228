"""Cut the embedded subset out of the full Fashion-MNIST, the same bytes every time.

In: a folder with the four original IDX files. Out: the same four names in `fashion_mnist/`, holding
the first images of every class in the order of the originals (which come shuffled), so that
classes are balanced and no seed is involved. Run by a maintainer, never by a user:

    python -m relgraph.data.make_subset FOLDER_WITH_THE_FULL_SET [OUT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relgraph.data import FASHION_MNIST, FASHION_MNIST_CLASSES
from relgraph.data.idx import Bytes, find_idx, read_idx, write_idx
from relgraph.files import write_atomically

TRAIN_PER_CLASS = 1000
TEST_PER_CLASS = 200


def first_of_each_class(labels: Bytes, per_class: int) -> NDArray[np.bool_]:
    """A mask of the first `per_class` places of each class of `labels` (N,), shape (N,)."""
    chosen = np.zeros(labels.shape, bool)
    for label in range(len(FASHION_MNIST_CLASSES)):
        places = np.flatnonzero(labels == label)
        assert len(places) >= per_class, f"class {label} has only {len(places)} images"
        chosen[places[:per_class]] = True
    return chosen


def make_subset(source: Path, out: Path) -> None:
    """Write the four files of the subset of `source` into `out`."""
    for part, per_class in (("train", TRAIN_PER_CLASS), ("t10k", TEST_PER_CLASS)):
        labels = read_idx(find_idx(source, f"{part}-labels-idx1-ubyte"), dimensions=1)
        images = read_idx(find_idx(source, f"{part}-images-idx3-ubyte"), dimensions=3)
        chosen = first_of_each_class(labels, per_class)
        write_atomically(out / f"{part}-labels-idx1-ubyte.gz", write_idx(labels[chosen]))
        write_atomically(out / f"{part}-images-idx3-ubyte.gz", write_idx(images[chosen]))


if __name__ == "__main__":
    make_subset(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else FASHION_MNIST)

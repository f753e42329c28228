"""The images that ship with relgraph, and the reader of the format they are stored in."""

from __future__ import annotations

from pathlib import Path

FASHION_MNIST = Path(__file__).resolve().parent / "fashion_mnist"
"""Folder of the embedded subset: 10,000 training and 2,000 test images, as IDX files."""

FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

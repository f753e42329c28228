"""IDX files, the format of MNIST and its relatives: bytes in, numpy arrays out, and back.

An IDX file is two zero bytes, a type (8: unsigned byte), the number of dimensions, that many
big-endian 32-bit sizes, then the values in C order (LeCun, Cortes, Burges, "The MNIST database").
Files may be gzipped. This module knows nothing of classes, tensors or training.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relgraph.errors import Problem, RelgraphError

Bytes = NDArray[np.uint8]

_UNSIGNED_BYTE = 8
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path, dimensions: int) -> Bytes:
    """The array of an IDX file of unsigned bytes, gzipped or plain.

    `dimensions` is what the caller expects: 1 for labels, 3 for grey images (N, H, W).
    Raises RelgraphError where the file is missing, cut short, damaged or of another kind.
    """
    raw = _inflated(path)
    if len(raw) < 4 or raw[:2] != b"\0\0":
        raise _broken(path, "it does not start like an IDX file", "two zero bytes")
    kind, rank = raw[2], raw[3]
    if kind != _UNSIGNED_BYTE or rank != dimensions:
        found = f"values of type {kind} in {rank} dimensions"
        raise _broken(path, found, f"unsigned bytes (type 8) in {dimensions} dimensions")
    start = 4 + 4 * rank
    if len(raw) < start:
        raise _broken(path, f"a header of {len(raw)} bytes", f"{start} bytes")
    # Python integers: a product of numpy sizes overflows silently.
    shape = tuple(int.from_bytes(raw[at : at + 4], "big") for at in range(4, start, 4))
    if len(raw) - start != math.prod(shape):
        sizes = " x ".join(str(size) for size in shape)
        raise _broken(path, f"{len(raw) - start} values", f"{sizes} = {math.prod(shape)} values")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()


def write_idx(array: Bytes) -> bytes:
    """The bytes of a gzipped IDX file: the same array gives the same bytes on every day."""
    header = bytes((0, 0, _UNSIGNED_BYTE, array.ndim))
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(header + sizes + array.tobytes(), compresslevel=9, mtime=0)


def find_idx(folder: Path, name: str) -> Path:
    """`folder/name` or `folder/name.gz`, whichever is there; the gzipped one where both are."""
    for candidate in (folder / f"{name}.gz", folder / name):
        if candidate.is_file():
            return candidate
    raise RelgraphError(
        Problem(
            "no-such-data",
            found=f"{folder} holds neither {name}.gz nor {name}",
            expected="the four IDX files of an MNIST-like data set",
            hint="the names are train-images-idx3-ubyte, train-labels-idx1-ubyte, "
            "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        )
    )


def _inflated(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _broken(path, f"it can't be read ({error.strerror})", "a readable file") from None
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(path, f"the gzip stream is damaged ({error})", "a whole file") from None


def _broken(path: Path, found: str, expected: str) -> RelgraphError:
    return RelgraphError(
        Problem(
            "bad-data-file",
            found=f"{path}: {found}",
            expected=f"expected {expected}",
            hint="fetch the file again; it may have been cut short on its way",
        )
    )

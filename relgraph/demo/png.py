"""Small pictures as data URIs: tables of numbers in, PNG bytes out, with the standard library only.

Pictures are stored at one pixel per number; the page enlarges them without smoothing.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable

from relgraph.demo.result import Picture, Table

Pixel = tuple[int, int, int]

# Ends and middle of the diverging scale (blue, near white, red) and of the sequential one: both
# keep their order for colour-blind eyes and in grey print.
_NEGATIVE: Pixel = (33, 102, 172)
_MIDDLE: Pixel = (247, 247, 245)
_POSITIVE: Pixel = (178, 24, 43)
_DARK: Pixel = (68, 1, 84)
_MEDIUM: Pixel = (33, 145, 140)
_LIGHT: Pixel = (253, 231, 37)


def picture_uri(picture: Picture) -> str:
    """A table of numbers through a colour scale: diverging around 0, or from 0 to its maximum."""
    largest = max((abs(value) for row in picture.table for value in row), default=0.0) or 1.0
    colour = _diverging if picture.diverging else _sequential
    return _data_uri([[colour(value / largest) for value in row] for row in picture.table])


def grey_uri(image: Table) -> str:
    """An image of grey values 0..255, dark on white as a catalogue prints it."""
    return _data_uri([[(_byte(255 - value),) * 3 for value in row] for row in image])


def png(rows: list[list[Pixel]]) -> bytes:
    """The bytes of an 8-bit RGB PNG file (PNG specification, sections 5 and 11)."""
    height, width = len(rows), len(rows[0])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # Every scan line starts with its filter type, 0: none.
    lines = b"".join(b"\0" + bytes(part for pixel in row for part in pixel) for row in rows)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunks(chunks))


def _chunks(chunks: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, content in chunks:
        yield struct.pack(">I", len(content)) + name + content
        yield struct.pack(">I", zlib.crc32(name + content))


def _data_uri(rows: list[list[Pixel]]) -> str:
    return "data:image/png;base64," + base64.b64encode(png(rows)).decode("ascii")


def _diverging(value: float) -> Pixel:
    end = _POSITIVE if value >= 0 else _NEGATIVE
    return _between(_MIDDLE, end, min(1.0, abs(value)))


def _sequential(value: float) -> Pixel:
    clipped = min(1.0, max(0.0, value))
    if clipped < 0.5:
        return _between(_DARK, _MEDIUM, 2 * clipped)
    return _between(_MEDIUM, _LIGHT, 2 * clipped - 1)


def _between(start: Pixel, end: Pixel, part: float) -> Pixel:
    red, green, blue = (_byte(a + part * (b - a)) for a, b in zip(start, end, strict=True))
    return red, green, blue


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))

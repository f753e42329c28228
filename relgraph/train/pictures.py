"""Pictures from disk: any mode and size that Pillow reads in, 8-bit RGB out.

Training, evaluation and prediction all read through here, so a picture means one thing to all.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from relgraph.errors import Problem, RelgraphError


def read_picture(path: Path) -> Image.Image:
    """The picture at `path` as RGB, upright, transparent parts black.

    Raises RelgraphError where the file is missing or no whole picture.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd palettes and metadata, which don't change the pixels.
            warnings.simplefilter("ignore")
            with Image.open(path) as opened:
                opened.load()
                return as_rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise _unreadable(path, str(error) or type(error).__name__) from None
    except Image.DecompressionBombError:
        raise _unreadable(path, "it claims an absurd number of pixels") from None


def as_rgb(picture: Image.Image) -> Image.Image:
    """A picture of any mode as 8-bit RGB: deep grey is scaled down, transparency becomes black."""
    if picture.mode == "RGB":
        return picture
    if picture.mode.startswith("I") or picture.mode == "F":
        return _shallow(picture).convert("RGB")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return picture.convert("RGB")


def _shallow(picture: Image.Image) -> Image.Image:
    """Deep grey as 8 bits: 16-bit modes by their range; 32-bit ones, which have none, by content.

    Pillow's own conversion cuts every value above 255 to white.
    """
    values = np.nan_to_num(np.asarray(picture, np.float64))
    top = 65535.0 if picture.mode.startswith("I;16") else max(255.0, float(values.max()))
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).round().astype(np.uint8))


def _unreadable(path: Path, reason: str) -> RelgraphError:
    return RelgraphError(
        Problem("unreadable-image", f"{path}: {reason}", "expected a picture that Pillow can read")
    )

"""timm's transforms of single pictures: crops, RandAugment, jitter, erasing, evaluation.

In: an RGB picture. Out: the model's input (C, H, W). Training transforms draw from the global
generators, which the caller seeds for each picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from PIL import Image
from timm.data.transforms_factory import create_transform
from torch import Tensor
from torchvision import transforms

from relgraph.spec.recipe_schema import Augmentation, RandAugment
from relgraph.train.preparation import Preparation

PictureTransform = Callable[[Image.Image], Tensor]

_SCALE = (0.08, 1.0)
_ASPECT = (3 / 4, 4 / 3)


def training_transform(augmentation: Augmentation, preparation: Preparation) -> PictureTransform:
    """Random changes of one picture, in timm's order: crop, flip, RandAugment or jitter, erase."""
    settings: dict[str, Any] = {
        "input_size": (preparation.channels, *preparation.size),
        "is_training": True,
        "separate": True,
        "scale": augmentation.scale or _SCALE,
        "ratio": augmentation.aspect or _ASPECT,
        "hflip": augmentation.flip,
        "color_jitter": augmentation.color_jitter,
        "auto_augment": _timm_name(augmentation.randaugment),
        "interpolation": augmentation.interpolation,
        "mean": preparation.mean,
        "std": preparation.std,
        "re_prob": augmentation.random_erasing,
        "re_mode": "const" if augmentation.erasing_fill == "constant" else "pixel",
    }
    crop, colour, to_input = cast("tuple[Any, Any, Any]", create_transform(**settings))
    return _composed([crop, colour, *_greyed(preparation), to_input])


def evaluation_transform(preparation: Preparation) -> PictureTransform:
    """Resize, centre crop and normalise one picture, as timm evaluates."""
    to_input = create_transform(
        input_size=(preparation.channels, *preparation.size),
        is_training=False,
        crop_pct=preparation.crop_ratio,
        interpolation=preparation.interpolation,
        mean=preparation.mean,
        std=preparation.std,
    )
    return _composed([*_greyed(preparation), to_input])


def _composed(steps: list[Any]) -> PictureTransform:
    return cast("PictureTransform", transforms.Compose(steps))  # type: ignore[no-untyped-call]


def _greyed(preparation: Preparation) -> list[Any]:
    """Colour operations need three channels, so grey models get their grey picture after them."""
    if preparation.channels == 3:
        return []
    return [transforms.Grayscale(1)]  # type: ignore[no-untyped-call]


def _timm_name(setting: RandAugment | None) -> str | None:
    """timm's spelling of RandAugment: rand-m9-n2-mstd0.5-inc1."""
    if setting is None:
        return None
    parts = (f"m{setting.magnitude:g}", f"n{setting.layers}", f"mstd{setting.std:g}")
    return "-".join(("rand", *parts, f"inc{int(setting.increasing)}"))

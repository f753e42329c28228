"""The pydantic mirror of a training recipe: what a recipe file may say, and nothing else.

In: plain data (a recipe's YAML as dicts, tuples and scalars). Out: a frozen `Recipe`. Every field's
description is its documentation; the JSON schema and `docs/training.md` follow it. Reading files,
places and the wording of errors are `relgraph.spec.recipe`'s; torch is not known here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Below1 = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
Pixels = Annotated[int, Field(ge=1, le=16_384)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class DataSource(_Part):
    """Which images, and how they reach the model."""

    kind: Literal["fashion_mnist", "idx", "image_folder"] = Field(
        default="fashion_mnist",
        description="fashion_mnist: the subset that ships with relgraph; idx: the four files of an "
        "MNIST-like set in the folder `path`; image_folder: `path`/train/CLASS/* and "
        "`path`/val/CLASS/*",
    )
    path: str | None = Field(
        default=None, min_length=1, description="the folder of the images, unless they are embedded"
    )
    channels: Literal[1, 3] | None = Field(
        default=None,
        description="channels the model gets; null: 1 for grey sets, 3 for image folders",
    )
    size: Pixels | None = Field(
        default=None,
        description="height and width the model gets; null: the model's own input size, or the "
        "images' where the model has none",
    )
    mean: tuple[float, ...] | None = Field(
        default=None,
        description="mean of each channel, in 0..1; null: measured on IDX images, ImageNet's for "
        "image folders",
    )
    std: tuple[Positive, ...] | None = Field(
        default=None, description="standard deviation of each channel, in 0..1; null: as `mean`"
    )

    @model_validator(mode="after")
    def _path_fits_kind(self) -> DataSource:
        if self.kind == "fashion_mnist" and self.path is not None:
            raise _custom("path", "the embedded images have no path", "kind: idx, or no path")
        if (self.mean is None) != (self.std is None):
            raise _custom("mean", "one of mean and std is set", "both or neither")
        return self


class Optimizer(_Part):
    """AdamW (Loshchilov and Hutter, 2019)."""

    name: Literal["adamw"] = Field(default="adamw", description="the optimiser")
    lr: Positive = Field(default=1e-3, description="peak learning rate, at `base_batch` images")
    base_batch: Count | None = Field(
        default=None,
        description="lr, warmup_lr and min_lr hold at this batch_size and grow with it linearly; "
        "null: they hold at any",
    )
    betas: tuple[Below1, Below1] = Field(
        default=(0.9, 0.999), description="decay rates of the first and second moment"
    )
    eps: Positive = Field(default=1e-8, description="added to the root of the second moment")
    weight_decay: NotNegative = Field(
        default=0.05,
        description="decoupled weight decay; none for biases, 1-D parameters and what the model's "
        "no_weight_decay() names",
    )
    layer_decay: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="factor on the learning rate per block, from the head down to the stem",
    )


class Schedule(_Part):
    """Learning rate of every update: a straight warm-up, then half a cosine."""

    name: Literal["cosine", "constant"] = Field(default="cosine", description="after the warm-up")
    warmup_epochs: NotNegative = Field(default=0.0, description="length of the warm-up, in epochs")
    warmup_lr: NotNegative = Field(default=1e-6, description="where the warm-up starts")
    min_lr: NotNegative = Field(default=1e-5, description="where the cosine ends")


class Ema(_Part):
    """A moving average of the weights, evaluated in their stead."""

    decay: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.9998, description="share that stays at each update"
    )
    warmup: bool = Field(default=True, description="start with a smaller decay and approach it")


class Mixing(_Part):
    """Images mixed in pairs, labels with them (Zhang et al., 2018; Yun et al., 2019)."""

    mixup: NotNegative = Field(default=0.8, description="alpha of mixup; 0: none")
    cutmix: NotNegative = Field(default=1.0, description="alpha of cutmix; 0: none")
    probability: Probability = Field(default=1.0, description="share of batches that are mixed")
    switch: Probability = Field(
        default=0.5, description="share of the mixed batches that get cutmix where both are on"
    )

    @model_validator(mode="after")
    def _one_is_on(self) -> Mixing:
        if self.mixup == 0 and self.cutmix == 0:
            raise _custom("mixup", "mixup and cutmix are both 0", "mixing: null, or one above 0")
        return self


class RandAugment(_Part):
    """Random operations per image (Cubuk et al., 2020), as timm's `rand-m9-mstd0.5-inc1`."""

    magnitude: Annotated[float, Field(ge=0, le=10)] = Field(default=9, description="strength")
    layers: Annotated[int, Field(ge=1, le=10)] = Field(
        default=2, description="operations per image"
    )
    std: NotNegative = Field(default=0.5, description="spread of the magnitude")
    increasing: bool = Field(default=True, description="a larger magnitude is always stronger")


class Augmentation(_Part):
    """What happens to a training image before it is mixed."""

    crop: Literal["resized", "shift", "none"] = Field(
        default="none",
        description="resized: a random part, resized, one image at a time; shift: a shift by up to "
        "`padding` pixels, a batch at a time (images in memory); none: whole",
    )
    scale: tuple[Positive, Positive] | None = Field(
        default=None, description="area of a resized crop; null: [0.08, 1]"
    )
    aspect: tuple[Positive, Positive] | None = Field(
        default=None, description="aspect ratio of a resized crop; null: [0.75, 1.3333]"
    )
    padding: Pixels | None = Field(default=None, description="pixels of a shift; null: 2")
    flip: Probability = Field(default=0.0, description="share of images mirrored left to right")
    randaugment: RandAugment | None = Field(default=None, description="crop: resized only")
    color_jitter: Positive | None = Field(
        default=None,
        description="brightness, contrast, saturation; crop: resized only. As in timm it gives way "
        "to randaugment where both are set",
    )
    random_erasing: Probability = Field(default=0.0, description="share of images that get a hole")
    erasing_fill: Literal["pixel", "constant"] = Field(
        default="constant", description="what fills it: noise (crop: resized only) or the mean"
    )
    interpolation: Literal["bicubic", "bilinear", "nearest", "random"] = Field(
        default="bicubic", description="of resized crops"
    )

    @property
    def per_image(self) -> bool:
        """Whether images are augmented one at a time, as pictures, and not as batches."""
        return self.crop == "resized"

    @model_validator(mode="after")
    def _every_key_is_read(self) -> Augmentation:
        for key in ("scale", "aspect", "randaugment", "color_jitter"):
            if not self.per_image and getattr(self, key) is not None:
                raise _custom(key, f"crop: {self.crop} reads no {key}", "crop: resized")
        if not self.per_image and self.erasing_fill == "pixel":
            raise _custom("erasing_fill", f"crop: {self.crop} erases to the mean", "constant")
        if self.crop != "shift" and self.padding is not None:
            raise _custom("padding", f"crop: {self.crop} reads no padding", "crop: shift")
        for key in ("scale", "aspect"):
            limits = getattr(self, key)
            if limits is not None and limits[0] > limits[1]:
                raise _custom(key, f"{limits[0]} is above {limits[1]}", "the smaller one first")
        if self.scale is not None and self.scale[1] > 1:
            raise _custom("scale", f"an area of {self.scale[1]}", "at most 1, the whole image")
        return self


class Evaluation(_Part):
    """How test images are prepared."""

    crop_ratio: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0,
        description="share of the resized image's side that the centre crop keeps: 0.875 is a "
        "resize to 256 and a crop of 224",
    )
    interpolation: Literal["bicubic", "bilinear", "nearest"] = Field(
        default="bicubic", description="of the resize"
    )
    batch_size: Count | None = Field(
        default=None, description="images per step on each device; null: as in training"
    )


class Recipe(_Part):
    """One way to train any backbone."""

    recipe: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(
        description="the recipe's name"
    )
    cite: str = Field(default="", description="where the recipe was published")
    data: DataSource = Field(default=DataSource(), description="the images")
    epochs: Annotated[int, Field(ge=1, le=100_000)] = Field(description="passes over the images")
    batch_size: Count = Field(
        description="images per update, over all devices and accumulated steps together"
    )
    accumulation: Count = Field(default=1, description="steps that one update adds up")
    optimizer: Optimizer = Field(default=Optimizer(), description="the optimiser")
    schedule: Schedule = Field(default=Schedule(), description="the learning rate over time")
    clip: Positive | None = Field(default=None, description="largest norm of the whole gradient")
    precision: Literal["auto", 32, "bf16-mixed"] = Field(
        default="auto", description="auto: bf16-mixed on a GPU that has bf16, else 32"
    )
    ema: Ema | None = Field(default=None, description="average of the weights; null: none")
    label_smoothing: Below1 = Field(default=0.0, description="share given to all classes alike")
    mixing: Mixing | None = Field(default=None, description="mixup and cutmix; null: neither")
    augmentation: Augmentation = Field(
        default=Augmentation(), description="changes to single training images"
    )
    evaluation: Evaluation = Field(default=Evaluation(), description="preparation of test images")
    drop_path: Below1 | None = Field(
        default=None, description="largest drop path rate; null: the backbone's own"
    )
    checkpoint_every: Count | None = Field(
        default=None, description="save also after every so many updates, not only each epoch"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        default=0, description="of weights, order, augmentation, mixing and drop path"
    )
    workers: Annotated[int, Field(ge=0, le=1024)] = Field(
        default=4, description="processes that read pictures, on each device"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.data.kind == "image_folder" and not self.augmentation.per_image:
            found = f"crop: {self.augmentation.crop} needs images of one size"
            raise _custom("augmentation.crop", found, "crop: resized for an image folder")
        if self.batch_size % self.accumulation:
            found = f"{self.batch_size} images in {self.accumulation} steps"
            raise _custom("accumulation", found, "a divisor of batch_size")
        if self.schedule.warmup_epochs >= self.epochs:
            found = f"a warm-up of {self.schedule.warmup_epochs:g} epochs in {self.epochs}"
            raise _custom("schedule.warmup_epochs", found, "a warm-up shorter than the training")
        return self


def _custom(field: str, found: str, expected: str) -> PydanticCustomError:
    """An error about several fields that still names the one to point at (`field`, dotted)."""
    context = {"field": field, "found": found, "expected": expected}
    return PydanticCustomError("relgraph", "{found}; expected {expected}", context)

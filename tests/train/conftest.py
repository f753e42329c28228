"""A data set of 96 + 40 small images, a recipe that trains on it in a second, and ways to stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from relgraph.data.idx import write_idx
from relgraph.spec.recipe import Recipe, load_recipe
from relgraph.train import TrainRequest
from relgraph.train.signals import StopRequest

MODEL = Path(__file__).with_name("tiny_net.py")

RECIPE = """
recipe: tiny
data: {{kind: idx, path: {folder}, size: 12}}
epochs: 3
batch_size: 16
accumulation: 2
optimizer: {{lr: 1e-2}}
schedule: {{warmup_epochs: 1}}
clip: 1.0
ema: {{decay: 0.9}}
label_smoothing: 0.1
mixing: {{mixup: 0.8, cutmix: 1.0}}
augmentation: {{crop: shift, padding: 1, flip: 0.5, random_erasing: 0.5}}
drop_path: 0.2
checkpoint_every: 4
workers: 0
"""


class StopAtPoll(StopRequest):
    """Asks for a stop from the n-th time that the loop looks, as a signal at that moment would."""

    def __init__(self, polls: int) -> None:
        super().__init__(quiet=True)
        self.left = polls

    @property
    def requested(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """Bits depend on the number of threads, so all runs that are compared get one, those in
    processes of their own included."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


def write_images(folder: Path, train: int = 96, test: int = 40, classes: int = 4) -> Path:
    """IDX files of random images (12, 12) whose mean brightness tells the class."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", test)):
        labels = (np.arange(count) % classes).astype(np.uint8)
        noise = random.integers(0, 60, (count, 12, 12))
        images = (noise + labels[:, None, None] * 60).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(write_idx(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(write_idx(labels))
    return folder


@pytest.fixture(scope="session")
def images_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def recipe_file(images_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(RECIPE.format(folder=images_folder), encoding="utf-8")
    return path


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return load_recipe(recipe_file)


def request(recipe: Recipe, out: Path, **more: object) -> TrainRequest:
    """A quiet training of the tiny model on the CPU."""
    fields: dict[str, object] = {"accelerator": "cpu", "quiet": True, **more}
    return TrainRequest(model=MODEL, recipe=recipe, out=out, **fields)  # type: ignore[arg-type]


def resumed(run: Path) -> TrainRequest:
    """The request that goes on with a run."""
    return TrainRequest(resume=run, accelerator="cpu", quiet=True)

"""What the demo found, as plain values: the report page is a function of a `DemoResult` alone.

Numbers, names and small tables; no tensors, no open files. `to_data` is what the page embeds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from relgraph.verify.report import Check

Table = tuple[tuple[float, ...], ...]
"""Rows of numbers, drawn as one small picture."""


@dataclass(frozen=True)
class Epoch:
    """One epoch of a training: losses are mean cross-entropies in nats, `accuracy` is in 0..1,
    `seconds` count from the start of the training."""

    epoch: int
    train_loss: float
    test_loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Picture:
    """One table of numbers with its caption. `diverging` pictures are drawn around 0, the others
    from 0 up. `marked` places (row, column) get a frame."""

    caption: str
    table: Table
    diverging: bool = True
    marked: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Gallery:
    """Pictures that belong together, under a title and a sentence that says how to read them."""

    title: str
    about: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """One backbone, from its spec to its score.

    `mixer` says in words how it mixes tokens, `mixer_path` is the module that does it first.
    `spec` is the text of the spec file, `excerpt` a class of the emitted file; `emitted` and `run`
    are links relative to the page. Rates are images per second.
    """

    name: str
    mixer: str
    mixer_path: str
    spec: str
    excerpt: str
    emitted: str
    run: str
    parameters: int
    macs: int
    training_rate: float
    inference_rate: float
    seconds: float
    accuracy: float
    epochs: tuple[Epoch, ...]
    proof: tuple[Check, ...]
    galleries: tuple[Gallery, ...] = ()


@dataclass(frozen=True)
class Baseline:
    """Logistic regression on the pixels of the same images."""

    name: str
    parameters: int
    macs: int
    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Guess:
    """What a model says about one image: the most probable class and its probability."""

    model: str
    label: str
    probability: float


@dataclass(frozen=True)
class Sample:
    """A test image (grey, 0..255), its true class and what each model says."""

    image: Table
    label: str
    guesses: tuple[Guess, ...]


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """The whole demo. `images` are the numbers of training and test images; `facts` name and value
    of everything that bears on repeating it (versions, cores, seed, command)."""

    models: tuple[ModelResult, ...]
    baseline: Baseline
    samples: tuple[Sample, ...]
    images: tuple[int, int]
    seconds: float
    facts: tuple[tuple[str, str], ...]

    def to_data(self) -> dict[str, object]:
        """The same facts as JSON-able data."""
        return asdict(self)

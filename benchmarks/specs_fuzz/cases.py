"""Cases by number: the same number is the same files, on every machine and in every run."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from benchmarks.specs_fuzz.backbones import SMALLER, Case
from benchmarks.specs_fuzz.children import grown
from benchmarks.specs_fuzz.damage import KINDS, damaged
from benchmarks.specs_fuzz.judge import Verdict, judge_damaged, judge_valid, write
from benchmarks.specs_fuzz.text import dump

Wanted = Literal["valid", "invalid"]
SHARED = 20  # damaged cases that one valid one is the ground of


@dataclass(frozen=True)
class Numbered:
    """A case as files, which of them is asked for, and its kind of damage (none: it is valid)."""

    number: int
    kind: str
    texts: dict[str, bytes]
    top: str


def case(wanted: Wanted, number: int) -> Numbered:
    """The case of that number."""
    if wanted == "valid":
        chance = random.Random(f"valid {number}")
        return of(grown(chance), number, "valid", chance)
    return spoilt(_ground(number // SHARED), number, random.Random(f"invalid {number}"))


def of(made: Case, number: int, kind: str, chance: random.Random) -> Numbered:
    """A grown case as files."""
    texts = {name: dump(content, chance).encode() for name, content in made.files.items()}
    return Numbered(number, kind, texts, made.top)


def spoilt(ground: Ground, number: int, chance: random.Random) -> Numbered:
    """The case with damage in its top file or in one of its operators, which is then asked for
    itself now and then. The other files are the ground's."""
    kind, made = KINDS[number % len(KINDS)], ground.made
    name = made.top if chance.random() < 0.7 else chance.choice(list(made.files))
    texts = {**ground.texts, name: damaged(made.files[name], kind, chance)}
    alone = "operator" in made.files[name] and chance.random() < 0.5
    return Numbered(number, kind, texts, name if alone else made.top)


@dataclass(frozen=True)
class Ground:
    """A grown case, and its files as they are written where nothing is wrong with them."""

    made: Case
    texts: dict[str, bytes]


def ground(chance: random.Random) -> Ground:
    """A case to damage."""
    made = grown(chance, SMALLER)
    return Ground(made, of(made, 0, "valid", chance).texts)


@lru_cache(maxsize=4)
def _ground(number: int) -> Ground:
    return ground(random.Random(f"ground {number}"))


def judged(one: Numbered, folder: Path) -> Verdict:
    """What relgraph makes of the case, in a folder of its own."""
    write(folder, one.texts)
    look: Callable[[Path], Verdict] = judge_valid if one.kind == "valid" else judge_damaged
    return look(folder / f"{one.top}.yaml")

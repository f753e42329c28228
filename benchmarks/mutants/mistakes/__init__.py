"""What a person gets wrong in a model's code, one function for each mistake.

A mistake takes a `Source` and yields an `Edit` for every place where it can be made; its docstring
says who makes it. Nothing here knows which edits the proof notices.

    windows    how windows lie on the map, where a shift moves them, what masks cut
    reading    borders, kernels, strides, tables of places
    sharing    heads, groups, tables of offsets
    weighting  attention, predictors, normalisation, projections
    newer      cosines, mixtures of kernels, bands of channels
    words      halos, overlapping windows, features, networks of offsets, turned pairs, shifts
    keys       keys and values that heads share, filters of a whole map
    spelled    what the general form spells out
    elements   norms, activations, pools, the order of axes
    wiring     shortcuts, branches, biases, stages, heads
    running    training, the start, other sizes, what the model offers
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from benchmarks.mutants.mistakes.elements import ELEMENTS
from benchmarks.mutants.mistakes.keys import KEYS
from benchmarks.mutants.mistakes.newer import NEWER
from benchmarks.mutants.mistakes.reading import READING
from benchmarks.mutants.mistakes.running import RUNNING
from benchmarks.mutants.mistakes.sharing import SHARING
from benchmarks.mutants.mistakes.spelled import SPELLED
from benchmarks.mutants.mistakes.weighting import WEIGHTING
from benchmarks.mutants.mistakes.windows import WINDOWS
from benchmarks.mutants.mistakes.wiring import WIRING
from benchmarks.mutants.mistakes.words import WORDS
from benchmarks.mutants.source import Edit, Source

Mistake: TypeAlias = Callable[[Source], Iterator[Edit]]

MISTAKES: tuple[Mistake, ...] = (
    *WINDOWS,
    *READING,
    *SHARING,
    *WEIGHTING,
    *NEWER,
    *WORDS,
    *KEYS,
    *SPELLED,
    *ELEMENTS,
    *WIRING,
    *RUNNING,
)

OF_WORDS: tuple[Mistake, ...] = (*NEWER, *WORDS, *KEYS)
"""What is asked in families of later words; of their general forms `SPELLED` too."""

__all__ = ["MISTAKES", "OF_WORDS", "SPELLED", "Mistake"]

"""Items of one word after which every shape is what it was: elements and uses of operators."""

from __future__ import annotations

from benchmarks.specs_fuzz.attention import ATTENTION
from benchmarks.specs_fuzz.elements import ELEMENTS
from benchmarks.specs_fuzz.operators import OPERATORS
from benchmarks.specs_fuzz.writing import Item

KEEPING: tuple[Item, ...] = (*ELEMENTS, *ATTENTION, *OPERATORS)

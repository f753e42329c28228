"""How items are written: in one of their forms, with some of their fields.

Fields are functions of no arguments, called only where a field is written, so that what is not
written draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from benchmarks.specs_fuzz.scope import NoChoiceError, Scope, Text
from benchmarks.specs_fuzz.shapes import Flows, all_maps, divisors

Item: TypeAlias = Callable[[Scope, Flows], Text]

STARTS: list[Text] = ["default", "xavier", {"kaiming": "fan_out"}, {"normal": 0.01}]
TRUTHS = [True, False]


def written(word: str, fields: dict[str, Text], main: str, scope: Scope) -> Text:
    """The item in one of its forms: `word`, `word: value` or `word: {field: value}`."""
    if not fields:
        return word
    short = list(fields) == [main] and not isinstance(fields[main], dict)
    if short and scope.files.sometimes(0.5):
        return {word: fields[main]}
    return {word: fields}


def some(
    scope: Scope, fields: dict[str, Callable[[], Text]], chance: float = 0.35
) -> dict[str, Text]:
    """Some of the fields, in an order of their own."""
    names = [name for name in fields if scope.files.sometimes(chance)]
    scope.files.chance.shuffle(names)
    return {name: fields[name]() for name in names}


def word_of(*options: Text) -> Callable[[Scope, Flows], Callable[[], Text]]:
    return lambda scope, flows: lambda: scope.word(flows, list(options))


def heads(scope: Scope, flows: Flows) -> dict[str, Text]:
    name = scope.files.one_of(["heads", "heads", "head_channels"])
    return {name: scope.value(flows, lambda flow: divisors(flow.channels))}


def need_maps(flows: Flows) -> None:
    if not all_maps(flows):
        raise NoChoiceError


def need_some_maps(flows: Flows) -> None:
    if any(flow.grid is None for flow in flows):
        raise NoChoiceError

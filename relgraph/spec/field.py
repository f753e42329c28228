"""The types of the language's table: a field of a word or of a file, and a word.

Values only. The reader of specs, the JSON Schema and docs/specs.md all take their facts from
tables of these, so that nothing about the language is written twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from relgraph.spec.nodes import Plain

Kind = Literal[
    "integer",
    "number",
    "boolean",
    "choice",
    "text",
    "name",
    "size",
    "width",
    "padding",
    "shift",
    "body",
    "bodies",
    "sizes",
    "table",
    "value",
    "init",
    "alone",
]


class Required:
    """The default of a field that must be written."""

    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = Required()


@dataclass(frozen=True)
class Field:
    """One key of a word or of a file.

    `default` is what holds where the field is not written: a value, REQUIRED, or None for "not
    there". `same_as` names the field whose value it takes instead. `minimum` is inclusive;
    `below` and `maximum` bound from above. `none` tells that `none` may be written for "not there".
    `only` is (field, value): the field exists only where that other field, which stands before it
    in the table, has that value.
    `example` is a whole spec fragment: for a word's field an item, for a file's field the key.
    """

    name: str
    kind: Kind
    meaning: str
    default: Plain | Required = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    below: float | None = None
    none: bool = False
    same_as: str = ""
    only: tuple[str, str] | None = None
    example: str = ""

    @property
    def required(self) -> bool:
        """Whether the file must hold this field."""
        return isinstance(self.default, Required)


@dataclass(frozen=True)
class Word:
    """A word of the language: what `word: value` fills (`main`) and the fields it declares."""

    name: str
    group: Literal["structure", "norm", "activation", "pooling", "token", "other"]
    meaning: str
    example: str
    fields: tuple[Field, ...] = ()
    main: str | None = None

    def field(self, name: str) -> Field | None:
        """The declared field of that name."""
        return next((field for field in self.fields if field.name == name), None)


def by_name(words: tuple[Word, ...]) -> dict[str, Word]:
    """Words by name; a name that stands twice is a bug of ours."""
    table = {word.name: word for word in words}
    assert len(table) == len(words), "a word of the language is defined twice"
    return table


def named(fields: tuple[Field, ...]) -> dict[str, Field]:
    """Fields by name, in the table's order."""
    return {field.name: field for field in fields}

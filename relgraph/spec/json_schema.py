"""The language as a JSON Schema, for editors: made from the same tables as everything else.

A schema sees one file and no folder, so it knows every word of the language and the shipped
operators by name, and lets other names pass; `relgraph check` knows the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from relgraph.shipped import shipped
from relgraph.spec import keys, properties, rank_properties
from relgraph.spec.field import Field, Kind, Word
from relgraph.spec.inits import RULES
from relgraph.spec.words import WORDS

Schema: TypeAlias = dict[str, Any]

VARIABLE: Schema = {"type": "string", "pattern": r"^\$[a-z_][a-z0-9_]*$"}
NAME: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
BODY: Schema = {"$ref": "#/$defs/body"}
SECTIONS: dict[str, tuple[Field, ...]] = {
    "input": keys.INPUT,
    "space": properties.SPACE,
    "channel": properties.CHANNEL,
    "frame": properties.FRAME,
    "predictor": properties.PREDICTOR,
}


def json_schema() -> Schema:
    """One schema for backbone and operator files, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a relgraph spec",
        "oneOf": [{"$ref": "#/$defs/backbone"}, {"$ref": "#/$defs/operator"}],
        "$defs": {
            "backbone": _backbone(),
            "operator": _operator(),
            "stage": _stage(),
            "definition": _table(keys.DEFINITION),
            "body": {"anyOf": [{"type": "array", "items": BODY}, {"$ref": "#/$defs/item"}]},
            "item": _item(),
        },
    }


def _backbone() -> Schema:
    schema = _table(keys.BACKBONE)
    schema["required"] = ["backbone"]
    schema["properties"] |= {
        "define": {"additionalProperties": _any(BODY, {"$ref": "#/$defs/definition"})},
        "stages": _any({"type": "array", "items": {"$ref": "#/$defs/stage"}}, {"type": "object"}),
        "drop_path": _any(_plain(keys.DROP_PATH[0]), _table(keys.DROP_PATH)),
        "replace": {"additionalProperties": BODY},
    }
    return schema


def _stage() -> Schema:
    """A row; every other key is a stage variable."""
    return _table(keys.STAGE) | {"additionalProperties": True}


def _operator() -> Schema:
    schema = _table(keys.OPERATOR)
    space_rank, channel_rank = (
        _table(rank_properties.SPACE_RANK),
        _table(rank_properties.CHANNEL_RANK),
    )
    schema["properties"]["space"]["properties"]["rank"] = _any({"const": "none"}, space_rank)
    schema["properties"]["channel"]["properties"]["rank"] = _any({"const": "none"}, channel_rank)
    schema["properties"]["weight"] = _any({"const": "static"}, _table(properties.WEIGHT))
    bias: list[Any] = [True, False, "channels", "positions", "both", "none"]
    schema["properties"]["bias"] = _any({"enum": bias}, VARIABLE)
    return schema


def _item() -> Schema:
    """`word`, or one word with its value and an optional label."""
    return {
        "anyOf": [
            {"enum": [*WORDS, *shipped("operators")]},
            {"type": "string"},
            {
                "type": "object",
                "properties": {"label": NAME, **{w.name: _word(w) for w in WORDS.values()}},
                "minProperties": 1,
                "maxProperties": 2,
            },
        ]
    }


def _word(word: Word) -> Schema:
    """What may stand behind a word: its main field's value, or its fields."""
    forms = [_table(word.fields)] if word.fields else []
    main = word.field(word.main) if word.main else None
    if main is not None:
        forms.append(_value(main))
    return {"description": word.meaning, "anyOf": forms or [{"type": "object", "maxProperties": 0}]}


def _table(fields: Iterable[Field]) -> Schema:
    listed = list(fields)
    return {
        "type": "object",
        "properties": {
            field.name: {"description": field.meaning} | _value(field) for field in listed
        },
        "required": [field.name for field in listed if field.required],
        "additionalProperties": False,
    }


def _value(field: Field) -> Schema:
    """A field's value, or a `$name` for it."""
    if field.kind == "table" and field.name in SECTIONS:
        return _table(SECTIONS[field.name])
    if field.kind in ("text", "name", "table", "value", "body"):
        return _plain(field)
    return _any(_plain(field), VARIABLE, *([{"const": "none"}] if field.none else []))


def _plain(field: Field) -> Schema:
    number = {
        name: bound
        for name, bound in (
            ("minimum", field.minimum),
            ("maximum", field.maximum),
            ("exclusiveMaximum", field.below),
        )
        if bound is not None
    }
    if field.kind == "choice":
        return {"enum": list(field.choices)}
    if field.kind in ("integer", "number"):
        return {"type": field.kind} | number
    return KINDS[field.kind]


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _inits() -> Schema:
    """A rule's word where it needs no value, or the rule with its value."""
    words = [rule.name for rule in RULES if not rule.required]
    valued = [rule for rule in RULES if rule.kind != "alone"]
    return _any({"enum": words}, *(_rule(rule) for rule in valued))


def _rule(rule: Field) -> Schema:
    return _table([rule]) | {"required": [rule.name]}


WHOLE: Schema = {"type": "integer"}
SIZE: Schema = _any(WHOLE, {"type": "array", "items": _any(WHOLE, VARIABLE), "maxItems": 2})
KINDS: dict[Kind, Schema] = {
    "boolean": {"type": "boolean"},
    "text": {"type": "string"},
    "name": NAME,
    "size": SIZE,
    "width": _any(WHOLE, {"type": "array", "items": _any(WHOLE, VARIABLE)}),
    "padding": _any({"enum": ["half", "same_tf"]}, SIZE),
    "shift": _any({"const": "half"}, SIZE),
    "body": BODY,
    "bodies": {"type": "array", "items": BODY, "minItems": 1},
    "sizes": {"type": "array", "minItems": 1},
    "table": {"type": "object"},
    "value": {},
    "init": _inits(),
}

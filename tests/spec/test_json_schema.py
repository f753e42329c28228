"""The schema holds for every shipped spec and refuses what an editor can know to be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from relgraph.shipped import shipped
from relgraph.spec.document import load, parse_text, plain
from relgraph.spec.json_schema import json_schema

SCHEMA = json_schema()
SPECS = [*shipped("backbones").values(), *shipped("operators").values()]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def holds(value: object, schema: dict[str, Any]) -> bool:
    """Whether `value` satisfies `schema`: the keywords that our schema uses, and no others."""
    return all(KEYWORDS[key](value, schema[key], schema) for key in schema)


def _typed(value: object, wanted: str, _: object) -> bool:
    if isinstance(value, bool) and wanted != "boolean":
        return False
    return isinstance(value, TYPES[wanted])


def _object(value: object, known: dict[str, Any], _: object) -> bool:
    return not isinstance(value, dict) or all(
        holds(inner, known[key]) for key, inner in value.items() if key in known
    )


def _others(value: object, rest: object, schema: dict[str, Any]) -> bool:
    if not isinstance(value, dict) or rest is True:
        return True
    others = [inner for key, inner in value.items() if key not in schema.get("properties", {})]
    return not others if rest is False else all(holds(inner, rest) for inner in others)  # type: ignore[arg-type]


def _resolve(value: object, ref: str, _: object) -> bool:
    return holds(value, SCHEMA["$defs"][ref.removeprefix("#/$defs/")])


KEYWORDS: dict[str, Any] = {
    "$schema": lambda *_: True,
    "$defs": lambda *_: True,
    "title": lambda *_: True,
    "description": lambda *_: True,
    "$ref": _resolve,
    "type": _typed,
    "properties": _object,
    "additionalProperties": _others,
    "required": lambda v, names, _: not isinstance(v, dict) or all(name in v for name in names),
    "items": lambda v, item, _: not isinstance(v, list) or all(holds(inner, item) for inner in v),
    "enum": lambda v, legal, _: any(v == one and type(v) is type(one) for one in legal),
    "const": lambda v, one, _: v == one,
    "anyOf": lambda v, schemas, _: any(holds(v, schema) for schema in schemas),
    "oneOf": lambda v, schemas, _: sum(holds(v, schema) for schema in schemas) == 1,
    "pattern": lambda v, text, _: not isinstance(v, str) or re.search(text, v) is not None,
    "minimum": lambda v, least, _: not isinstance(v, int | float) or v >= least,
    "maximum": lambda v, most, _: not isinstance(v, int | float) or v <= most,
    "exclusiveMaximum": lambda v, most, _: not isinstance(v, int | float) or v < most,
    "minItems": lambda v, least, _: not isinstance(v, list) or len(v) >= least,
    "maxItems": lambda v, most, _: not isinstance(v, list) or len(v) <= most,
    "minProperties": lambda v, least, _: not isinstance(v, dict) or len(v) >= least,
    "maxProperties": lambda v, most, _: not isinstance(v, dict) or len(v) <= most,
}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_specs_hold(path: Path) -> None:
    assert holds(plain(load(path).root), SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "backbone: Capital\nstages: [{depth: 1, channels: 8}]\n",
        "backbone: a\nheads: [classifier]\n",
        "backbone: a\nstages: [{channels: 8}]\n",
        "backbone: a\nclasses: many\n",
        "backbone: a\nblock: [layer_norm: {epsilon: 1}]\n",
        "backbone: a\ninit: xaver\n",
        "backbone: a\ninit: {normal: 0}\n",
        "backbone: a\ninit: trunc_normal\n",
        "backbone: a\nblock: [classifier: {init: {kaiming: fan_avg}}]\n",
        "operator: a\nspace: {connect: windows}\n",
        "operator: a\nspace: {connect: local, size: three}\n",
        "operator: a\nweight: dynamic\n",
    ],
)
def test_mistakes_are_refused(text: str) -> None:
    assert not holds(plain(parse_text(text, "f.yaml")), SCHEMA)


@pytest.mark.parametrize(
    "rule", ["xavier", "kaiming", "zeros", "{kaiming: fan_out}", "{normal: 1}", "$rule"]
)
def test_every_form_of_a_start_holds(rule: str) -> None:
    text = f"backbone: a\nblock: [classifier: {{init: {rule}}}, pointwise: {{init: {rule}}}]\n"
    assert holds(plain(parse_text(text, "f.yaml")), SCHEMA)


def test_it_is_json() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA

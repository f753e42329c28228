"""Recipe files: YAML and `key.path=value` overrides in, a frozen `Recipe` out, and back to text.

All mistakes of a file are reported at once, each at its place. This module owns the wording of
recipe errors; what a recipe may say is `relgraph.spec.recipe_schema`'s. It must not import torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relgraph.errors import Place, Problem, RelgraphError, nearest
from relgraph.shipped import shipped
from relgraph.spec.document import ListNode, MapNode, Node, load, parse_text, plain
from relgraph.spec.recipe_schema import Recipe

__all__ = ["Recipe", "dump_recipe", "find_recipe", "load_recipe"]

_At: TypeAlias = tuple[str | int, ...]
_Places: TypeAlias = dict[_At, Place]

# What a value should have been, by pydantic's error type (the only stable part of its errors).
_EXPECTED = {
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "less_than": "a number below {lt}",
    "less_than_equal": "at most {le}",
    "model_type": "keys and values",
    "string_pattern_mismatch": "a name of lower-case letters, digits and underscores",
    "string_too_short": "some text",
    "string_type": "text",
    "too_long": "at most {max_length} values",
    "tuple_type": "a list",
}


def find_recipe(name: str) -> Path:
    """The file of a recipe: a shipped one's by its name, else the path `name` itself.

    Raises RelgraphError where neither exists.
    """
    known = shipped("recipes")
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_file():
        return path
    raise RelgraphError(
        Problem(
            "no-such-recipe",
            found=f"{name} is neither a shipped recipe nor a file",
            expected="a recipe",
            hint=nearest(name, known),
        )
    )


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that a file describes, with `key.path=value` overrides in place of its own values.

    Raises RelgraphError with every problem of the file and of the overrides.
    """
    root = load(path).root
    if not isinstance(root, MapNode):
        raise RelgraphError(
            Problem("bad-value", "not a map", "expected the keys of a recipe", place=root.place)
        )
    content: dict[str, Any] = _tupled(plain(root))
    places = dict(_places_of(root, ()))
    for text in overrides:
        _override(content, places, text)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise RelgraphError([_problem(one, places) for one in details]) from None


def dump_recipe(recipe: Recipe) -> str:
    """A recipe as YAML with every key written out: `load_recipe` reads the same value back."""
    lines = _yaml(recipe.model_dump(mode="python"), indent="")
    return "\n".join(lines) + "\n"


def _places_of(node: Node, at: _At) -> Iterator[tuple[_At, Place]]:
    """Where the value at each path stands; a key's own place under the path ending in "?key"."""
    yield at, node.place
    if isinstance(node, MapNode):
        for key, value in node.entries:
            name = str(key.value)
            yield (*at, "?key", name), key.place
            yield from _places_of(value, (*at, name))
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _places_of(item, (*at, index))


# -- overrides ------------------------------------------------------------------------------------

_OVERRIDE = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)=(.*)", re.DOTALL)
_NULL = ("", "null", "~")


def _override(content: dict[str, Any], places: _Places, text: str) -> None:
    match = _OVERRIDE.fullmatch(text)
    place = Place("--set", 1, 1, len(text) + 1, text)
    if match is None:
        raise RelgraphError(
            Problem(
                "bad-override",
                found="not an assignment",
                expected="expected key.path=value",
                hint="for example optimizer.lr=3e-4",
                place=place,
            )
        )
    *parents, last = path = tuple(match[1].split("."))
    part = content
    for name in parents:
        # A part that the file leaves out, or sets to null, starts from its defaults.
        if not isinstance(part.get(name), dict):
            part[name] = {}
        part = part[name]
    part[last] = _value(match[2].strip())
    value_place = Place("--set", 1, match.start(2) + 1, len(text) + 1, text)
    for length in range(1, len(path) + 1):
        places[(*path[: length - 1], "?key", path[length - 1])] = place
        places.setdefault(path[:length], place)
    places[path] = value_place


def _value(text: str) -> Any:
    """A value as written on the command line, read as in a file: 1e-3 is a number."""
    return None if text in _NULL else _tupled(plain(parse_text(text, "--set")))


# -- errors ---------------------------------------------------------------------------------------


def _problem(error: ErrorDetails, places: _Places) -> Problem:
    kind, context, at = error["type"], error.get("ctx", {}), tuple(error["loc"])
    if kind == "relgraph":
        at = (*at, *context["field"].split("."))
        expected = f"expected {context['expected']}"
        return Problem("bad-value", context["found"], expected, place=_place(places, at))
    if kind == "missing" and isinstance(at[-1], str):
        described = _model_at(at[:-1]).model_fields[at[-1]].description or "a value"
        found = f"{_dotted(at)} is missing"
        return Problem("missing-key", found, f"expected {described}", place=_place(places, at[:-1]))
    if kind == "extra_forbidden":
        legal = _model_at(at[:-1]).model_fields
        where = _dotted(at[:-1]) or "a recipe"
        place = places.get((*at[:-1], "?key", at[-1])) or _place(places, at)
        hint = nearest(str(at[-1]), legal)
        return Problem("unknown-key", f"found {at[-1]}", f"no key of {where}", hint, place)
    found = f"found {_shown(error['input'])}"
    expected = _expected(kind, context, at)
    code = "unknown-value" if kind == "literal_error" else "bad-value"
    hint = nearest(str(error["input"]), _words(context)) if kind == "literal_error" else ""
    hint = "" if hint.startswith("one of") else hint  # the legal words already stand in `expected`
    return Problem(code, found, f"expected {expected}", hint, _place(places, at))


def _expected(kind: str, context: Mapping[str, Any], at: _At) -> str:
    if kind == "literal_error":
        return "one of " + ", ".join(_words(context))
    if kind == "missing":
        return f"{at[-1] + 1 if isinstance(at[-1], int) else 1} values or more"
    template = _EXPECTED.get(kind)
    assert template is not None, f"a pydantic error without words of ours: {kind}"
    return template.format(**context)


def _words(context: Mapping[str, Any]) -> list[str]:
    return re.split(r", | or ", str(context["expected"]).replace("'", ""))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, tuple):
        return "a list"
    return _scalar(value)


def _place(places: _Places, at: _At) -> Place | None:
    """Of the value at a path, or of the nearest thing around it that was written."""
    for length in range(len(at), -1, -1):
        if at[:length] in places:
            return places[at[:length]]
    return None


def _model_at(at: _At) -> type[BaseModel]:
    """The model that describes the part of a recipe at a path of keys."""
    model: type[BaseModel] = Recipe
    for name in at:
        annotation = model.model_fields[str(name)].annotation
        options = [one for one in (get_args(annotation) or (annotation,)) if one is not NoneType]
        assert len(options) == 1 and issubclass(options[0], BaseModel), at
        model = options[0]
    return model


def _dotted(at: _At) -> str:
    return ".".join(str(part) for part in at)


# -- plain data -----------------------------------------------------------------------------------


def _tupled(value: Any) -> Any:
    """Lists as tuples all the way down: a frozen recipe holds tuples, and strict pydantic asks."""
    if isinstance(value, Mapping):
        return {key: _tupled(part) for key, part in value.items()}
    return tuple(_tupled(part) for part in value) if isinstance(value, list | tuple) else value


def _yaml(content: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _yaml(value, indent + "  ")
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_scalar(part) for part in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)

"""Frozen values of the algebra as plain data, and back, for files.

In: `Space`, `Channel`, `Weight`, `Frame`, `Rank`, `Predictor`, `Numbers`. Out: dicts, lists and
scalars, with defaults left out; `parse` refuses what is no such value with a ValueError.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

_Value = TypeVar("_Value")


def dump(value: Any) -> Any:
    """The value as plain data."""
    if isinstance(value, tuple):
        return [dump(item) for item in value]
    if not is_dataclass(value):
        return value
    return {
        f.name: dump(getattr(value, f.name)) for f in fields(value) if not _is_default(f, value)
    }


def parse(kind: type[_Value], data: Any) -> _Value:
    """The value of type `kind` that `dump` made `data` of. Raises ValueError for anything else."""
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is no {kind.__name__}")
    hints = get_type_hints(kind)
    unknown = sorted(data.keys() - hints.keys())
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    return kind(**{name: _parsed(hints[name], value) for name, value in data.items()})


def _is_default(field: Any, value: Any) -> bool:
    own = getattr(value, field.name)
    if field.default is not MISSING:
        return bool(own == field.default)
    return field.default_factory is not MISSING and bool(own == field.default_factory())


def _parsed(hint: Any, value: Any) -> Any:
    """`value` as the hint has it; the first kind that a union names and that fits."""
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _one_of(options, value)
    if origin is tuple:
        return _tuple(options, value)
    if options:  # a union
        return _first(options, value)
    if is_dataclass(hint):
        return parse(hint, value)  # type: ignore[arg-type]
    if type(value) is not hint:
        raise ValueError(f"{value!r} is no {hint.__name__}")
    return value


def _one_of(options: tuple[Any, ...], value: Any) -> Any:
    if value not in options:
        raise ValueError(f"{value!r} is none of {', '.join(map(str, options))}")
    return value


def _tuple(options: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    kinds = options[:1] * len(value) if options[-1] is Ellipsis else options
    if len(kinds) != len(value):
        raise ValueError(f"{value!r} has not {len(kinds)} values")
    return tuple(_parsed(kind, item) for kind, item in zip(kinds, value, strict=True))


def _first(options: tuple[Any, ...], value: Any) -> Any:
    for option in options:
        try:
            return _parsed(option, value)
        except ValueError:
            continue
    raise ValueError(f"{value!r} is no value of this property")

"""Files as YAML text, in one of the ways that people write it: flow or block style, by chance."""

from __future__ import annotations

import json
import random
import re

from benchmarks.specs_fuzz.scope import Text

PLAIN = re.compile(r"\$?[A-Za-z_][\w.]*")


def dump(content: dict[str, Text], chance: random.Random | None = None) -> str:
    """One line a key, longer values below it now and then."""
    lines: list[str] = []
    for key, value in content.items():
        if (
            chance is not None
            and isinstance(value, list | dict)
            and value
            and chance.random() < 0.3
        ):
            lines += [f"{key}:", *_block(value, 1)]
        else:
            lines.append(f"{key}: {flow(value)}")
    return "\n".join(lines) + "\n"


def _block(value: Text, level: int) -> list[str]:
    pad = "  " * level
    if isinstance(value, dict):
        return [f"{pad}{key}: {flow(one)}" for key, one in value.items()]
    return [f"{pad}- {flow(one)}" for one in value]


def flow(value: Text) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return repr(value)
    return value if PLAIN.fullmatch(value) else json.dumps(value)

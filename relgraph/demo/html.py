"""HTML and SVG text: elements with escaped content.

Text becomes markup in one place, here: a plain `str` is always escaped, only an `Html` goes in as
it is. So no name, caption or spec text can break the page.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable

_VOID = frozenset({"meta", "img", "br", "hr", "link"})


class Html(str):
    """Markup that is already escaped."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element. Underscores in attribute names stand for hyphens, a trailing one is dropped
    (`class_`); an attribute of None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    """Children one after another, plain text escaped."""
    return Html(
        "".join(child if isinstance(child, Html) else html.escape(child) for child in children)
    )


def data_block(identifier: str, value: object) -> Html:
    """`value` as a JSON data block that no browser runs; `<` is escaped so that nothing in it can
    end the block."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return tag("script", Html(text), type="application/json", id=identifier)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"

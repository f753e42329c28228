"""Python text: literals through `repr` only, calls wrapped at 100 columns, names for classes.

Everything of a spec that reaches emitted code passes here: numbers and strings by `literal`, prose
by `prose`, names by `camel`; nothing else of a spec is ever written.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100


def literal(value: object) -> str:
    """The source text of a plain value; a string in double quotes. The only door for literals."""
    if isinstance(value, str):
        return double_quoted(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    assert value is None or isinstance(value, bool | int | float), f"no literal for {value!r}"
    return repr(value)


def double_quoted(text: str) -> str:
    """`repr` with double quotes, as formatters write it; only ASCII comes out."""
    escaped = ascii(text + "'")[1:-2]  # The added quote makes `ascii` choose double quotes.
    return f'"{escaped}"' if '"' not in text else ascii(text)


def prose(text: str) -> str:
    """Text of a spec made harmless inside a docstring or comment: one line of printable ASCII
    or Latin letters, without quotes that could end the docstring and without backslashes."""
    flat = " ".join(text.split())
    kept = "".join(c if c.isprintable() and c != "\\" else "?" for c in flat)
    return kept.replace('"""', "'''").replace('"', "'")


def camel(name: str) -> str:
    """`local_attention` → `LocalAttention`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def call(head: str, arguments: Sequence[str], indent: int, tail: str = "") -> str:
    """`head(arguments)tail` at `indent` spaces, one argument a line where it is too long."""
    return _bracketed(f"{head}(", arguments, f"){tail}", indent)


def statement(line: str, indent: int) -> str:
    """`line` further in by `indent` spaces; where it is too long, what stands in its longest
    brackets is wrapped."""
    own, text = indent + len(line) - len(line.lstrip()), line.strip()
    opening, closing = _longest_brackets(text)
    if own + len(text) <= WIDTH or text.startswith("#") or opening + 1 == closing:
        return " " * own + text
    items = _items(text[opening + 1 : closing])
    return _bracketed(text[: opening + 1], items, text[closing:], own)


def _bracketed(head: str, items: Sequence[str], tail: str, indent: int) -> str:
    """`head` with the opening bracket, items, `tail` with the closing one: on one line, on a line
    of their own, or one a line."""
    space, joined = " " * indent, ", ".join(items)
    if len(space) + len(head) + len(joined) + len(tail) <= WIDTH:
        return f"{space}{head}{joined}{tail}"
    inner = indent + 4
    if inner + len(joined) <= WIDTH:
        return f"{space}{head}\n{' ' * inner}{joined}\n{space}{tail}"
    lines = "".join(statement(item.rstrip(",") + ",", inner) + "\n" for item in items)
    return f"{space}{head}\n{lines}{space}{tail}"


def _longest_brackets(text: str) -> tuple[int, int]:
    """Where the outermost brackets open and close that hold most; (-1, 0) where there are none."""
    best, depth, opening = (-1, 0), 0, 0
    for at, character in enumerate(text):
        if character in "([{":
            opening = at if depth == 0 else opening
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0 and at - opening >= best[1] - best[0]:
                best = (opening, at)
    return best


def _items(text: str) -> list[str]:
    """`text` cut at the commas that stand in no bracket; one item keeps the comma that makes it
    a tuple."""
    items, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            items.append(text[start:at].strip())
            start = at + 1
    items += [text[start:].strip()] if text[start:].strip() else []
    return items if len(items) > 1 else [text]


def wrapped(text: str, indent: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of prose filled to the width; `first` and `rest` are prefixes after the indent."""
    space = " " * indent
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=space + first,
        subsequent_indent=space + (first if rest is None else rest),
        break_long_words=False,
        break_on_hyphens=False,
    )


def docstring(paragraphs: Iterable[Sequence[str]], indent: int) -> list[str]:
    """A docstring of paragraphs, each a list of ready lines (without indent)."""
    space = " " * indent
    blocks = [list(paragraph) for paragraph in paragraphs if paragraph]
    lines = [line for block in blocks for line in ["", *block]][1:]
    if len(lines) == 1 and len(space) + len(lines[0]) + 6 <= WIDTH:
        return [f'{space}"""{lines[0]}"""']
    body = [f"{space}{line}".rstrip() for line in lines[1:]]
    return [f'{space}"""{lines[0]}', *body, f'{space}"""']


def period(items: Sequence[str]) -> str:
    """The tuple of `items`, a repeated pattern written once: `3 * (0, 3)`."""
    count = len(items)
    listed = list(items)
    length = next(n for n in range(1, count + 1) if listed == (listed[:n] * count)[:count])
    length = length if count % length == 0 else count
    joined = ", ".join(listed[:length])
    text = f"({joined},)" if length == 1 else f"({joined})"
    return text if length == count else f"{count // length} * {text}"


def counted(items: Sequence[str]) -> str:
    """Four and more whole numbers at equal steps as a range; nothing for other items."""
    if len(items) < 4 or not all(item.isdecimal() for item in items):
        return ""
    first, step = int(items[0]), int(items[1]) - int(items[0])
    found = range(first, first + step * len(items), step) if step else range(0)
    if [str(number) for number in found] != list(items):
        return ""
    start = f"{found.start}, " if found.start or found.step != 1 else ""
    end = f", {found.step}" if found.step != 1 else ""
    return f"range({start}{found.stop}{end})"

"""Lines of a class: heads of methods as a formatter would break them, and their bodies.

Goes in: names and lines. Comes out: text. What a class means is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable

_WIDTH = 100


def signature(name: str, parameters: Iterable[str], result: str) -> str:
    """The head of a method: in one line, with its parameters in one, or in one for each."""
    listed = ("self", *parameters)
    for head in (
        f"    def {name}({', '.join(listed)}) -> {result}:",
        f"    def {name}(\n        {', '.join(listed)}\n    ) -> {result}:",
    ):
        if all(len(line) <= _WIDTH for line in head.splitlines()):
            return head
    return f"    def {name}(\n" + "".join(f"        {p},\n" for p in listed) + f"    ) -> {result}:"


def indented(lines: Iterable[str]) -> str:
    """Lines of a method's body where they stand in a class."""
    return "\n".join(f"        {line}" if line else "" for line in lines)


def fits(line: str) -> bool:
    """Whether a line of a method's body is no longer than lines may be."""
    return len(line) <= _WIDTH - 8


def method(
    name: str, parameters: Iterable[str], result: str, doc: str, lines: Iterable[str]
) -> str:
    """A method with its docstring, if there is one."""
    body = [f'"""{doc}"""', *lines] if doc else lines
    return f"{signature(name, parameters, result)}\n{indented(body)}"

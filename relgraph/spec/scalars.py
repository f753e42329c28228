"""What an unquoted YAML scalar means: strictly null, true/false, a number, or else a name.

YAML 1.1 reads `yes` as a boolean, `7:7` as 427, `017` as 15 and `1e-3` as text; YAML 1.2's core
schema still has octal and not-a-number. A spec means what it looks like, so neither is followed.
"""

from __future__ import annotations

import re

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
MAX_DIGITS = 18  # fits 64 bits; longer ones are typing errors, and int() refuses 4,301 digits

WORDS: dict[str, bool | None] = {"": None, "null": None, "~": None, "true": True, "false": False}


class NumberTooLargeError(ValueError):
    """A number that no spec needs: more digits than 64 bits hold, or a float beyond infinity."""


def scalar(text: str) -> int | float | bool | str | None:
    """The value of an unquoted scalar. Raises NumberTooLargeError."""
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text) and not _leads_with_zero(text):
        return _float(text)
    return text


def _integer(text: str) -> int:
    if len(text.lstrip("+-")) > MAX_DIGITS:
        raise NumberTooLargeError(text)
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if abs(value) == float("inf"):
        raise NumberTooLargeError(text)
    return value


def _leads_with_zero(text: str) -> bool:
    """`017` is neither 15 nor 17 to every reader: it stays a string and meets a type error."""
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()

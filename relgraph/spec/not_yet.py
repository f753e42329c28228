"""Properties that published operators have and the language does not yet: told as such, not as
misspelt.

Values only. Each is a key of a property section, or a value of one of its keys, that a person may
well write; what stands here is no word of the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class NotYet:
    """`key` of `section`, or `value` behind that key: what it would mean, and what there is."""

    section: str
    key: str
    value: str
    meaning: str
    instead: str

    @property
    def written(self) -> str:
        """As a spec would write it."""
        return f"{self.section}: {{{self.key}{': ' + self.value if self.value else ''}}}"


NOT_YET: Final = (
    NotYet(
        "weight",
        "dynamic",
        "sampled",
        "slots that depend on the image (deformable convolution, routing)",
        "slots are the same for every image; dynamic: pooled, center or pair changes their weights",
    ),
    NotYet(
        "weight",
        "dynamic",
        "recurrent",
        "a scan in an order (LSTM, state spaces)",
        "dynamic: pooled, center or pair",
    ),
)


def not_yet(section: str, key: str, value: str = "") -> NotYet | None:
    """The row of this key, or of this value behind it."""
    wanted = section, key, value
    return next((row for row in NOT_YET if (row.section, row.key, row.value) == wanted), None)


def value_not_yet(key: str, value: str) -> NotYet | None:
    """The row of this value behind the key of whatever section."""
    return next((row for row in NOT_YET if (row.key, row.value) == (key, value)), None)

"""What variants are called: short words for the properties that edits changed, in their order.

In: steps. Out: names like `swin_tiny_local7`, the same every time, made of letters, digits and `_`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from relgraph.derive.steps import Step

Said = Callable[[str], str]


def _plain(after: str) -> str:
    """`local 7×7` → `local7`, `stripe of 2 rows` → `stripe2rows`, `heads 3/6` → `heads3_6`."""
    after = re.sub(r"\b(\d+)×\1\b", r"\1", after.replace(" of ", " "))
    after = re.sub(r", share (\w+)", r"_\1", after.replace(" with ", "_").replace(" by ", "_"))
    after = after.removesuffix(" position").replace("×", "x").replace("/", "_")
    return re.sub(r"[^a-z0-9_]", "", after)


def _after(words: str) -> Said:
    return lambda after: words.format(_plain(after))


_SPACE_SHARES = {"none": "untied", "all": "one_weight"}
_CHANNEL_SHARES = {"none": "channels_untied", "all": "channels_tied"}

_PARTED = {"none": "heads_parted"}

_SAID: Mapping[tuple[str, str], Said] = {
    ("share", "space"): lambda after: _SPACE_SHARES.get(after, _plain(after)),
    ("untie", "space"): lambda after: _SPACE_SHARES.get(after, _plain(after)),
    ("share", "channel"): lambda after: _CHANNEL_SHARES.get(after, _plain(after)),
    ("untie", "channel"): lambda after: _CHANNEL_SHARES.get(after, _plain(after)),
    ("sparsify", "space"): lambda after: _plain(after),
    ("densify", "channel"): _after("channels_{}"),
    ("sparsify", "channel"): _after("channels_{}"),
    ("raise rank", "space"): lambda _: "full_rank",
    ("raise rank", "channel"): lambda _: "full_width",
    ("dilate", "space"): _after("dilated{}"),
    ("shift", "space"): _after("shift{}"),
    ("freeze", "weight"): lambda after: (
        after.removeprefix("given ") if "given" in after else "frozen" + _plain(after)[6:]
    ),
    ("learn", "weight"): lambda _: "learned",
    ("un-normalise", "weight"): lambda _: "unnormalised",
    ("drop position", "weight"): lambda _: "no_position",
    ("mix heads", "weight"): lambda after: "talking" if after == "both" else f"talking_{after}",
    ("part heads", "weight"): lambda after: _PARTED.get(after, f"talking_{after}"),
}


def word(step: Step) -> str:
    """The word of one step.

    A relation without a row of its own is said by what it leads to: `local7`, `pooled`, `softmax`.
    """
    said = _SAID.get((step.relation, step.kind.axis), _plain)
    stages = "".join(map(str, step.stages))
    return said(step.after.split(" or ")[0]) + (f"_stage{stages}" if stages else "")


def name(base: str, steps: Sequence[Step], stages: str, taken: Iterable[str]) -> str:
    """The name of a variant: the backbone's, a word for each step, and the stages if not all; a
    number after it where another has the same."""
    made = "_".join([base, *(word(step) for step in steps), *([stages] if stages else [])])
    others = frozenset(taken)
    if made not in others:
        return made
    number = 2
    while f"{made}_{number}" in others:
        number += 1
    return f"{made}_{number}"

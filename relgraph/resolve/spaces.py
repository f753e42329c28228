"""The space properties: connectivity, its geometry, sharing and border."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relgraph.algebra.operator import Border, Space
from relgraph.resolve.arguments import default_value
from relgraph.resolve.sections import Section
from relgraph.resolve.values import Value
from relgraph.spec.field import named
from relgraph.spec.properties import SPACE

# What an `Operator` cannot say without these, so that the algebra's rules never see it.
SAYS_SOMETHING: Mapping[str, tuple[str, ...]] = {
    "size": ("local", "window", "grid", "stripe", "outlook"),
    "halo": ("window",),
    "along": ("stripe",),
    "anchor": ("local",),
}


def read_space(section: Section) -> None:
    """Read the section's values. Raises RefusedError."""
    section.read_all(SPACE, but=("rank",))
    connect = section.values["connect"]
    for name, connects in SAYS_SOMETHING.items():
        if name in section.written and connect not in connects:
            _refuse_idle(section, name, connect, connects)
    if section.values["size"] is None and connect in SAYS_SOMETHING["size"]:
        raise section.findings.refuse(
            "missing-key",
            section.where("connect"),
            f"connect: {connect} without a size",
            "expected size: n",
        )


def space_of(section: Section, border: Border) -> Space:
    """The space axis; `border` is what stands outside where the section does not say."""
    values: dict[str, Any] = section.values
    size = values["size"] or (1, 1)
    shift = values["shift"]
    return Space(
        connect=values["connect"],
        size=size,
        stride=values["stride"],
        dilation=values["dilation"],
        shift=(size[0] // 2, size[1] // 2) if shift == "half" else shift,
        halo=values["halo"],
        along=values["along"],
        share=values["share"],
        border=values["border"] or border,
        padding=_padding(section),
        pad=values["pad"],
        step=values["step"],
    )


def _padding(section: Section) -> Any:
    """`anchor: corner` is padding 0, `anchor: center` is `half`; both words may agree."""
    anchor, padding = section.values["anchor"], section.values["padding"]
    if anchor is None:
        return padding
    anchored = (0, 0) if anchor == "corner" else "half"
    if "padding" in section.written and padding != anchored:
        section.findings.refuse(
            "contradiction",
            section.where("padding"),
            f"padding {show_value(padding)} with anchor: {anchor}",
            "expected one of them: the anchor is a name for the padding",
            related=(section.where("anchor"),),
        )
    return anchored


def show_value(value: Value) -> str:
    """A resolved value for messages: a pair of equal numbers as one."""
    if isinstance(value, tuple):
        return str(value[0]) if value[0] == value[1] else f"[{value[0]}, {value[1]}]"
    return str(value)


def _refuse_idle(section: Section, name: str, connect: Value, legal: tuple[str, ...]) -> None:
    value, default = section.values[name], default_value(named(SPACE)[name])
    if value in (None, default) or value == (0, 0):
        return
    section.findings.refuse(
        "says-nothing",
        section.where(name),
        f"{name} {show_value(value)} with connect: {connect}",
        f"{name} says something for {', '.join(legal)}",
        related=(section.where("connect"),),
    )

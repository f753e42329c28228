"""The arguments of a class, found by comparing all its instances.

Goes in: the drafts of one class and, for every member, its constructor arguments in each instance.
Comes out: the text of each argument inside the class, and the class's own arguments with their
values per instance. Widths are written as multiples of `dim` (input channels) or `out_dim`; what
varies, and what a person would want to set, becomes an argument; the rest stays a literal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from relgraph.emit.draft import Draft, Member
from relgraph.emit.text import literal
from relgraph.lower.module import Argument, DropPathRate, MapSize

# Arguments that count channels: written relative to the class's own width.
WIDTHS = frozenset(
    [
        "in_chans",
        "dim",
        "out_dim",
        "in_dim",
        "hidden_dim",
        "in_features",
        "out_features",
        "in_channels",
        "out_channels",
        "channels",
        "num_features",
        "normalized_shape",
        "num_channels",
        "hidden_features",
        "part_dim",
        "groups",
    ]
)
# Those of them that count the channels that a layer reads.
INWARD = frozenset(
    [
        "in_chans",
        "dim",
        "in_dim",
        "in_features",
        "in_channels",
        "channels",
        "num_features",
        "normalized_shape",
        "num_channels",
    ]
)
# Arguments that a person sets per model even where all blocks agree.
ALWAYS = frozenset({"num_heads"})
# Arguments that stand first and last in a signature; the others keep the order of first use.
FIRST = ("in_chans", "dim", "out_dim")
LAST = ("map_size", "drop_path")


@dataclass
class Signature:
    """The arguments of one class while they are being found: name → value per instance."""

    drafts: Sequence[Draft]
    values: dict[str, list[Argument]] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """The argument names in the order of the signature."""
        middle = [name for name in self.values if name not in FIRST + LAST]
        first = [name for name in FIRST if name in self.values]
        return first + middle + [name for name in LAST if name in self.values]

    def express(self, name: str, values: list[Argument], member: Member) -> str:
        """The source text of one constructor argument inside the class."""
        first = values[0]
        if isinstance(first, MapSize):
            own = (
                name if name.endswith("map_size") else "map_size"
            )  # An inner class may ask for two.
            return self._take(own, values, member.attr)
        if isinstance(first, DropPathRate):
            return self._take("drop_path", values, member.attr)
        if name in WIDTHS and all(_is_number(value) for value in values):
            return self._width(name, [_number(value) for value in values], member)
        if name not in ALWAYS and all(value == first for value in values):
            return literal(first)
        return self._take(name, values, member.attr)

    def express_tuple(self, values: list[tuple[int, ...]], member: Member) -> str:
        """The source text of a constant tuple of widths."""
        columns = zip(*values, strict=True)
        parts = [self._width("part_dim", list(column), member) for column in columns]
        return f"({', '.join(parts)},)" if len(parts) == 1 else f"({', '.join(parts)})"

    def _take(self, name: str, values: list[Argument], attr: str) -> str:
        same = [other for other, own in self.values.items() if own == values and _varies(own)]
        if same and name not in LAST + tuple(ALWAYS):
            return same[0]  # One number of the spec in two places: a patch's size and stride.
        while self.values.get(name, values) != values:
            name = f"{attr}_{name}"
        self.values[name] = values
        return name

    def _width(self, name: str, values: list[int], member: Member) -> str:
        if name == "groups" and len(set(values)) == 1 and values[0] == 1:
            return "1"
        for base, own in self._bases(name, member, values):
            text = relative(base, own, values)
            if text is not None:
                self.values[base] = list(own)
                return text
        if name == "groups" and len(set(values)) == 1:
            return literal(values[0])
        wish = name if name in ("hidden_dim", "part_dim", "groups") else "hidden_dim"
        return self._take(wish, list(values), member.attr)

    def _bases(self, name: str, member: Member, values: list[int]) -> list[tuple[str, list[int]]]:
        """The names that widths may be multiples of, with their values per instance."""
        ins = [draft.scope.input.channels for draft in self.drafts]
        outs = [draft.scope.output.channels for draft in self.drafts]
        if not self.drafts[0].image:
            return [("dim", ins), ("out_dim", outs)]
        # The image's channels are no unit of width: 96 is not 32 × 3.
        times = member.reach.reads if name in INWARD else member.reach.makes
        follows = times > 0 and values == [times * width for width in ins]
        return [*([("in_chans", ins)] if follows else []), ("out_dim", outs)]


def relative(base: str, own: Sequence[int], values: Sequence[int]) -> str | None:
    """`values` as one multiple or fraction of `own`, the same for every instance, or None."""
    pairs = list(zip(own, values, strict=True))
    multiples = {v // o for o, v in pairs}
    if all(v % o == 0 for o, v in pairs) and len(multiples) == 1:
        factor = multiples.pop()
        return base if factor == 1 else f"{factor} * {base}"
    parts = {o // v for o, v in pairs}
    if all(o % v == 0 for o, v in pairs) and len(parts) == 1:
        return f"{base} // {parts.pop()}"
    return None


def _varies(values: Sequence[Argument]) -> bool:
    return any(value != values[0] for value in values)


def _is_number(value: Argument) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _number(value: Argument) -> int:
    assert isinstance(value, int)
    return value

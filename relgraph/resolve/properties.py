"""From the property sections of an operator file to a point of the algebra.

In: the sections' nodes with the environment of one use. Out: an `Operator` with every default in
place, the bodies that its rank words carry, and where each property is written, so that a
contradiction can name both lines. Sizes of a map are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from relgraph.algebra.operator import BiasShare, Border, Channel, Frame, Operator, Space, Weight
from relgraph.errors import Place
from relgraph.resolve.channels import read_channel
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.ranks import Ranked, read_rank
from relgraph.resolve.scope import Closure, Env, Width, force
from relgraph.resolve.sections import Section, open_section
from relgraph.resolve.spaces import read_space, space_of
from relgraph.resolve.values import is_none, refuse
from relgraph.resolve.weights import check_weight_word, read_weight
from relgraph.spec.field import Field, named
from relgraph.spec.keys import OPERATOR
from relgraph.spec.nodes import Node, ScalarNode
from relgraph.spec.properties import CHANNEL, FRAME, SPACE, WEIGHT

BIAS = named(OPERATOR)["bias"]
T = TypeVar("T")


@dataclass(frozen=True)
class Properties:
    """A point of the algebra, the bodies of its rank words, the places of its properties
    (`space.share` and so on, as far as they are written), and how a person wrote them:
    `weight.dynamic: pair` for the property `weight.source`."""

    operator: Operator
    rank: Ranked
    places: Mapping[str, Place]
    spelled: Mapping[str, str]


def read_properties(
    nodes: Mapping[str, Node], env: Env, width: Width, place: Place, findings: Findings
) -> Properties:
    """The operator that the sections declare, on `width` channels.

    Raises RefusedError after reporting the mistakes of all sections.
    """
    reader = _Reader(nodes, env, width, place, findings)
    space, channel = _attempt(reader.space), _attempt(reader.channel)
    weight, frame = _attempt(reader.weight), _attempt(reader.frame)
    bias, rank = _attempt(reader.bias), _attempt(reader.rank)
    if space is None or channel is None or weight is None:
        raise findings.silent()
    if frame is None or bias is None or rank is None:
        raise findings.silent()
    made = space_of(space, _default_border(weight))
    operator = Operator(
        rank.on_space(made),
        rank.on_channel(channel),
        weight,
        _bias(bias, made, channel, weight, frame),
        frame,
    )
    return Properties(operator, rank, _places(reader.opened), _spelled(reader.opened))


def _attempt(read_part: Callable[[], T]) -> T | None:
    try:
        return read_part()
    except RefusedError:
        return None


@dataclass
class _Reader:
    """Opens the sections of one operator, each once, and reads its properties."""

    nodes: Mapping[str, Node]
    env: Env
    width: Width
    place: Place
    findings: Findings
    opened: dict[str, Section] = field(default_factory=dict)

    def section(self, name: str, fields: tuple[Field, ...]) -> Section:
        """The section `name`. Raises RefusedError where it is no map."""
        if name not in self.opened:
            self.opened[name] = open_section(
                name, self.nodes, self.env, fields, self.place, self.findings
            )
        return self.opened[name]

    def forced(self, name: str) -> Closure | None:
        """What stands behind `name`, None where it is not written."""
        node = self.nodes.get(name)
        return None if node is None else force(Closure(node, self.env), self.findings)

    def space(self) -> Section:
        """The space section, its values read."""
        section = self.section("space", SPACE)
        read_space(section)
        return section

    def channel(self) -> Channel:
        """The channel axis."""
        section = self.section("channel", CHANNEL)
        section.read_all(CHANNEL, but=("rank",))
        return read_channel(section, self.width)

    def weight(self) -> Weight:
        """The weights: the word `static`, or a section."""
        closure = self.forced("weight")
        if closure is not None and isinstance(closure.node, ScalarNode):
            check_weight_word(closure, self.findings)
            return Weight()
        return read_weight(self.section("weight", WEIGHT))

    def frame(self) -> Frame:
        """The projections around the core."""
        section = self.section("frame", FRAME)
        section.read_all(FRAME)
        return Frame(**cast("dict[str, bool]", section.values))

    def bias(self) -> str | bool:
        """The bias as written; true where it is not."""
        closure = self.forced("bias")
        if closure is None:
            return True
        value = closure.node.value if isinstance(closure.node, ScalarNode) else None
        if is_none(closure.node):
            return False
        if isinstance(value, bool) or value in ("channels", "positions", "both"):
            return value
        raise refuse(BIAS, closure, "true, false, channels, positions or both", self.findings)

    def rank(self) -> Ranked:
        """The rank of either axis."""
        space, channel = self.section("space", SPACE), self.section("channel", CHANNEL)
        return read_rank(space.written.get("rank"), channel.written.get("rank"), self.findings)


def _default_border(weight: Weight) -> Border:
    # A softmax counts a slot that reads zero; an absent slot is what attention means by a border.
    return "zero" if weight.normalize == "none" else "mask"


def _bias(
    written: str | bool, space: Space, channel: Channel, weight: Weight, frame: Frame
) -> BiasShare:
    """`true` is the usual bias of such an operator: none where an output projection follows that
    brings its own, one per position where positions are mixed and channels are not."""
    if written is False or (written is True and frame.output):
        return "none"
    if isinstance(written, str):
        return cast("BiasShare", written)
    if weight.source != "static" or space.connect != "full" or channel.connect == "groups":
        return "channels"
    return "positions" if channel.connect == "separate" else "both"


def _places(opened: Mapping[str, Section]) -> dict[str, Place]:
    """Where every written property stands, and each section; `weight.source` and `channel.share`
    stand where another key implies them."""
    places = {name: section.place for name, section in opened.items()}
    for name, section in opened.items():
        places |= {f"{name}.{key}": section.where(key) for key in section.written}
    return {**_implied(places), **places}


def _spelled(opened: Mapping[str, Section]) -> dict[str, str]:
    """Every written property as `key: value`, in a person's own words."""
    spelled = {
        f"{name}.{key}": f"{name}.{key}: {section.shown(key)}"
        for name, section in opened.items()
        for key in section.written
        if not section.is_nothing(key)
    }
    return {**_implied(spelled), **spelled}


def _implied(written: Mapping[str, T]) -> dict[str, T]:
    """What is written of the keys that say a property in other words."""
    return {
        implied: written[key]
        for implied, keys in IMPLIED.items()
        for key in reversed(keys)
        if key in written
    }


IMPLIED: Mapping[str, tuple[str, ...]] = {
    "weight.source": ("weight.dynamic", "weight.fixed"),
    "channel.share": ("channel.heads", "channel.head_channels", "channel.group_channels"),
    "space.padding": ("space.anchor",),
}

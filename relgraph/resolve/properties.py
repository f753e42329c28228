"""From the property sections of an operator file to a point of the algebra.

In: the sections' nodes with the environment of one use. Out: an `Operator` with every default in
place, the bodies that its rank words carry, and where each property is written, so that a
contradiction can name both lines. Sizes of a map are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relgraph.algebra.operator import Border, Frame, Operator, Predictor, Space, Weight
from relgraph.errors import Place
from relgraph.resolve.arguments import Arguments, default_value, is_null
from relgraph.resolve.channels import read_channel
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.ranks import Ranked, no_rank, read_rank
from relgraph.resolve.scope import Closure, Env, Width, force
from relgraph.resolve.table import check_keys
from relgraph.resolve.values import Value, is_none, read, refuse, show
from relgraph.spec.field import Field, named
from relgraph.spec.nodes import MapNode, Node, ScalarNode
from relgraph.spec.properties import CHANNEL, FRAME, PREDICTOR, SPACE, WEIGHT

# What an `Operator` cannot say without these, so that the algebra's rules never see it.
SAYS_SOMETHING: Mapping[str, tuple[str, ...]] = {
    "size": ("local", "window", "grid", "stripe"),
    "along": ("stripe",),
    "anchor": ("local",),
}


@dataclass
class Section:
    """One section while it is read: closures of what is written, and the values so far."""

    name: str
    written: Arguments
    place: Place
    findings: Findings
    values: dict[str, Value] = field(default_factory=dict)
    known: bool = True

    def read_all(self, fields: tuple[Field, ...], but: tuple[str, ...] = ()) -> None:
        """Read every field except `but`. Raises RefusedError after the last one."""
        refused: RefusedError | None = None
        for one in fields:
            try:
                if one.name not in but:
                    self.values[one.name] = self._value(one)
            except RefusedError as error:
                refused = error
        if refused is not None:
            raise refused
        if not self.known:
            # What an unknown key was meant to say is missing: nothing follows from the rest.
            raise self.findings.silent()

    def _value(self, one: Field) -> Value:
        if one.name not in self.written:
            return default_value(one)
        return read(one, self.written[one.name], self.findings)

    def where(self, name: str) -> Place:
        """Where the field's value is written, or the section where it is not."""
        closure = self.written.get(name)
        if closure is None:
            return self.place
        try:
            return force(closure, self.findings).place
        except RefusedError:
            return closure.place


@dataclass(frozen=True)
class Properties:
    """A point of the algebra, the bodies of its rank words, and the places of its properties:
    `space.share` and so on, as far as they are written."""

    operator: Operator
    rank: Ranked
    places: Mapping[str, Place]


def read_properties(
    sections: Mapping[str, Node], env: Env, width: Width, place: Place, findings: Findings
) -> Properties:
    """The operator that the sections declare. Raises RefusedError after reporting all mistakes."""
    reader = _Reader(sections, env, width, place, findings)
    parts: dict[str, Any] = {}
    refused: RefusedError | None = None
    for name, read_part in _PARTS.items():
        try:
            parts[name] = read_part(reader)
        except RefusedError as error:
            refused = error
    if refused is not None:
        raise refused
    return reader.together(parts)


class _Reader:
    """Reads one operator's sections; keeps them for the places."""

    def __init__(
        self,
        sections: Mapping[str, Node],
        env: Env,
        width: Width,
        place: Place,
        findings: Findings,
    ) -> None:
        self.sections, self.env, self.width = sections, env, width
        self.place, self.findings = place, findings
        self.opened: dict[str, Section] = {}

    def open(self, name: str, fields: tuple[Field, ...]) -> Section:
        """The section `name` with its keys checked; an empty one where it is not written."""
        node = self.sections.get(name)
        if node is None:
            section = Section(name, {}, self.place, self.findings)
        else:
            closure = force(Closure(node, self.env), self.findings)
            section = self.section_at(name, closure, fields)
        self.opened[name] = section
        return section

    def section_at(self, name: str, closure: Closure, fields: tuple[Field, ...]) -> Section:
        """A section from the map at `closure`. Raises RefusedError where it is no map."""
        node = closure.node
        if not isinstance(node, MapNode):
            raise self.findings.refuse(
                "bad-value", closure.place, f"{name} is {show(node)}", "expected a map {key: value}"
            )
        known = check_keys(node, fields, name, self.findings)
        legal = {field.name for field in fields}
        written = {
            str(key.value): Closure(value, closure.env)
            for key, value in node.entries
            if key.value in legal and not is_null(value)
        }
        key = next((k for k, _ in node.entries), None)
        place = key.place if key else closure.place
        return Section(name, written, place, self.findings, known=known)

    def together(self, parts: Mapping[str, Any]) -> Properties:
        """The operator, with the defaults that depend on several sections."""
        weight, frame = parts["weight"], parts["frame"]
        border = parts["border"] or _default_border(weight)
        space: Space = parts["space"](border)
        channel = parts["channel"]
        ranked: Ranked = parts["rank"]
        operator = Operator(
            ranked.on_space(space),
            ranked.on_channel(channel),
            weight,
            _bias(parts["bias"], space, channel.connect, weight, frame),
            frame,
        )
        places = {
            f"{name}.{key}": section.where(key)
            for name, section in self.opened.items()
            for key in section.written
        }
        return Properties(operator, ranked, self._aliases(places))

    def _aliases(self, places: dict[str, Place]) -> dict[str, Place]:
        for name, section in self.opened.items():
            places.setdefault(name, section.place)
        for other in ("dynamic", "fixed"):
            if f"weight.{other}" in places:
                places.setdefault("weight.source", places[f"weight.{other}"])
        for other in ("heads", "head_channels", "group_channels"):
            if f"channel.{other}" in places:
                places.setdefault("channel.share", places[f"channel.{other}"])
        return places


def _default_border(weight: Weight) -> Border:
    # A softmax counts a slot that reads zero; an absent slot is what attention means by a border.
    return "zero" if weight.normalize == "none" else "mask"


def _read_space(reader: _Reader) -> Callable[[Border], Space]:
    section = reader.open("space", SPACE)
    section.read_all(SPACE, but=("rank",))
    values = section.values
    connect = values["connect"]
    for name, connects in SAYS_SOMETHING.items():
        if name in section.written and connect not in connects:
            _refuse_idle(section, name, connect, connects)
    if values["size"] is None and connect in SAYS_SOMETHING["size"]:
        raise reader.findings.refuse(
            "missing-key",
            section.where("connect"),
            f"connect: {connect} without a size",
            "expected size: n",
        )
    return lambda border: _space(section, border)


def _space(section: Section, border: Border) -> Space:
    values: dict[str, Any] = section.values
    size = values["size"] or (1, 1)
    shift = values["shift"]
    return Space(
        connect=values["connect"],
        size=size,
        stride=values["stride"],
        dilation=values["dilation"],
        shift=(size[0] // 2, size[1] // 2) if shift == "half" else shift,
        along=values["along"],
        share=values["share"],
        border=border,
        padding=_padding(section),
        pad=values["pad"],
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


def _read_border(reader: _Reader) -> Value:
    section = reader.opened["space"]
    return section.values.get("border")


def _read_weight(reader: _Reader) -> Weight:
    node = reader.sections.get("weight")
    if node is not None:
        closure = force(Closure(node, reader.env), reader.findings)
        if isinstance(closure.node, ScalarNode):
            return _weight_word(closure, reader)
    section = reader.open("weight", WEIGHT)
    section.read_all(WEIGHT)
    values: dict[str, Any] = section.values
    if values["dynamic"] and values["fixed"]:
        raise reader.findings.refuse(
            "contradiction",
            section.where("fixed"),
            "weights both dynamic and fixed",
            "expected one source",
            related=(section.where("dynamic"),),
        )
    source: Any = values["dynamic"] or ("fixed" if values["fixed"] else "static")
    _refuse_other_sources(section, source)
    return Weight(
        source=source,
        normalize=values["normalize"],
        position=values["position"],
        predictor=_predictor(reader, section, source),
        extent=values["extent"],
        qkv_bias=values["qkv_bias"],
        fixed=values["fixed"],
    )


def _weight_word(closure: Closure, reader: _Reader) -> Weight:
    """`weight: static`: the one source that needs no map."""
    if isinstance(closure.node, ScalarNode) and closure.node.value == "static":
        return Weight()
    raise reader.findings.refuse(
        "bad-value",
        closure.place,
        f"weight is {show(closure.node)}",
        "expected static, {fixed: average} or {dynamic: pooled}",
    )


ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "reduction": ("pooled", "center"),
    "predictor": ("pooled", "center"),
    "qkv_bias": ("pair",),
}


def _refuse_other_sources(section: Section, source: str) -> None:
    for name, sources in ONLY_FOR.items():
        value, default = section.values[name], default_value(named(WEIGHT)[name])
        if name not in section.written or source in sources or value == default:
            continue
        written = section.where("dynamic" if "dynamic" in section.written else "fixed")
        section.findings.refuse(
            "says-nothing",
            section.where(name),
            f"{name} with {source} weights",
            f"{name} says something for {' and '.join(sources)} weights",
            related=(written,),
        )


def _predictor(reader: _Reader, weight: Section, source: str) -> Predictor | None:
    if source not in ("pooled", "center"):
        return None
    table = weight.values["predictor"]
    section = Section("predictor", {}, weight.place, reader.findings)
    if isinstance(table, Closure):
        section = reader.section_at("predictor", table, PREDICTOR)
    section.read_all(PREDICTOR)
    values: dict[str, Any] = section.values
    reduction: Any = weight.values["reduction"]
    hidden = next((n for n in ("norm", "bias") if section.values[n] not in ("none", False)), None)
    if reduction is None and hidden is not None:
        reader.findings.refuse(
            "says-nothing",
            section.where(hidden),
            f"{hidden} of a hidden layer, and no reduction",
            "reduction: n makes a hidden layer of channels / n",
        )
    return Predictor(reduction, values["bias"], values["norm"], values["act"])


def _read_frame(reader: _Reader) -> Frame:
    section = reader.open("frame", FRAME)
    section.read_all(FRAME)
    values: dict[str, Any] = section.values
    return Frame(**values)


def _read_bias(reader: _Reader) -> str | bool:
    node = reader.sections.get("bias")
    if node is None:
        return True
    closure = force(Closure(node, reader.env), reader.findings)
    value = closure.node.value if isinstance(closure.node, ScalarNode) else None
    if is_none(closure.node):
        return False
    if isinstance(value, bool) or value in ("channels", "positions", "both"):
        return value
    field_ = Field("bias", "value", "")
    raise refuse(field_, closure, "true, false, channels, positions or both", reader.findings)


def _bias(written: str | bool, space: Space, channels: str, weight: Weight, frame: Frame) -> Any:
    """`true` is the usual bias of such an operator: none where an output projection follows that
    brings its own, one per position where positions are mixed and channels are not."""
    if written is False:
        return "none"
    if isinstance(written, str):
        return written
    if frame.output:
        return "none"
    if weight.source == "static" and space.connect == "full":
        return {"separate": "positions", "full": "both"}.get(channels, "channels")
    return "channels"


def _read_rank(reader: _Reader) -> Ranked:
    space, channel = reader.opened["space"], reader.opened["channel"]
    on_space, on_channel = space.written.get("rank"), channel.written.get("rank")
    if on_space is None and on_channel is None:
        return no_rank()
    return read_rank(reader.section_at, on_space, on_channel, reader.findings)


def _read_channel(reader: _Reader) -> Any:
    section = reader.open("channel", CHANNEL)
    section.read_all(CHANNEL, but=("rank",))
    return read_channel(
        section.values, section.written, section.where, reader.width, reader.findings
    )


_PARTS: Mapping[str, Callable[[_Reader], Any]] = {
    "space": _read_space,
    "channel": _read_channel,
    "weight": _read_weight,
    "frame": _read_frame,
    "border": _read_border,
    "bias": _read_bias,
    "rank": _read_rank,
}

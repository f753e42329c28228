"""A property section of an operator file while it is read: what is written, values, places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relgraph.errors import Place
from relgraph.resolve.arguments import Arguments, default_value, is_null
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.scope import Closure, Env, force
from relgraph.resolve.table import check_keys
from relgraph.resolve.values import Value, is_none, read, show
from relgraph.spec.field import Field
from relgraph.spec.nodes import MapNode, Node


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

    def shown(self, name: str) -> str:
        """The written value of a field as text."""
        return show(self._node(name))

    def is_nothing(self, name: str) -> bool:
        """Whether a written field says `none`: that it is not there."""
        return is_none(self._node(name))

    def _node(self, name: str) -> Node:
        closure = self.written[name]
        try:
            return force(closure, self.findings).node
        except RefusedError:
            return closure.node


def open_section(
    name: str,
    sections: Mapping[str, Node],
    env: Env,
    fields: tuple[Field, ...],
    missing: Place,
    findings: Findings,
) -> Section:
    """The section `name` with its keys checked; an empty one at `missing` where it is not written.

    Raises RefusedError where it is no map.
    """
    node = sections.get(name)
    if node is None:
        return Section(name, {}, missing, findings)
    return section_at(name, force(Closure(node, env), findings), fields, findings)


def section_at(
    name: str, closure: Closure, fields: tuple[Field, ...], findings: Findings
) -> Section:
    """A section from the map at `closure`. Raises RefusedError where it is no map."""
    node = closure.node
    if not isinstance(node, MapNode):
        raise findings.refuse(
            "bad-value", closure.place, f"{name} is {show(node)}", "expected a map {key: value}"
        )
    known = check_keys(node, fields, name, findings)
    legal = {field.name for field in fields}
    written = {
        str(key.value): Closure(value, closure.env)
        for key, value in node.entries
        if key.value in legal and not is_null(value)
    }
    key = next((k for k, _ in node.entries), None)
    place = key.place if key else closure.place
    return Section(name, written, place, findings, known=known)

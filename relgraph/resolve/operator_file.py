"""An operator spec as read from its file: params, and either properties or a body.

In: a path. Out: frozen nodes, checked in shape: legal keys, properties or a body but not both, no
`$name` that is not a parameter, no name that the language owns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from relgraph.errors import Place
from relgraph.resolve.findings import Findings
from relgraph.resolve.library import Library, top_map
from relgraph.resolve.names import check_new_word
from relgraph.resolve.scope import reference, variable_hint
from relgraph.resolve.table import check_keys
from relgraph.spec.document import Document
from relgraph.spec.keys import OPERATOR
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode

PROPERTIES = ("space", "channel", "weight", "bias", "frame")

# What was made of documents without a word: most uses are of shipped operators, read over and over.
_sound: WeakKeyDictionary[Document, OperatorFile] = WeakKeyDictionary()


@dataclass(frozen=True)
class OperatorFile:
    """`properties` maps the written sections to their nodes; it is empty where `body` stands.

    `broken` tells that the file's own shape was refused, so that a use is not what was meant."""

    name: str
    cite: str
    path: Path
    place: Place
    params: tuple[tuple[str, Node], ...]
    properties: tuple[tuple[str, Node], ...]
    body: Node | None
    wants_width: bool
    broken: bool = False

    @property
    def main(self) -> str | None:
        """The parameter that `name: value` fills."""
        return self.params[0][0] if self.params else None


def read_operator(path: Path, library: Library, findings: Findings) -> OperatorFile:
    """Read the operator file at `path`.

    Raises RelgraphError where it is no YAML map, RefusedError where its name is unusable.
    """
    document = library.read(path)
    known = _sound.get(document)
    if known is not None:
        return known
    told = len(findings.problems)
    file = _read(top_map(document), path, findings)
    if len(findings.problems) == told:
        _sound[document] = file
    return file


def _read(root: MapNode, path: Path, findings: Findings) -> OperatorFile:
    told = len(findings.errors())
    check_keys(root, OPERATOR, "an operator file", findings)
    name, place = _name(root, path, findings)
    params = _params(root, findings)
    body = root.get("body")
    properties = tuple(
        (str(key.value), value) for key, value in root.entries if key.value in PROPERTIES
    )
    _body_or_properties(root, body, findings)
    mentioned = {found for found, _ in references(root)}
    with findings.leaving_sizes():  # the item that says it is refused, and its sizes unknown
        _check_references(root, params, mentioned, body is None, findings)
    cite = root.get("cite")
    return OperatorFile(
        name,
        _text(cite),
        path,
        place,
        tuple(params.items()),
        properties if body is None else (),
        body,
        body is None or "channels" in mentioned,
        len(findings.errors()) > told,
    )


def _name(root: MapNode, path: Path, findings: Findings) -> tuple[str, Place]:
    node = root.get("operator")
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        place = node.place if node is not None else root.place
        raise findings.refuse("no-operator", place, "no operator's name", "expected operator: name")
    check_new_word(node.value, "operator", node.place, findings)
    return node.value, node.place


def _text(node: Node | None) -> str:
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        return " ".join(node.value.split())
    return ""


def _params(root: MapNode, findings: Findings) -> dict[str, Node]:
    node = root.get("params")
    if not isinstance(node, MapNode):
        return {}
    return checked_params(node, findings)


def checked_params(node: MapNode, findings: Findings) -> dict[str, Node]:
    """Parameters with their defaults; unusable names are reported and left out."""
    params: dict[str, Node] = {}
    for key, value in node.entries:
        if is_parameter_name(key.value):
            params[str(key.value)] = value
        else:
            found = f"the parameter {key.value}"
            findings.refuse(
                "bad-name", key.place, found, "expected lower-case letters, digits and _"
            )
    return params


def is_parameter_name(name: object) -> bool:
    """Whether `$name` can refer to it; `in` and `label` are the language's."""
    legal = isinstance(name, str) and name.isidentifier() and name.isascii()
    return legal and str(name).islower() and name not in ("in", "label")


def _body_or_properties(root: MapNode, body: Node | None, findings: Findings) -> None:
    both = next((key for key, _ in root.entries if key.value in PROPERTIES), None)
    body_key = root.key("body")
    if body is not None and both is not None and body_key is not None:
        findings.refuse(
            "body-and-properties",
            body_key.place,
            f"a body beside {both.value}",
            "expected either properties (space, channel, weight, bias, frame) or a body",
            related=(both.place,),
        )
    if body is None and root.get("space") is None and root.get("channel") is None:
        findings.refuse(
            "empty-operator",
            root.place,
            "neither space nor channel nor a body",
            "expected one of them",
        )


def references(node: Node) -> Iterator[tuple[str, Place]]:
    """Every `$name` below `node`, with its place."""
    name = reference(node)
    if name is not None:
        yield name, node.place
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from references(item)
    elif isinstance(node, MapNode):
        for _, value in node.entries:
            yield from references(value)


def _check_references(
    root: MapNode,
    params: dict[str, Node],
    mentioned: set[str],
    is_properties: bool,
    findings: Findings,
) -> None:
    known = {"in", "channels", *params}
    for name, place in references(root):
        if name not in known:
            findings.refuse(
                "unknown-variable",
                place,
                f"${name} is no parameter of this operator",
                hint=variable_hint(name, known),
            )
    for name, default in params.items():
        # The width is a property of every use; as a parameter it only gets a place and a default.
        if name not in mentioned and not (name == "channels" and is_properties):
            findings.warn("unused-parameter", default.place, f"nothing reads the parameter {name}")

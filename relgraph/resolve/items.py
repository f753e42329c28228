"""From a node of a body to an item: its word, the arguments as written, its label.

Syntax only (`word`, `word: value`, `word: {field: value}`, `label:`); what the word is and which
fields it has is decided by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.errors import Place
from relgraph.resolve.findings import Findings
from relgraph.resolve.names import check_name
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode


@dataclass(frozen=True)
class Item:
    """`word` as written; `value` None where the word stands alone."""

    word: str
    place: Place
    value: Node | None = None
    label: str | None = None


def parse_item(node: Node, findings: Findings) -> Item:
    """The item that `node` writes. Raises RefusedError; nested lists are the caller's."""
    if isinstance(node, ScalarNode):
        return _bare(node, findings)
    assert isinstance(node, MapNode), "a nested list is a body, not an item"
    label = _label(node, findings)
    words = [(key, value) for key, value in node.entries if key.value != "label"]
    if len(words) != 1:
        raise _not_one_word(node, words, findings)
    key, value = words[0]
    if not isinstance(key.value, str):
        raise findings.refuse("bad-item", key.place, f"found {key.value!r}", "expected a word")
    if isinstance(value, ScalarNode) and value.value is None and not value.quoted:
        raise findings.refuse(
            "null-value",
            key.place,
            f"nothing stands after {key.value}:",
            "expected a value",
            f"write `{key.value}` alone where it takes none",
        )
    return Item(key.value, key.place, value, label)


def _bare(node: ScalarNode, findings: Findings) -> Item:
    if node.value is None and not node.quoted:
        raise findings.refuse(
            "null-item", node.place, "an empty item", "expected a word", "write [] for the identity"
        )
    if not isinstance(node.value, str):
        shown = str(node.value).lower() if isinstance(node.value, bool) else node.value
        raise findings.refuse("bad-item", node.place, f"found {shown}", "expected a word")
    return Item(node.value, node.place)


def _label(node: MapNode, findings: Findings) -> str | None:
    written = node.get("label")
    if written is None:
        return None
    if not isinstance(written, ScalarNode) or not isinstance(written.value, str):
        raise findings.refuse("bad-label", written.place, "not a name", "expected a name")
    check_name(written.value, "label", written.place, findings)
    return written.value


def _not_one_word(
    node: MapNode, words: list[tuple[ScalarNode, Node]], findings: Findings
) -> Exception:
    if not words:
        return findings.refuse(
            "bad-item", node.place, "an item without a word", "expected one word"
        )
    names = ", ".join(str(key.value) for key, _ in words)
    return findings.refuse(
        "two-words",
        words[1][0].place,
        f"one item with the words {names}",
        "expected one word for each item (and a label)",
        _apart_or_inside(*words[:2]),
        related=(words[0][0].place,),
    )


def _apart_or_inside(first: tuple[ScalarNode, Node], second: tuple[ScalarNode, Node]) -> str:
    word, field = first[0].value, second[0].value
    value = first[1]
    if isinstance(value, ScalarNode) and value.value is None and not value.quoted:
        return f"indent {field} deeper than {word}, or start a new item"
    return f"start a new item, or put it among the fields: {word}: {{…, {field}: …}}"


def body_nodes(node: Node) -> tuple[Node, ...]:
    """The items of a body as written: a list's, or the one item that stands for it."""
    return node.items if isinstance(node, ListNode) else (node,)

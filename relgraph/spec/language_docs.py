"""The tables of docs/specs.md, made from the language's own tables.

In: the text of the page. Out: the same text with every block between `<!-- begin: NAME -->` and
`<!-- end: NAME -->` written anew. The prose between the blocks is written by hand. A test holds
the page to be fresh and runs every example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from relgraph.shipped import shipped
from relgraph.spec import keys, properties, rank_properties
from relgraph.spec.document import load
from relgraph.spec.field import Field, Kind, Word
from relgraph.spec.inits import RULES
from relgraph.spec.nodes import MapNode, Node, ScalarNode
from relgraph.spec.not_yet import NOT_YET
from relgraph.spec.words import ACTIVATIONS, NORMS, OTHER, POOLING, STRUCTURE, TOKENS

BLOCK = re.compile(r"<!-- begin: ([a-z_]+) -->\n.*?<!-- end: \1 -->", re.DOTALL)
SECTIONS: dict[str, tuple[Field, ...]] = {
    "backbone": keys.BACKBONE,
    "input": keys.INPUT,
    "drop_path": keys.DROP_PATH,
    "init": RULES,
    "stage": keys.STAGE,
    "definition": keys.DEFINITION,
    "operator": keys.OPERATOR,
    "space": properties.SPACE,
    "space_rank": rank_properties.SPACE_RANK,
    "channel": properties.CHANNEL,
    "channel_rank": rank_properties.CHANNEL_RANK,
    "weight": properties.WEIGHT,
    "predictor": properties.PREDICTOR,
    "frame": properties.FRAME,
    "width": rank_properties.WIDTH,
}
WORD_GROUPS: dict[str, tuple[Word, ...]] = {
    "structure_words": STRUCTURE,
    "norms": NORMS,
    "activations": ACTIVATIONS,
    "pooling": POOLING,
    "tokens": TOKENS,
    "others": OTHER,
}
TYPES: dict[Kind, str] = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "text": "text",
    "name": "name",
    "size": "n or [rows, columns]",
    "width": "width",
    "padding": "`half`, `same_tf`, n or [rows, columns]",
    "shift": "`half`, n or [rows, columns]",
    "body": "body",
    "bodies": "list of bodies",
    "sizes": "list of sizes",
    "table": "map",
    "value": "see the text",
    "init": "start",
    "alone": "the word alone",
}
# What an example writes where a field has no default that could be written.
SAMPLES: dict[Kind, str] = {
    "integer": "4",
    "number": "0.1",
    "size": "3",
    "width": "$channels",
    "body": "[pointwise]",
    "bodies": "[[], [conv: 3]]",
    "sizes": "[rest, 0.5]",
    "init": "{normal: 0.01}",
}


def refreshed(page: str) -> str:
    """The page with its generated blocks written anew. Raises KeyError for an unknown block."""
    return BLOCK.sub(lambda match: _block(match.group(1)), page)


def _block(name: str) -> str:
    return f"<!-- begin: {name} -->\n{_content(name)}<!-- end: {name} -->"


def _content(name: str) -> str:
    if name == "operators":
        return _operators()
    if name == "not_yet":
        return _not_yet()
    if name in WORD_GROUPS:
        return "".join(_word(word) for word in WORD_GROUPS[name])
    return _table(SECTIONS[name], [f"`{field.example}`" for field in SECTIONS[name]])


def _not_yet() -> str:
    rows = (f"| `{row.written}` | {row.meaning} | {row.instead} |" for row in NOT_YET)
    return "\n".join(
        ["| written | what it would mean | what there is |", "|---|---|---|", *rows, ""]
    )


def _table(fields: Iterable[Field], examples: Iterable[str]) -> str:
    lines = ["| key | type | default | meaning | example |", "|---|---|---|---|---|"]
    for field, example in zip(fields, examples, strict=True):
        cells = (f"`{field.name}`", _type(field), _default(field), _meaning(field), example)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _meaning(field: Field) -> str:
    if field.only is None:
        return field.meaning
    other, value = field.only
    return f"{field.meaning}; only with `{other}: {value}`"


def _type(field: Field) -> str:
    if field.kind == "choice":
        kind = ", ".join(f"`{choice}`" for choice in field.choices)
    else:
        kind = TYPES[field.kind]
    bounds = []
    if field.minimum is not None:
        bounds.append(f"≥ {field.minimum:g}")
    if field.maximum is not None:
        bounds.append(f"≤ {int(field.maximum):,}")
    if field.below is not None:
        bounds.append(f"< {field.below:g}")
    return kind + (f", {', '.join(bounds)}" if bounds else "") + (", `none`" if field.none else "")


def _default(field: Field) -> str:
    if field.kind == "alone":
        return ""
    if field.required:
        return "required"
    if field.same_as:
        return f"as `{field.same_as}`"
    return "not there" if field.default is None else f"`{_text(field.default)}`"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _word(word: Word) -> str:
    main = f" (main field: `{word.main}`)" if word.main else ""
    head = f"**`{word.name}`**{main}: {word.meaning} Example: `{word.example}`\n\n"
    if not word.fields:
        return head
    return head + _table(word.fields, [f"`{field_example(word, f)}`" for f in word.fields]) + "\n"


def field_example(word: Word, field: Field) -> str:
    """An item that writes this field, and the required ones beside it."""
    if word.name in ("tap", "from"):
        return word.example  # one is nothing without the other
    written = [f"{one.name}: {_sample(one)}" for one in word.fields if one.required or one is field]
    if field.only is not None:
        written.insert(0, ": ".join(field.only))
    return f"{word.name}: {{{', '.join(written)}}}"


def _sample(field: Field) -> str:
    if field.choices:
        return field.choices[-1]
    if field.default is None or field.required:
        return SAMPLES[field.kind]
    return _text(field.default)


def _operators() -> str:
    """The shipped operators with their parameters, the main one first."""
    lines = ["| operator | parameters and defaults | source |", "|---|---|---|"]
    for name, path in shipped("operators").items():
        root = load(path).root
        assert isinstance(root, MapNode), "a shipped operator is a map"
        params = root.get("params")
        listed = params.entries if isinstance(params, MapNode) else ()
        shown = ", ".join(f"{key.value}: {_yaml(value)}" for key, value in listed)
        cite = root.get("cite")
        source = str(cite.value) if isinstance(cite, ScalarNode) else ""
        lines.append(f"| `{name}` | `{shown}` | {' '.join(source.split())} |")
    return "\n".join(lines) + "\n"


def _yaml(node: Node) -> str:
    """A node in YAML's flow form."""
    if isinstance(node, ScalarNode):
        return _text(node.value)
    if isinstance(node, MapNode):
        return "{" + ", ".join(f"{key.value}: {_yaml(value)}" for key, value in node.entries) + "}"
    return "[" + ", ".join(_yaml(item) for item in node.items) + "]"

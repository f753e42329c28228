"""Stage rows: merged along the chain, split into the row's own keys and stage variables.

In: the `stages` of every file of a chain. Out: one row per stage, whose values remember the file
that wrote them. A list of rows replaces; a map patches columns of the inherited rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relgraph.errors import Place, counted
from relgraph.resolve.arguments import is_null, nothing_behind
from relgraph.resolve.findings import Findings
from relgraph.resolve.operator_file import is_parameter_name
from relgraph.resolve.scope import Home
from relgraph.spec.field import named
from relgraph.spec.keys import STAGE
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode

MAX_STAGES = 64
Written = tuple[Node, Home]
ROW_KEYS = named(STAGE)


@dataclass
class Row:
    """One stage: its own keys and its variables, each with the file that wrote the value."""

    place: Place
    keys: dict[str, tuple[Node, Home]] = field(default_factory=dict)
    variables: dict[str, tuple[Node, Home]] = field(default_factory=dict)
    written: dict[str, ScalarNode] = field(default_factory=dict)

    def put(self, key: ScalarNode, value: Node, home: Home) -> None:
        """Set one key or variable; a row that says `block` drops an inherited `cycle`."""
        name = str(key.value)
        target = self.keys if name in ROW_KEYS else self.variables
        target[name] = (value, home)
        self.written[name] = key
        if name in ("block", "cycle"):
            other = "cycle" if name == "block" else "block"
            inherited = self.keys.get(other)
            if inherited is not None and inherited[1].level < home.level:
                del self.keys[other]


def merged_rows(rows: list[Row], stages: Node, home: Home, findings: Findings) -> list[Row]:
    """The rows after one more file of the chain. Raises RefusedError where nothing is readable."""
    if isinstance(stages, ListNode):
        return _listed(stages, home, findings)
    if isinstance(stages, MapNode):
        return _patched(rows, stages, home, findings)
    raise findings.refuse(
        "bad-value",
        stages.place,
        "stages is no list",
        "expected a list of rows, or a map that patches",
    )


def _listed(stages: ListNode, home: Home, findings: Findings) -> list[Row]:
    if not 1 <= len(stages.items) <= MAX_STAGES:
        raise findings.refuse(
            "bad-value",
            stages.place,
            f"{len(stages.items)} stages",
            f"expected at least one row, at most {MAX_STAGES}",
        )
    return [_row(item, home, findings) for item in stages.items]


def _row(node: Node, home: Home, findings: Findings) -> Row:
    row = Row(node.place)
    if not isinstance(node, MapNode):
        raise findings.refuse(
            "bad-value", node.place, "a stage that is no map", "expected {depth: n, channels: n, …}"
        )
    for key, value in node.entries:
        if _usable(key, value, findings):
            row.put(key, value, home)
    return row


def _usable(key: ScalarNode, value: Node, findings: Findings) -> bool:
    if is_null(value):
        nothing_behind(key, findings)
        return False
    if not is_parameter_name(key.value):
        found = f"the stage variable {key.value}"
        findings.refuse("bad-name", key.place, found, "expected lower-case letters, digits and _")
        return False
    return True


def _patched(rows: list[Row], patch: MapNode, home: Home, findings: Findings) -> list[Row]:
    if not rows:
        raise findings.refuse(
            "nothing-to-patch",
            patch.place,
            "a map of columns, and no inherited rows",
            "expected a list of rows",
            "stages: [{depth: 2, channels: 64}, …]",
        )
    for key, value in patch.entries:
        if not _usable(key, value, findings):
            continue
        column = value.items if isinstance(value, ListNode) else (value,) * len(rows)
        if len(column) != len(rows):
            findings.refuse(
                "column-length",
                value.place,
                f"{counted(len(column), 'value')} of {key.value}",
                f"expected one for each of the {len(rows)} stages, or a single value for all",
            )
            continue
        for row, entry in zip(rows, column, strict=True):
            row.put(key, entry, home)
    return rows


def variables_of(row: Row, params: Mapping[str, tuple[Node, Home]]) -> dict[str, tuple[Node, Home]]:
    """What `$name`s mean in this stage: its own variables, then the params."""
    return {**params, **row.variables}


def turns_of(row: Row, above: Mapping[str, tuple[Node, Home]], findings: Findings) -> list[Written]:
    """The bodies that a stage's blocks take in turn: `block` alone, or each of `cycle`; the row's
    own keys, else the file's."""
    keys: Mapping[str, Written] = row.keys
    if "block" in keys and "cycle" in keys:
        findings.refuse(
            "block-and-cycle",
            row.written["cycle"].place,
            "cycle beside block",
            "expected one of them",
            related=(row.written["block"].place,),
        )
    if "block" not in keys and "cycle" not in keys:
        keys = above
    if "block" in keys:
        return [keys["block"]]
    if "cycle" not in keys:
        return []
    node, home = keys["cycle"]
    if not isinstance(node, ListNode) or not node.items:
        findings.refuse("bad-value", node.place, "cycle is no list", "expected [body, …]")
        return []
    return [(item, home) for item in node.items]

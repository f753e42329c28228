"""The values of a backbone file that belong to no stage: name, input, classes, drop path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

from relgraph.algebra.starts import Start
from relgraph.errors import Place
from relgraph.resolve.arguments import is_null
from relgraph.resolve.chain import Merged, Written
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.names import check_builder
from relgraph.resolve.scope import Closure, Env, Section, reference
from relgraph.resolve.table import check_keys
from relgraph.resolve.values import Value, read
from relgraph.spec.field import Field, named
from relgraph.spec.keys import BACKBONE, DROP_PATH, INPUT
from relgraph.spec.nodes import MapNode, ScalarNode

Size = tuple[int, int]
Schedule = Literal["linear", "constant"]
KEYS, INPUTS, RATES = named(BACKBONE), named(INPUT), named(DROP_PATH)


@dataclass(frozen=True)
class TopValues:
    """What the file says of the whole model; a refused value is None (or its default)."""

    name: str
    place: Place
    cite: str
    size: Size | None
    in_chans: int | None
    classes: int
    drop_path: float
    schedule: Schedule
    init: Start


def read_top(merged: Merged, findings: Findings) -> TopValues:
    """The values of the top file and its parents; mistakes go into the findings."""
    missing = merged.root.place
    with findings.leaving_sizes():
        name, place = _name(merged, missing, findings)
    size = read_literal(INPUTS["size"], merged.input.get("size"), missing, findings)
    channels = read_literal(INPUTS["channels"], merged.input.get("channels"), missing, findings)
    with findings.leaving_sizes():
        classes = read_literal(KEYS["classes"], merged.keys.get("classes"), missing, findings)
        rate, schedule = _drop_path(merged, findings)
        init = _init(merged, findings)
    return TopValues(
        name=name,
        place=place,
        cite=_cite(merged),
        size=cast("Size | None", size),
        in_chans=cast("int | None", channels),
        classes=classes if isinstance(classes, int) else 1,
        drop_path=rate,
        schedule=schedule,
        init=init,
    )


def read_literal(
    field: Field, written: Written | None, missing: Place, findings: Findings
) -> Value:
    """A value outside all bodies, where no `$name` means anything. None where it is refused."""
    if written is None and field.required:
        findings.refuse("missing-key", missing, f"{field.name} is missing", field.meaning)
        return None
    if written is None:
        return field.default if isinstance(field.default, int | float | str) else None
    node, home = written
    if is_null(node):
        return None  # reported with the file's other keys
    if (name := reference(node)) is not None:
        found = f"${name} outside all bodies"
        findings.refuse("unknown-variable", node.place, found, "expected a value")
        return None
    nowhere = Env(home, Section("", None, None, {}), None, {})
    try:
        return read(field, Closure(node, nowhere), findings)
    except RefusedError:
        return None


def _name(merged: Merged, missing: Place, findings: Findings) -> tuple[str, Place]:
    written = merged.keys.get("backbone")
    node = written[0] if written else None
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return "", missing  # a missing or mistyped key is reported with the file's other keys
    try:
        check_builder(node.value, node.place, findings)
    except RefusedError:
        return "", node.place
    return node.value, node.place


def _cite(merged: Merged) -> str:
    written = merged.keys.get("cite")
    node = written[0] if written else None
    value = node.value if isinstance(node, ScalarNode) else None
    return " ".join(value.split()) if isinstance(value, str) else ""


def _drop_path(merged: Merged, findings: Findings) -> tuple[float, Schedule]:
    written = merged.keys.get("drop_path")
    if written is None:
        return 0.0, "linear"
    node, home = written
    if not isinstance(node, MapNode):
        alone = replace(RATES["rate"], name="drop_path")
        return _rate(read_literal(alone, written, node.place, findings)), "linear"
    check_keys(node, DROP_PATH, "drop_path", findings)
    entries = {str(key.value): (value, home) for key, value in node.entries}
    rate = read_literal(RATES["rate"], entries.get("rate"), node.place, findings)
    schedule = read_literal(RATES["schedule"], entries.get("schedule"), node.place, findings)
    return _rate(rate), cast("Schedule", schedule or "linear")


def _init(merged: Merged, findings: Findings) -> Start:
    written = merged.keys.get("init")
    rule = read_literal(KEYS["init"], written, merged.root.place, findings)
    if rule == "zeros" and written is not None:
        findings.refuse(
            "init-nothing-learns",
            written[0].place,
            "init: zeros for every linear layer",
            "expected a rule that lets a signal through",
            "write it on the last layer of a branch: pointwise: {init: zeros}",
        )
    return cast("Start | None", rule) or "default"


def _rate(value: Value) -> float:
    return value if isinstance(value, float) else 0.0

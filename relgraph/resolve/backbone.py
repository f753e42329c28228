"""From a chain of backbone files to one resolved backbone.

The stages of the work in order: merge the files, walk stem, stages and head with the width
threaded through, then the checks that need all of it: edits that hit nothing, variables that
nothing reads, defaults of words that do not exist.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal, cast

from relgraph.errors import Place, nearest
from relgraph.resolve.bodies import build_body
from relgraph.resolve.chain import Merged, Written
from relgraph.resolve.context import Built, Context, Spot
from relgraph.resolve.edits import Hit, check_hits
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.library import Library
from relgraph.resolve.scope import Closure, Env, Home, Section, Width
from relgraph.resolve.stages import Row, variables_of
from relgraph.resolve.table import check_keys
from relgraph.resolve.values import Value, is_none, read
from relgraph.resolved import Backbone, Body, Stage
from relgraph.spec.field import Field
from relgraph.spec.keys import BACKBONE, DROP_PATH, INPUT, STAGE, named
from relgraph.spec.nodes import ListNode, MapNode, Node, ScalarNode

KEYS, ROW, INPUTS, RATES = named(BACKBONE), named(STAGE), named(INPUT), named(DROP_PATH)
Size = tuple[int, int]


@dataclass
class _Walk:
    """The walk over one merged chain."""

    merged: Merged
    context: Context
    home: Home

    def backbone(self) -> Backbone | None:
        """The resolved backbone; None where a problem leaves no value to make."""
        size = cast("Size | None", self._input("size"))
        in_chans = cast("int | None", self._input("channels"))
        channels = [self._row_number(row, "channels") for row in self.merged.rows]
        first = channels[0] if channels else None
        stem = self._section("stem", "stem", Section("stem", first, None, self._params()), in_chans)
        width = stem.width
        stages: list[Stage] = []
        for number, row in enumerate(self.merged.rows):
            stage, width = self._stage(number, row, channels[number], width)
            stages.append(stage)
        last = channels[-1] if channels else None
        head = self._section("head", "head", Section("head", last, None, self._params()), width)
        rate, schedule = self._drop_path()
        name, place = self._name()
        if self.context.findings.failed or in_chans is None:
            return None
        return Backbone(
            name=name,
            cite=self._cite(),
            size=size,
            in_chans=in_chans,
            classes=self.context.classes,
            stem=stem.nodes,
            stages=tuple(stages),
            head=head.nodes,
            drop_path=rate,
            schedule=schedule,
            place=place,
        )

    def classes(self) -> int:
        """The number of classes."""
        assert self.merged.root is not None
        classes = self._read(
            KEYS["classes"], self.merged.keys.get("classes"), self.merged.root.place
        )
        return classes if isinstance(classes, int) else 1

    def _params(self) -> dict[str, Written]:
        return dict(self.merged.params)

    def _stage(
        self, number: int, row: Row, channels: int | None, width: Width
    ) -> tuple[Stage, Width]:
        stride = self._row_number(row, "stride")
        depth = self._row_number(row, "depth")
        name = f"stage{number + 1}"
        variables = variables_of(row, self.merged.params)
        section = Section(name, channels, stride, variables)
        downsample = Built((), width)
        if number > 0 or "downsample" in row.keys:
            downsample = self._section("downsample", name, section, width, row)
        blocks, width = self._blocks(row, section, depth or 1, downsample.width)
        after = self._section("after", name, replace(section, stride=1), width, row)
        end = after.width
        return Stage(end or channels or 0, blocks, downsample.nodes, after.nodes), end

    def _blocks(
        self, row: Row, section: Section, depth: int, width: Width
    ) -> tuple[tuple[Body, ...], Width]:
        first = self._written("first", row)
        if first is not None and is_none(first[0]):
            first = None
        turns = self._turns(row)
        made = _Memory(self.context)
        blocks: list[Body] = []
        for index in range(depth):
            here = replace(section, stride=section.stride if index == 0 else 1)
            taken, place = first, "first"
            if index > 0 or first is None:
                at = index - (first is not None)
                taken, place = (turns[at % len(turns)] if turns else None), ""
            if taken is None:
                self._no_block(row)
                return (), None
            block = made.get(
                (place, id(taken[0]), here.stride, width),
                lambda t=taken, h=here, w=width, p=place: self._body(t, h, w, p),
            )
            blocks.append(block.nodes)
            width = block.width
        return tuple(blocks), width

    def _no_block(self, row: Row) -> None:
        self.context.findings.refuse(
            "no-block", row.place, "a stage without blocks", "`block` or `cycle`, here or above"
        )

    def _turns(self, row: Row) -> list[Written]:
        """The bodies that blocks take in turn: `block` alone, or each of `cycle`."""
        block, cycle = row.keys.get("block"), row.keys.get("cycle")
        if block is not None and cycle is not None:
            self.context.findings.refuse(
                "block-and-cycle",
                cycle[0].place,
                "cycle beside block",
                "one of them",
                related=(block[0].place,),
            )
        if block is None and cycle is None:
            block, cycle = self.merged.keys.get("block"), self.merged.keys.get("cycle")
        if block is not None:
            return [block]
        if cycle is None:
            return []
        node, home = cycle
        if not isinstance(node, ListNode) or not node.items:
            self.context.findings.refuse("bad-value", node.place, "cycle is no list", "[body, …]")
            return []
        return [(item, home) for item in node.items]

    def _written(self, key: str, row: Row | None) -> Written | None:
        if row is not None and key in row.keys:
            return row.keys[key]
        return self.merged.keys.get(key)

    def _section(
        self, key: str, stage: str, section: Section, width: Width, row: Row | None = None
    ) -> Built:
        written = self._written(key, row)
        if written is None or is_none(written[0]):
            return Built((), width)
        return self._body(written, section, width, key if key != stage else "")

    def _body(self, written: Written, section: Section, width: Width, place: str) -> Built:
        node, home = written
        here = replace(section, width=width)
        spot = Spot().inside(section.name)
        if place:
            spot = spot.inside(place)
        try:
            return build_body(Closure(node, Env(home, here, width, {})), width, spot, self.context)
        except RefusedError:
            return Built((), None)

    def _row_number(self, row: Row, key: str) -> int | None:
        value = self._read(ROW[key], row.keys.get(key), row.place)
        return value if isinstance(value, int) else None

    def _input(self, key: str) -> Value:
        field = INPUTS[key]
        root = self.merged.root
        assert root is not None
        return self._read(field, self.merged.input.get(key), root.place)

    def _read(self, field: Field, written: Written | None, missing: Place) -> Value:
        """A value that belongs to no stage: literals only."""
        findings = self.context.findings
        if written is None and field.required:
            findings.refuse("missing-key", missing, f"{field.name} is missing", field.meaning)
            return None
        if written is None:
            return field.default if isinstance(field.default, int | float | str) else None
        node, home = written
        try:
            return read(field, self._closure(node, home), findings)
        except RefusedError:
            return None

    def _closure(self, node: Node, home: Home) -> Closure:
        return Closure(node, Env(home, Section("", None, None, self.merged.params), None, {}))

    def _drop_path(self) -> tuple[float, Literal["linear", "constant"]]:
        written = self.merged.keys.get("drop_path")
        if written is None:
            return 0.0, "linear"
        node, home = written
        root = node.place
        if not isinstance(node, MapNode):
            rate = self._read(RATES["rate"], written, root)
            return cast("float", rate or 0.0), "linear"
        entries = {str(key.value): (value, home) for key, value in node.entries}
        check_keys(node, DROP_PATH, "drop_path", self.context.findings)
        rate = self._read(RATES["rate"], entries.get("rate"), root)
        schedule = self._read(RATES["schedule"], entries.get("schedule"), root)
        return cast("float", rate or 0.0), cast("Literal['linear', 'constant']", schedule)

    def _name(self) -> tuple[str, Place]:
        node, _ = self.merged.keys["backbone"]
        assert isinstance(node, ScalarNode)
        return str(node.value), node.place

    def _cite(self) -> str:
        written = self.merged.keys.get("cite")
        node = written[0] if written else None
        value = node.value if isinstance(node, ScalarNode) else ""
        return " ".join(value.split()) if isinstance(value, str) else ""


class _Memory:
    """Blocks already built in this stage: equal ones are built once, their hits counted again."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._built: dict[object, tuple[Built, Counter[int]]] = {}

    def get(self, key: object, build: object) -> Built:
        hits = self._context.findings.hits
        if key in self._built:
            built, again = self._built[key]
            hits.update(again)
            return built
        before = Counter(hits)
        built = build()  # type: ignore[operator]
        self._built[key] = (built, hits - before)
        return cast("Built", built)


def resolve_merged(
    merged: Merged, library: Library, findings: Findings
) -> tuple[Backbone | None, tuple[Hit, ...]]:
    """The resolved backbone of a merged chain, and what its own edits hit.

    None stands for a backbone that a reported problem leaves unmade.
    """
    root = merged.root
    assert root is not None, "a chain has at least one file"
    home = Home(merged.paths[-1], "backbone", merged.top, merged.definitions, merged.defaults)
    walk = _Walk(merged, Context(findings, library, tuple(merged.edits), merged.top), home)
    walk.context = replace(walk.context, classes=walk.classes())
    backbone = walk.backbone()
    hits = check_hits(merged.edits, merged.top, findings)
    _check_variables(merged, findings)
    return backbone, hits


def _check_variables(merged: Merged, findings: Findings) -> None:
    """A stage variable or param of the top file that nothing reads is a typing error."""
    for row in merged.rows:
        for name, (_, home) in row.variables.items():
            if home.level == merged.top and name not in findings.read:
                _unread(name, row.written[name].place, findings)
    for name, key in merged.own_params.items():
        if name not in findings.read:
            _unread(name, key.place, findings)


def _unread(name: str, place: Place, findings: Findings) -> None:
    findings.refuse(
        "unused-variable",
        place,
        f"nothing reads ${name}",
        "a key of stages, or a variable that some body reads",
        nearest(name, {*ROW, *findings.read}),
    )

"""From a merged chain of backbone files to one resolved backbone.

Stem, stages and head are walked in order with the width threaded through. A block that several
rows of a stage would build alike is built once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from relgraph.errors import Place
from relgraph.resolve.bodies import build_body
from relgraph.resolve.chain import Merged, Written
from relgraph.resolve.checks import check_defaults, check_definitions, check_variables
from relgraph.resolve.context import Built, Context, Spot
from relgraph.resolve.edits import Hit, check_hits
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.library import Library
from relgraph.resolve.scope import Closure, Env, Section, Width
from relgraph.resolve.stages import ROW_KEYS, Row, turns_of, variables_of
from relgraph.resolve.top_values import TopValues, read_literal, read_top
from relgraph.resolve.unreached import check_unreached
from relgraph.resolve.values import is_none
from relgraph.resolved import Backbone, Body, Stage, Unknown


def resolve_merged(
    merged: Merged, library: Library, findings: Findings
) -> tuple[Backbone | None, tuple[Hit, ...]]:
    """The resolved backbone of a merged chain, and what its own edits hit.

    With a reported problem the backbone holds `Unknown`s, or is None where what is left of it has
    no sizes that mean anything.
    """
    top = read_top(merged, findings)
    context = Context(findings, library, tuple(merged.edits), merged.top, top.classes)
    with findings.leaving_sizes():
        backbone = _backbone(merged, top, context)
    hits = check_hits(merged.edits, merged.top, findings)
    with findings.leaving_sizes():
        check_unreached(merged, context)
    check_definitions(merged, context)
    check_defaults(merged, context)
    check_variables(merged, findings)
    return backbone if findings.sized else None, hits


def _backbone(merged: Merged, top: TopValues, context: Context) -> Backbone | None:
    rows, params = merged.rows, dict(merged.params)
    channels = [_number(row, "channels", context) for row in rows]
    around = Section("stem", channels[0] if rows else None, None, params)
    stem = _section(merged.keys.get("stem"), "", around, top.in_chans, context)
    width = stem.width
    stages: list[Stage] = []
    for number, row in enumerate(rows):
        walk = _StageWalk(merged, row, context, _stage_section(number, row, merged, context))
        stage, width = walk.stage(number, width)
        stages.append(stage)
    around = Section("head", channels[-1] if rows else None, None, params)
    head = _section(merged.keys.get("head"), "", around, width, context)
    if top.in_chans is None:
        return None
    return Backbone(
        name=top.name,
        cite=top.cite,
        size=top.size,
        in_chans=top.in_chans,
        classes=top.classes,
        stem=stem.nodes,
        stages=tuple(stages),
        head=head.nodes,
        drop_path=top.drop_path,
        schedule=top.schedule,
        init=top.init,
        place=top.place,
    )


def _stage_section(number: int, row: Row, merged: Merged, context: Context) -> Section:
    return Section(
        f"stage{number + 1}",
        _number(row, "channels", context),
        _number(row, "stride", context),
        variables_of(row, merged.params),
    )


def _number(row: Row, key: str, context: Context) -> int | None:
    value = read_literal(ROW_KEYS[key], row.keys.get(key), row.place, context.findings)
    return value if isinstance(value, int) else None


def _section(
    written: Written | None, place: str, section: Section, width: Width, context: Context
) -> Built:
    """One section's body at its place in the model; nothing where none is written."""
    if written is None or is_none(written[0]):
        return Built((), width)
    node, home = written
    spot = Spot().inside(section.name)
    if place:
        spot = spot.inside(place)
    env = Env(home, replace(section, width=width), width, {})
    try:
        return build_body(Closure(node, env), width, spot, context)
    except RefusedError:
        return Built((Unknown(),), None)


@dataclass
class _StageWalk:
    """The walk over one stage."""

    merged: Merged
    row: Row
    context: Context
    section: Section
    built: dict[object, tuple[Built, Counter[int], int]] = field(default_factory=dict)

    def stage(self, number: int, width: Width) -> tuple[Stage, Width]:
        """The stage, and the width that leaves it."""
        downsample = Built((), width)
        if number > 0 or "downsample" in self.row.keys:
            downsample = self._named("downsample", self.section, width)
        blocks, width = self._blocks(downsample.width)
        after = self._named("after", replace(self.section, stride=1), width)
        end = after.width
        self._compare(end)
        return Stage(end or 0, blocks, downsample.nodes, after.nodes), end

    def _compare(self, end: Width) -> None:
        channels = self.section.channels
        if end is not None and channels is not None and end != channels:
            self.context.findings.warn(
                "stage-width",
                self.row.keys["channels"][0].place,
                f"the stage ends at {end} channels",
                f"its row says {channels}",
            )

    def _named(self, key: str, section: Section, width: Width) -> Built:
        written = self.row.keys.get(key) or self.merged.keys.get(key)
        return _section(written, key, section, width, self.context)

    def _blocks(self, width: Width) -> tuple[tuple[Body, ...], Width]:
        first = self.row.keys.get("first") or self.merged.keys.get("first")
        if first is not None and is_none(first[0]):
            first = None
        turns = turns_of(self.row, self.merged.keys, self.context.findings)
        depth = _number(self.row, "depth", self.context) or 1
        if not turns and (first is None or depth > 1):
            self._no_block()
            return ((Unknown(),),), None
        blocks: list[Body] = []
        with suppress(RefusedError):  # too many of them, which is told
            for index in range(depth):
                special = first if index == 0 else None
                written = special or turns[(index - (first is not None)) % len(turns)]
                block = self._block(written, "first" if special else "", index == 0, width)
                blocks.append(block.nodes)
                width = block.width
        return tuple(blocks), width

    def _block(self, written: Written, place: str, is_first: bool, width: Width) -> Built:
        stride = self.section.stride if is_first else 1
        section = replace(self.section, stride=stride)
        return self._once(
            (place, id(written[0]), stride, width),
            lambda: _section(written, place, section, width, self.context),
        )

    def _once(self, key: object, build: Callable[[], Built]) -> Built:
        """A block built before is taken again, and its edits' hits are counted again."""
        findings = self.context.findings
        if key in self.built:
            known, hits, items = self.built[key]
            findings.hits.update(hits)
            findings.count_again(items, self.row.place)
            return known
        before, items = Counter(findings.hits), findings.items
        made = build()
        self.built[key] = (made, findings.hits - before, findings.items - items)
        return made

    def _no_block(self) -> None:
        place: Place = self.row.place
        self.context.findings.refuse(
            "no-block", place, "a stage without blocks", "expected `block` or `cycle`"
        )

"""Ways to write new operators into a spec that extends the old one, the shortest first.

In: a site with the old and the new use of every context, and the text of the backbone. Out:
fragments of a spec: entries of `set`, `replace`, `define` and `stages`, and operator files beside
it. A fragment is a proposal: whether it means what it should is asked of the resolver afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from relgraph.derive.arguments import changed, shipped_use
from relgraph.derive.contexts import Context
from relgraph.derive.flow import Value
from relgraph.derive.own import Own, own_operators
from relgraph.derive.sites import Site, matches, names, uses
from relgraph.derive.source import Source, exchanged, item_values
from relgraph.resolved import OperatorUse
from relgraph.spec.nodes import ListNode, Node, ScalarNode, plain

Table = dict[str, Value]


@dataclass(frozen=True)
class Change:
    """A context, and the use that shall stand there."""

    place: Context
    after: OperatorUse

    @property
    def is_one(self) -> bool:
        """Whether anything changes."""
        return self.place.use != self.after


@dataclass(frozen=True)
class Fragment:
    """Entries of a spec by its keys, and operator files by name."""

    set: Table = field(default_factory=dict)
    replace: Table = field(default_factory=dict)
    define: Table = field(default_factory=dict)
    stages: Table = field(default_factory=dict)
    operators: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Writing:
    """What every way needs: the text, the site with its changes, and names for what is new."""

    source: Source
    site: Site
    changes: Sequence[Change]
    name: str
    cite: str

    @property
    def changed(self) -> list[Change]:
        """The changes that are some."""
        return [one for one in self.changes if one.is_one]

    def stages_of_address(self) -> set[int]:
        """The stages in which the address stands for something, asked for or not."""
        backbone = self.source.understood.resolution.backbone
        return {
            one.stage
            for one in uses(backbone)
            if matches(self.site.address, names(one.use), one.trail)
        }


def fragments(writing: Writing) -> Iterator[Fragment]:
    """Proposals in order: other arguments of the operator that stands there, a shipped operator,
    an operator file of its own; and the latter two inside the definition that the item is in."""
    settings = _settings(writing)
    if settings is not None:
        yield settings
    for named, files in _items(writing):
        items = _with_width(writing, _with_stride(named))
        items = {
            at: (word, _with_heads(writing, writing.changed[at], table))
            for at, (word, table) in items.items()
        }
        replaced = _replaced(writing, items)
        if replaced is not None:
            yield Fragment(replace=replaced, operators=files)
        redefined = _redefined(writing, items)
        if redefined is not None:
            yield Fragment(define=redefined[0], stages=redefined[1], operators=files)


Items = dict[int, tuple[str, Table]]
"""For each change (by its place in the list) the operator's word and its arguments."""


def _settings(writing: Writing) -> Fragment | None:
    path = writing.source.operator(writing.site.word)
    by_stage: dict[int, Table] = {}
    for one in writing.changed:
        arguments = changed(path, one.place.use, one.after)
        if arguments is None:
            return None
        arguments = _with_heads(writing, one, arguments)
        if by_stage.setdefault(one.place.stage, arguments) != arguments:
            return None
    entries = _entries(writing, {stage: ("", table) for stage, table in by_stage.items()})
    return Fragment(set={address: table for address, (_, table) in entries.items()})


def _items(writing: Writing) -> Iterator[tuple[Items, Mapping[str, str]]]:
    """The operators that could stand there, shipped ones first."""
    shipped: Items = {}
    for at, one in enumerate(writing.changed):
        use = shipped_use(one.after)
        if use is None:
            break
        shipped[at] = (use.word, dict(use.arguments))
    else:
        yield shipped, {}
    own = own_operators([one.after for one in writing.changed], _origin(writing))
    if own is not None:
        yield dict(enumerate(own.uses)), own.files


def _with_stride(items: Items) -> Items:
    """A stage's stride is its own in its first block and 1 after: the variable says both."""
    if not any("stride" in table for _, table in items.values()):
        return items
    return {at: (word, {**table, "stride": "$stride"}) for at, (word, table) in items.items()}


def _with_width(writing: Writing, items: Items) -> Items:
    """A width that is the stage's own in all of them follows it, also where --match changes it."""
    rows = writing.source.merged.rows
    asked = {at: table["channels"] for at, (_, table) in items.items() if "channels" in table}
    own = {at: plain(rows[writing.changed[at].place.stage].keys["channels"][0]) for at in asked}
    if not asked or asked != own:
        return items
    return {at: (word, {**table, "channels": "$channels"}) for at, (word, table) in items.items()}


def _with_heads(writing: Writing, one: Change, table: Mapping[str, Value]) -> Table:
    """A head for every channel, where they are as many as the stage has, follows its width."""
    operator, wide = one.after.operator, one.after.in_channels
    channels = plain(writing.source.merged.rows[one.place.stage].keys["channels"][0])
    untied = operator.channel.share == "none" and table.get("heads") == wide == channels
    return {**table, "heads": "$channels"} if untied else dict(table)


def _origin(writing: Writing) -> Own:
    return Own(writing.source, writing.site.word, writing.name, writing.cite)


def _replaced(writing: Writing, items: Items) -> Table | None:
    """Entries of `replace`; None where the blocks of one stage need different operators."""
    by_stage: dict[int, tuple[str, Table]] = {}
    for at, one in enumerate(writing.changed):
        item = items[at]
        if by_stage.setdefault(one.place.stage, item) != item:
            return None
    touched = {one.place.stage for one in writing.changed}
    kept = any(one.place.stage in touched and not one.is_one for one in writing.changes)
    if kept:
        return None
    entries = _entries(writing, by_stage)
    return {address: _item(word, table) for address, (word, table) in entries.items()}


def _item(word: str, table: Table) -> Value:
    return {word: table} if table else word


def _entries(
    writing: Writing, by_stage: Mapping[int, tuple[str, Table]]
) -> dict[str, tuple[str, Table]]:
    """One entry for all stages where one says it, by variables of stages if need be; else one for
    each stage."""
    address = writing.site.address
    everywhere = set(by_stage) == writing.stages_of_address()
    words = {word for word, _ in by_stage.values()}
    parameters = {frozenset(table) for _, table in by_stage.values()}
    if everywhere and len(words) == len(parameters) == 1:
        table = _common(writing, {stage: table for stage, (_, table) in by_stage.items()})
        if table is not None:
            return {address: (words.pop(), table)}
    return {f"stage{stage + 1}.{address}": item for stage, item in by_stage.items()}


def _common(writing: Writing, tables: Mapping[int, Table]) -> Table | None:
    """One table of arguments for all stages."""
    common: Table = {}
    for name in next(iter(tables.values())):
        values = {stage: table[name] for stage, table in tables.items()}
        if all(writing.source.variable(name, stage) == value for stage, value in values.items()):
            common[name] = f"${name}"
        elif len({str(value) for value in values.values()}) == 1:
            common[name] = next(iter(values.values()))
        else:
            return None
    return common


def _redefined(writing: Writing, items: Items) -> tuple[Table, Table] | None:
    """The definition that the item stands in, written again with the new item: `define`, and
    `stages` where only some take it. Arguments that differ between the blocks of a stage are those
    that the old item had."""
    definition = _definition(writing)
    if definition is None or len({word for word, _ in items.values()}) != 1:
        return None
    old = writing.source.arguments(writing.site.word)
    found = _arguments(writing, items, old)
    if found is None:
        return None
    table, columns = found
    word = items[0][0]
    merged = writing.source.merged
    whole = merged.definitions[definition]
    body = exchanged(whole.body, writing.site.word, lambda _: {word: table})
    params: Table = dict(whole.params)
    text: Value = {"params": params, "body": body} if params else body
    everywhere = {one.place.stage for one in writing.changed} == writing.stages_of_address()
    if everywhere and not any(not one.is_one for one in writing.changes):
        return {definition: text}, columns
    stages = _other_cycles(writing, definition)
    return None if stages is None else ({_copy(writing, definition): text}, {**columns, **stages})


def _copy(writing: Writing, definition: str) -> str:
    return f"{definition}_{writing.name.removeprefix(writing.source.name + '_')}"


def _definition(writing: Writing) -> str | None:
    """The one definition that has one item of the site's operator."""
    found = [
        (name, len(list(item_values(definition.body, writing.site.word))))
        for name, definition in writing.source.merged.definitions.items()
    ]
    inside = [(name, count) for name, count in found if count]
    return inside[0][0] if len(inside) == 1 and inside[0][1] == 1 else None


def _arguments(
    writing: Writing, items: Items, old: Mapping[str, Node]
) -> tuple[Table, Table] | None:
    """The arguments of the item in the definition, and columns of stages for those that differ
    between stages; None where one differs between blocks and the old item did not have it."""
    made: Table = {}
    columns: Table = {}
    stages = [change.place.stage for change in writing.changed]
    for name in dict.fromkeys(name for _, table in items.values() for name in table):
        values = [items[at][1].get(name) for at in range(len(stages))]
        pairs = list(zip(stages, values, strict=True))
        by_stage = dict(pairs)
        if name == "channels" and name in old:
            made[name] = old[name]  # no edit changes a width
        elif len({str(value) for value in values}) == 1:
            made[name] = items[0][1][name]
        elif all(writing.source.variable(name, stage) == value for stage, value in pairs):
            made[name] = f"${name}"
        elif all(by_stage[stage] == value for stage, value in pairs) and None not in values:
            made[name] = f"$mixer_{name}"
            columns[f"mixer_{name}"] = _column(writing, by_stage, items[0][1][name])
        elif name in old:
            made[name] = old[name]
        else:
            return None
    return made, columns


def _column(writing: Writing, by_stage: Mapping[int, Value | None], other: Value) -> Value:
    """A value for each stage; those that do not read it get another's."""
    return tuple(by_stage.get(at) or other for at in range(len(writing.source.merged.rows)))


def _other_cycles(writing: Writing, definition: str) -> Table | None:
    """For every stage the blocks that it takes, those that change with the new definition."""
    merged = writing.source.merged
    touched = {one.place.stage for one in writing.changed}
    column: list[Value] = []
    key = "cycle" if "cycle" in merged.keys else "block"
    for stage, row in enumerate(merged.rows):
        written = row.keys.get(key) or merged.keys.get(key)
        if written is None:
            return None
        node = written[0]
        body = node if isinstance(node, ListNode) else ListNode((node,), node.place)
        column.append(_renamed(body, definition, writing) if stage in touched else body)
    return {key: tuple(column)}


def _renamed(body: ListNode, definition: str, writing: Writing) -> Value:
    """The blocks with the new definition's name, which has the old one's parameters."""
    new = _copy(writing, definition)

    def rename(node: Node) -> Value:
        if isinstance(node, ScalarNode):
            return new if node.value == definition and not node.quoted else node
        if isinstance(node, ListNode):
            return tuple(map(rename, node.items))
        return {
            new if key.value == definition else str(key.value): rename(value)
            for key, value in node.entries
        }

    return rename(body)

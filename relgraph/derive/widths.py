"""Which columns of a backbone's `stages` are widths.

In: a backbone's text. Out: the names of its columns that all become wider where a model does: what
comes out of a stage (`channels`), and variables that stand for widths inside of blocks, such as a
bottleneck's. Counts (heads, a ratio, tokens) are none. What a column is, is asked of the resolver:
it is doubled, and a width is what some connection has as many channels as.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relgraph.assemble.walking import nodes
from relgraph.derive.drafts import Draft
from relgraph.derive.fragments import Fragment
from relgraph.derive.source import Source
from relgraph.errors import RelgraphError
from relgraph.program import Connect, Program
from relgraph.spec.nodes import plain

Column = tuple[int, ...]


def column(source: Source, key: str) -> Column | None:
    """The numbers that the stages have there; None where one has none."""
    found = []
    for row in source.merged.rows:
        written = row.keys.get(key) or row.variables.get(key)
        value = plain(written[0]) if written is not None else None
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        found.append(value)
    return tuple(found)


def widths(source: Source, folder: Path) -> tuple[str, ...]:
    """`channels`, and the variables that are widths, in the order of the text. Models that are
    tried stand in `folder`."""
    names = dict.fromkeys(name for row in source.merged.rows for name in row.variables)
    inside = (name for name in names if _is_width(source, name, folder / name))
    return ("channels", *inside)


def _is_width(source: Source, name: str, folder: Path) -> bool:
    own = column(source, name)
    if own is None:
        return False
    doubled = tuple(2 * value for value in own)
    try:
        draft = Draft("doubled", "", (), Fragment(stages={name: doubled}))
        found = _outputs(draft.program(source, folder))
    except RelgraphError:
        return False
    before = _outputs(source.understood.program)
    return all(_follows(before, found, at, own) for at in range(len(own)))


_Outputs = dict[str, int]
"""The channels that come out of each connection, by its path."""


def _outputs(program: Program) -> _Outputs:
    return {
        path: node.connection.out_channels
        for path, node in nodes(program)
        if isinstance(node, Connect)
    }


def _follows(before: _Outputs, after: _Outputs, stage: int, own: Sequence[int]) -> bool:
    """Whether some connection of the stage had as many channels, and now has twice as many."""
    inside = f"stages.{stage}.blocks."
    return any(
        path.startswith(inside) and wide == own[stage] and after.get(path) == 2 * wide
        for path, wide in before.items()
    )

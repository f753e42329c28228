"""The verdicts as a table that a person can read: one line for each kind of edit.

In: rows. Out: Markdown. A line counts what the edges of one relation, one axis and one change of
value do to weights, and shows the largest relative difference of outputs among the embeddings and
the steepest slope among the projections.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from relgraph.transfer.every_edge.run import Row
from relgraph.transfer.every_edge.small import CHANNELS, GRID

_HEAD = (
    "| edit | axis | before → after | edges | embedding | at these sizes | projection | none "
    "| largest Δ | steepest slope |",
    "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
)


_TITLE = """# Every edge, walked with numbers

What each edge of the relation graph says of trained weights, held against what happens to them:
the families that `mlp` becomes, and edits of frames around a few of them. Both operators of an edge
have {channels} channels on a map of {grid}; the source has random weights, in float64;
`relgraph.transfer` carries them, and the oracle runs both.

- **embedding**: outputs are the same to 1e-10. *Δ* is the largest relative difference that was met.
- **at these sizes**: the same, where it does not hold on all sizes.
- **projection**: outputs differ, and nothing is nearer: the *slope* of the distance in W (or, where
  W depends on the image, in outputs on 16 images) is 0. Around a kernel with an inner width
  alternating steps end before that, below 1e-2.
- **none**: no weights are claimed to go along, and the edge says why.

`python benchmarks/every_edge.py --table docs/every_edge.md` makes this page, and fails if an edge
does anything else than it says. Edges that do: {problems}.

"""


def page(rows: Sequence[Row]) -> str:
    """The table under its title."""
    said = {
        "channels": CHANNELS,
        "grid": "×".join(map(str, GRID)),
        "problems": len(list(problems(rows))) or "none",
    }
    return _TITLE.format(**said) + table(rows)


def table(rows: Sequence[Row]) -> str:
    """Markdown, in the order in which kinds of edits are met first; a last line sums all up."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.relation, row.axis, f"{row.before} → {_plain(row.after)}"].append(row)
    order = {kind: at for at, kind in enumerate(dict.fromkeys((r.relation, r.axis) for r in rows))}
    lines = sorted(groups.items(), key=lambda group: order[group[0][:2]])
    made = [_line(*kind, found) for kind, found in lines]
    return "\n".join((*_HEAD, *made, _line("all", "", "", rows))) + "\n"


def _plain(after: str) -> str:
    """What is carried along with a value is no kind of its own."""
    return after.partition(", share ")[0]


def _line(relation: str, axis: str, change: str, rows: Sequence[Row]) -> str:
    verdicts = [row.verdict for row in rows]
    always = sum(v.said == "embedding" for v in verdicts)
    here = sum(v.found == "embedding" for v in verdicts) - always
    counts = [sum(v.found == kind for v in verdicts) for kind in ("projection", "none")]
    apart = max((v.difference for v in verdicts if v.found == "embedding"), default=None)
    steep = max((v.slope for v in verdicts if v.slope is not None), default=None)
    numbers = (len(rows), always, here, *counts)
    cells = [f"{n:,}" if n else "" for n in numbers]
    cells += ["" if value is None else f"{value:.0e}" for value in (apart, steep)]
    return f"| {' | '.join((relation, axis, change, *cells))} |"


def problems(rows: Sequence[Row]) -> Iterator[str]:
    """One line for each edge that does not do what is said of it."""
    for row in rows:
        if row.verdict.problem:
            yield f"{row.edge} ({row.relation} {row.axis}): {row.verdict.problem}"

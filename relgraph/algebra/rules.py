"""Which combinations of properties are no operator: one table of rules with their reasons.

In: an `Operator` as written. Out: the rules that it breaks. Numbers 1 to 25 are those that a
prototype found, those from 30 on concern properties that it lacked; each row refuses something
that no other does. Not in the table, because no value can break them here: 13 and 14 fell away when
`share` became the sharing of functions; 17, on pairs over channels, became 61 to 64; 20, 24 and
half of 19 speak of a normalisation over channels, which an `Operator` cannot say of others. What
is the same operator as a shorter spec (2, 7 without sharing, 12's sharing, 22) is not refused:
`canonical` rewrites it.

Kinds: E a contradiction, U a combination without an agreed meaning (or not supported yet).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from relgraph.algebra.channel_rules import CHANNEL_RULES
from relgraph.algebra.head_rules import HEAD_RULES
from relgraph.algebra.operator import BLOCKS, BY_OFFSET, STENCILS, Operator, compares
from relgraph.algebra.overlapping_rules import OVERLAPPING
from relgraph.algebra.position_rules import POSITIONS
from relgraph.algebra.rule import Kind, Rule, Violation
from relgraph.algebra.window_rules import AROUND, MOVED

__all__ = ["RULES", "Kind", "Rule", "Violation", "check", "consistent"]
PARTITIONS = ("window", "stripe", "grid")


def check(operator: Operator) -> tuple[Violation, ...]:
    """The rules that the operator breaks, in the table's order; none: it is consistent."""
    return tuple(
        Violation(rule.number, rule.properties, rule.reason, rule.kind)
        for rule in RULES
        if rule.breaks(operator)
    )


def consistent(operator: Operator) -> bool:
    """Whether it breaks none: `check` for those who ask of very many, as soon as that is known."""
    return not any(rule.breaks(operator) for rule in RULES)


def _connect(*names: str) -> Callable[[Operator], bool]:
    return lambda o: o.space.connect in names


def _space_rank(*words: str) -> Callable[[Operator], bool]:
    return lambda o: o.space.rank is not None and o.space.rank.word in words


def _source(*names: str) -> Callable[[Operator], bool]:
    return lambda o: o.weight.source in names


def _both(*guards: Callable[[Operator], bool]) -> Callable[[Operator], bool]:
    return reduce(lambda one, other: lambda o: one(o) and other(o), guards)


def _mixes(o: Operator) -> bool:
    return o.channel.connect != "separate"


def _over_places(o: Operator) -> bool:
    return o.weight.source != "channels"


def _normalize(*names: str) -> Callable[[Operator], bool]:
    return lambda o: o.weight.normalize in names


def _ranked(o: Operator) -> bool:
    return o.space.rank is not None or o.channel.rank is not None


def _inner(o: Operator) -> bool:
    return o.channel.rank is not None


def _moves(o: Operator) -> bool:
    """A shift where nothing can move: off blocks, or along the axis that stripes do not cut."""
    space = o.space
    if space.connect == "stripe":
        return space.shift[1 if space.along == "rows" else 0] != 0
    return space.connect != "window" and space.shift != (0, 0)


def _has_stride(o: Operator) -> bool:
    return o.space.stride != (1, 1)


def _by_offset(o: Operator) -> bool:
    return o.weight.position in BY_OFFSET


RULES: tuple[Rule, ...] = (
    Rule(
        1,
        ("space.share", "space.connect"),
        _both(lambda o: o.space.share == "windows", _connect(*STENCILS)),
        "local and axial connectivity have no windows that could share a weight",
    ),
    Rule(
        3,
        ("space.rank", "space.connect"),
        _both(lambda o: o.space.rank is not None, _connect("point")),
        "a point connection has one slot: there is nothing to factor",
    ),
    Rule(
        4,
        ("space.rank", "space.connect"),
        _both(_space_rank("reduce"), _connect(*STENCILS)),
        "what a pooled map reaches is a union of cells, and a sliding neighbourhood is none",
    ),
    Rule(
        5,
        ("space.rank", "space.connect"),
        _both(_space_rank("tokens"), _connect(*STENCILS)),
        "two factors through tokens fill a whole block, and a sliding neighbourhood is none",
    ),
    Rule(
        6,
        ("space.rank", "space.share"),
        _both(_space_rank("reduce", "tokens"), lambda o: o.space.share == "positions"),
        "the places between the two factors have no offset from an output",
    ),
    Rule(
        7,
        ("space.rank", "space.connect"),
        _both(
            _space_rank("scales"),
            lambda o: (
                o.space.connect == "axial"
                or (o.space.connect in BLOCKS[1:] and o.space.share != "none")
            ),
        ),
        "coarse scales leave the row and column of an axial connection, and inside blocks they do "
        "not share weights as the fine part does",
    ),
    Rule(
        8,
        ("space.rank", "space.connect"),
        _both(_space_rank("separable"), _connect("axial")),
        "a cross is no product of a row and a column",
    ),
    Rule(
        8,
        ("space.rank", "space.share"),
        _both(
            _space_rank("separable"),
            _connect("local", *PARTITIONS),
            lambda o: o.space.share == "none",
        ),
        "where every entry has its own weight, rows ∘ columns is no product of one row and one "
        "column; share them (`positions`, or `windows` in blocks)",
    ),
    Rule(
        9,
        ("channel.rank", "channel.connect"),
        _both(_inner, lambda o: not _mixes(o)),
        "channels that see only themselves have no inner width",
    ),
    Rule(
        10,
        ("channel.share", "channel.connect"),
        lambda o: o.channel.connect == "full" and o.channel.share != "none",
        "one number for all pairs of channels would repeat the sum of the channels in each",
    ),
    Rule(
        11,
        ("channel.share", "channel.connect"),
        lambda o: o.channel.connect == "groups" and o.channel.share == "heads",
        "groups share one matrix (`all`) or none; heads share a number, not a matrix",
    ),
    Rule(
        12,
        ("weight.source", "channel.connect"),
        _both(_source("fixed"), _mixes),
        "given weights (average, identity) say nothing about mixing channels",
    ),
    Rule(
        12,
        ("weight.source", "space.rank"),
        _both(_source("fixed"), _ranked),
        "given weights have no factors to learn",
    ),
    Rule(
        12,
        ("weight.normalize", "weight.source"),
        _both(_source("fixed"), lambda o: o.weight.normalize != "none"),
        "given weights are not normalised",
    ),
    Rule(
        15,
        ("weight.source", "space.connect"),
        _both(_source("pair"), _connect("point")),
        "a point connection has one slot: there is no pair to compare",
    ),
    Rule(
        16,
        ("weight.source", "channel.connect"),
        _both(_source("pair"), _mixes),
        "a query and a key give one number per head; let projections mix channels (`frame`)",
    ),
    Rule(
        18,
        ("weight.source", "space.rank"),
        _both(_source("pair"), _space_rank("scales", "separable")),
        "a table of query · key does not factor so",
    ),
    Rule(
        18,
        ("space.rank", "weight.source"),
        _both(_source("pair"), _space_rank("tokens")),
        "keys of learned tokens are not supported yet; `reduce` makes fewer keys from the map",
        "U",
    ),
    Rule(
        19,
        ("weight.normalize", "space.connect"),
        _both(_normalize("softmax"), _connect("point"), _over_places),
        "a softmax over a single slot is the constant 1",
    ),
    Rule(
        19,
        ("weight.normalize", "space.connect"),
        _both(_normalize("l1"), _connect("point"), _over_places),
        "a number over its own magnitude is nothing but its sign",
    ),
    Rule(
        21,
        ("weight.normalize", "space.rank"),
        _both(
            _normalize("softmax"),
            _space_rank("tokens", "scales", "separable"),
            lambda o: not _pair(o),
        ),
        "a softmax of each factor, or of their product?",
        "U",
    ),
    Rule(
        21,
        ("weight.normalize", "space.rank"),
        _both(
            _normalize("l1"), _space_rank("tokens", "scales", "separable"), lambda o: not _pair(o)
        ),
        "is each factor divided by the sum of its magnitudes, or their product?",
        "U",
    ),
    Rule(
        23,
        ("weight.normalize", "channel.connect"),
        _both(_normalize("softmax"), _mixes, _over_places),
        "weights would be convex for each pair of channels, but not in their sum",
        "U",
    ),
    Rule(
        23,
        ("weight.normalize", "channel.connect"),
        _both(_normalize("l1"), _mixes, _over_places),
        "magnitudes would sum to 1 for each pair of channels, but not in the sum over them",
        "U",
    ),
    Rule(
        25,
        ("space.rank", "weight.source"),
        _both(_source("pooled", "center"), lambda o: o.space.rank is not None),
        "which factor is predicted, and at whose position?",
        "U",
    ),
    Rule(
        25,
        ("channel.rank", "weight.source"),
        _both(_source("pooled", "center", "channels"), _inner),
        "which factor is predicted, and at whose position?",
        "U",
    ),
    Rule(
        30,
        ("space.rank", "space.connect"),
        _both(_space_rank("reduce", "tokens"), _connect(*PARTITIONS)),
        "a reduced map for each block is not supported yet; `full` can be reduced",
        "U",
    ),
    Rule(
        31,
        ("channel.rank", "space.rank"),
        lambda o: o.space.rank is not None and o.channel.rank is not None,
        "which axis is factored first? say a body of two operators",
        "U",
    ),
    Rule(
        32,
        ("space.shift", "space.connect"),
        _moves,
        "a shift moves windows, or stripes across their bands; nothing else",
    ),
    Rule(
        33,
        ("space.stride", "space.connect"),
        lambda o: _has_stride(o) and o.space.connect not in ("point", "local"),
        "blocks and crosses leave no output grid for a stride; use local or point",
    ),
    Rule(
        34,
        ("space.stride", "space.rank"),
        _both(_has_stride, _space_rank("scales")),
        "coarse parts come back to the size of the map, the fine part does not",
    ),
    Rule(
        35,
        ("space.dilation", "space.connect"),
        lambda o: o.space.dilation != (1, 1) and o.space.connect != "local",
        "only the taps of local connectivity can stand apart",
    ),
    Rule(
        36,
        ("space.padding", "space.connect"),
        lambda o: o.space.padding != "half" and o.space.connect not in ("point", "local"),
        "padding places the taps of local connectivity; blocks take `pad: true`",
    ),
    Rule(
        37,
        ("space.pad", "space.connect"),
        lambda o: o.space.pad and o.space.connect not in PARTITIONS,
        "only windows, stripes and grids need a map that they divide",
    ),
    Rule(
        38,
        ("space.border", "space.connect"),
        lambda o: (
            o.space.border in ("reflect", "clamp") and o.space.connect not in ("point", "local")
        ),
        "only taps of local connectivity read a map that goes on mirrored or repeated outside",
    ),
    Rule(
        39,
        ("space.share", "weight.source"),
        lambda o: _pair(o) and o.space.share != "none",
        "query · key is one function of all pairs; `position` says how the position bias is shared",
    ),
    Rule(
        40,
        ("weight.position", "weight.source"),
        lambda o: o.weight.position != "none" and not _pair(o),
        "only weights from pairs have a position bias; others are functions of the place anyway",
    ),
    Rule(
        41,
        ("weight.position", "space.rank"),
        _both(_by_offset, _space_rank("reduce")),
        "keys of a reduced map have no offset from a query; use `absolute`",
    ),
    Rule(
        42,
        ("weight.extent", "weight.source"),
        lambda o: o.weight.extent != 1 and o.weight.source != "center",
        "only weights read at the centre have a region around it",
    ),
    Rule(
        43,
        ("weight.predictor", "weight.source"),
        lambda o: o.weight.predictor is not None and o.weight.source not in ("pooled", "center"),
        "only pooled and center weights are predicted by layers",
    ),
    Rule(
        44,
        ("weight.normalize", "space.share"),
        _both(_normalize("l1"), lambda o: o.space.share == "all"),
        "one weight over the sum of its own copies is nothing but a sign",
    ),
    Rule(
        45,
        ("weight.score", "weight.source"),
        lambda o: o.weight.score != "dot" and not compares(o),
        "only queries and keys are compared by a score",
    ),
    *AROUND,
    *MOVED,
    *HEAD_RULES,
    *CHANNEL_RULES,
    *POSITIONS,
    *OVERLAPPING,
)


def _pair(o: Operator) -> bool:
    return o.weight.source == "pair"

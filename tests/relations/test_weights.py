"""What the edges say of weights: exact exactly where the order says so, and the known answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.operator import Channel, Frame, Operator, Rank, Space, Weight
from relgraph.relations.node import Composite, Node, core
from relgraph.relations.order import direction
from relgraph.relations.weights import ROWS, carries
from tests.relations.listed import MLP, closure

LOCAL, FULL = Space("local", (3, 3), share="positions"), Space("full")
POINT = Space("point", share="positions")
SEPARATE = Channel("separate")
MASKED = replace(LOCAL, border="mask")


def atom(space: Space, weight: Weight | None = None, channel: Channel = SEPARATE) -> Operator:
    return core(Operator(space, channel, weight or Weight()))


def reduced(space: Space, word: str, *numbers: int) -> Operator:
    return atom(replace(space, rank=Rank(word, numbers)))  # type: ignore[arg-type]


CASES: list[tuple[Node, Node, str, str]] = [
    (atom(LOCAL), core(Operator(LOCAL)), "embedding", "union"),
    (core(Operator(LOCAL)), atom(LOCAL), "projection", "averaged over each orbit"),
    (atom(LOCAL), atom(LOCAL, Weight("pooled")), "embedding", "bias"),
    (atom(LOCAL, Weight("pooled")), atom(LOCAL), "projection", "mean of W over images"),
    (atom(LOCAL), atom(MASKED, Weight("static", "softmax")), "none", "positive"),
    (atom(MASKED, Weight("static", "softmax")), atom(LOCAL), "projection", "orbit"),
    (atom(LOCAL), atom(MASKED, Weight("static", "l1")), "none", "magnitudes with sum 1"),
    (atom(FULL), atom(FULL, Weight("pair", score="cosine")), "none", "bounded"),
    (
        atom(FULL, Weight("pair", "softmax")),
        atom(FULL, Weight("pair", position="relative")),
        "projection",
        "biases",
    ),
    (
        atom(FULL, Weight("pair")),
        atom(FULL, Weight("pair", "softmax", "relative")),
        "none",
        "positive",
    ),
    (atom(FULL), atom(FULL, Weight("pair", position="continuous")), "none", "no closed form finds"),
    (
        atom(FULL),
        atom(FULL, Weight("pair", position="rotary"), Channel("separate", share="all")),
        "none",
        "queries and keys are turned",
    ),
    (
        atom(POINT, channel=Channel()),
        atom(POINT, Weight("channels", score="cosine"), Channel()),
        "none",
        "cosines between channels",
    ),
    (atom(LOCAL, Weight("pooled")), atom(LOCAL, Weight("center")), "projection", "over images"),
    (
        atom(LOCAL, Weight("pooled")),
        atom(replace(LOCAL, share="all"), Weight("pooled")),
        "projection",
        "last rows",
    ),
    (atom(replace(LOCAL, share="none")), atom(LOCAL, Weight("center")), "projection", "biases"),
    (
        atom(FULL, Weight("pair")),
        atom(replace(LOCAL, share="none"), Weight("pair")),
        "projection",
        "fewer pairs",
    ),
    (
        atom(replace(LOCAL, share="none"), Weight("pair")),
        atom(FULL, Weight("pair")),
        "none",
        "one function on all pairs",
    ),
    (
        atom(FULL, Weight("pair", "softmax"), Channel("separate", share="heads", heads=2)),
        atom(FULL, Weight("pair", "softmax"), Channel("separate", share="heads", heads=4)),
        "none",
        "other queries and keys",
    ),
    (
        atom(FULL, Weight("pair", "softmax")),
        atom(FULL, Weight("static", "softmax")),
        "projection",
        "logarithm",
    ),
    (
        atom(FULL, Weight("static", "softmax")),
        atom(Space("window", (2, 2)), Weight("static", "softmax")),
        "none",
        "no closed form",
    ),
    (
        atom(FULL, Weight("pooled", "softmax")),
        atom(FULL, Weight("pooled", "l1")),
        "projection",
        "magnitudes sum to 1",
    ),
    (
        atom(FULL, Weight("static", "softmax")),
        atom(FULL, Weight("static", "l1")),
        "embedding",
        "union",
    ),
    (
        atom(FULL, Weight("pooled", "sigmoid")),
        atom(FULL, Weight("pair", "sigmoid", score="cosine")),
        "none",
        "bounded",
    ),
    (
        atom(Space("outlook", (3, 3), share="windows"), Weight("center")),
        atom(Space("outlook", (3, 3), share="windows", step=(2, 2)), Weight("center")),
        "projection",
        "other functions",
    ),
    (
        atom(Space("outlook", (3, 3), share="windows"), Weight("static", "softmax")),
        atom(Space("outlook", (3, 3), share="windows", step=(2, 2)), Weight("static", "softmax")),
        "none",
        "normalised by itself",
    ),
    (atom(FULL), reduced(FULL, "tokens", 2), "projection", "singular values"),
    (reduced(FULL, "tokens", 2), atom(FULL), "embedding", "union"),
    (atom(LOCAL), reduced(LOCAL, "separable"), "projection", "row times column"),
    (atom(LOCAL), reduced(LOCAL, "scales", 2), "embedding", "union"),
    (reduced(LOCAL, "scales", 2), atom(LOCAL), "projection", "orbit"),
    (MLP, core(Operator(FULL, Channel(rank=Rank("inner", (2,))))), "projection", "alternating"),
    (atom(LOCAL), atom(LOCAL, Weight("fixed", fixed="average")), "none", "nothing is learned"),
    (
        atom(MASKED, Weight("fixed", fixed="average")),
        atom(LOCAL, Weight("pooled", "sigmoid")),
        "projection",
        "between 0 and 1",
    ),
    (
        atom(replace(LOCAL, share="none"), Weight("center")),
        atom(LOCAL, Weight("center")),
        "projection",
        "see the same",
    ),
    (atom(LOCAL), atom(replace(LOCAL, stride=(2, 2))), "none", "other places"),
    (atom(LOCAL), replace(atom(LOCAL), frame=Frame(value=True)), "embedding", "identity"),
    (replace(atom(LOCAL), frame=Frame(value=True)), atom(LOCAL), "projection", "orbit"),
    (
        replace(atom(LOCAL), frame=Frame(value=True)),
        core(Operator(LOCAL)),
        "embedding",
        "union",
    ),
    (
        replace(atom(FULL, Weight("pair", "softmax")), frame=Frame(value=True)),
        atom(FULL, Weight("pair", "softmax")),
        "none",
        "falls away",
    ),
    (
        atom(FULL, Weight("pair", "softmax")),
        atom(FULL, Weight("pair", "softmax", kv_heads=1)),
        "none",
        "keys that heads share",
    ),
    (
        atom(FULL, Weight("pair", "softmax", kv_heads=1)),
        replace(atom(FULL, Weight("pair", "softmax", kv_heads=1)), frame=Frame(value=True)),
        "none",
        "values that heads share",
    ),
    (
        replace(atom(FULL, Weight("pair", "softmax", kv_heads=1)), frame=Frame(value=True)),
        replace(atom(FULL, Weight("pair", "softmax")), frame=Frame(value=True)),
        "embedding",
        "union",
    ),
    (
        Composite("sum", (atom(LOCAL), core(Operator(LOCAL)))),
        core(Operator(LOCAL)),
        "embedding",
        "special case",
    ),
    (
        Composite("sum", (atom(LOCAL), core(Operator(LOCAL)))),
        atom(LOCAL),
        "projection",
        "multiplied out",
    ),
    (
        Composite("chain", (core(Operator(LOCAL)), MLP)),
        Composite("chain", (atom(LOCAL), MLP)),
        "projection",
        "beginning",
    ),
    (Composite("chain", (atom(LOCAL), MLP)), atom(LOCAL), "projection", "multiplied out"),
    (Composite("chain", (atom(LOCAL, Weight("pooled")), MLP)), atom(LOCAL), "none", "no place"),
]


@pytest.mark.parametrize(("a", "b", "kind", "reason"), CASES)
def test_known_answers(a: Node, b: Node, kind: str, reason: str) -> None:
    found = carries(a, b)
    assert found.kind == kind
    assert reason in found.reason


def test_an_embedding_is_where_the_first_is_a_special_case() -> None:
    for operator in list(closure())[::13]:
        for edit in closure()[operator]:
            exact = direction(operator, edit.target) in ("up", "equal")
            assert (carries(operator, edit.target).kind == "embedding") == exact


def test_every_row_is_reached() -> None:
    """By an edge of the families, or by what two edits make."""
    pairs = [(a, edit.target) for a in list(closure())[::5] for edit in closure()[a]]
    pairs += [(a, b) for a, b, _, _ in CASES]
    reached = set()
    for a, b in pairs:
        if (
            isinstance(a, Operator)
            and isinstance(b, Operator)
            and direction(a, b) not in ("up", "equal")
        ):
            reached.add(next(at for at, row in enumerate(ROWS) if row.fits(a, b)))
    assert reached == set(range(len(ROWS)))

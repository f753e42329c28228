"""Names of nodes: stable, unique, safe."""

from __future__ import annotations

import itertools
import re

import pytest

from relgraph.algebra.families import families
from relgraph.algebra.operator import Channel, Frame, Operator, Rank, Space, Weight
from relgraph.relations.families import family
from relgraph.relations.keys import node_of_key
from relgraph.relations.node import IDENTITY, Composite, Node, core
from relgraph.relations.numbers import GENERIC
from relgraph.relations.words import describe_node, key
from tests.relations.listed import FEW, MLP, closure

CONV = core(Operator(Space("local", (7, 7), share="positions")))
SWIN = core(
    Operator(
        Space("window", (7, 7), shift=(3, 3), border="mask"),
        Channel("separate", share="heads", heads=4),
        Weight("pair", "softmax", "relative"),
        frame=Frame(True, True),
    )
)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (MLP, "full.none-full-static"),
        (CONV, "local7x7.positions-full-static"),
        (family(CONV), "local.positions-full-static"),
        (
            SWIN,
            "window7x7.m3x3-separate.heads4-pair.softmax.relative-value-output",
        ),
        (family(SWIN), "window-separate.heads-pair.softmax.relative-value-output"),
        (
            Composite("chain", (family(CONV), MLP)),
            "chain2_local.positions-full-static_full.none-full-static",
        ),
        (
            core(Operator(Space("full", rank=Rank("reduce")), Channel("separate"))),
            "full.none.reduce-separate-static",
        ),
    ],
)
def test_keys(node: Node, expected: str) -> None:
    assert key(node) == expected


def nodes() -> list[Operator]:
    """Families, instances, and operators with every border, stride and padding."""
    others = [core(operator) for operator in families()]
    return list(dict.fromkeys([*closure(), *itertools.islice(closure(FEW), 0, None, 7), *others]))


def test_keys_are_read_back() -> None:
    terms = (
        Composite("chain", (family(CONV), MLP)),
        Composite("splitproduct", (IDENTITY, MLP)),
        Composite("split", (MLP, Composite("splitsum", (MLP, IDENTITY)))),
    )
    for node in (*nodes(), SWIN, *terms):
        assert node_of_key(key(node)) == node


@pytest.mark.parametrize(
    "word",
    [
        "",
        "conv",
        "local.positions-separate",
        "local.positions-separate-static-output-value",
        "local0x0.positions-full-static",
        "local3x3x3.positions-full-static",
        "local3x3.windows-full-static",
        "local.positions-full.inner0-static",
        "local.positions-groups1-static",
        "point-separate-pair",
        "chain2_full.none-full-static",
        "chain2_point.positions-full-static_point.positions-full-static",
        "chain0_",
        f"local{'9' * 5000}x3.positions-full-static",
    ],
)
def test_what_is_no_key_means_nothing(word: str) -> None:
    assert node_of_key(word) is None


def test_a_key_names_one_node_and_is_safe() -> None:
    found = [key(node) for node in nodes()]
    assert len(set(found)) == len(found) > 3000
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in found)


def test_families_have_no_numbers_in_their_names_and_words() -> None:
    for operator in closure(GENERIC):
        assert not re.search(r"\d", key(operator) + describe_node(operator))


def test_descriptions_tell_families_apart() -> None:
    found = [describe_node(operator) for operator in closure(GENERIC)]
    assert len(set(found)) == len(found)


def test_description_of_an_instance_and_its_family() -> None:
    assert describe_node(SWIN) == (
        "windows 7×7 over space, shifted by 3×3; own channel only, shared inside 4 heads; dynamic, "
        "from pairs (query · key), softmax, relative position bias; value and output projections"
    )
    assert describe_node(family(SWIN)) == (
        "windows over space; own channel only, shared inside heads; dynamic, from pairs "
        "(query · key), softmax, relative position bias; value and output projections"
    )
    assert describe_node(Composite("sum", (CONV, MLP))).startswith("(local 7×7 over space")


def test_family_is_idempotent_and_forgets_numbers() -> None:
    for node in nodes():
        once = family(node)
        assert family(once) == once
    strided = core(Operator(Space("local", (5, 5), stride=(2, 2), dilation=(2, 2), padding=(4, 4))))
    assert family(strided) == core(Operator(Space("local", (3, 3))))
    columns = core(Operator(Space("stripe", (1, 3), along="columns", shift=(0, 1))))
    assert family(columns) == core(Operator(Space("stripe", (2, 1))))
    ring = core(Operator(Space("full", share="positions", border="wrap")))
    assert family(ring) == ring

"""A node of the relation graph: an operator's core, or a term of cores, with elements forgotten.

In: operators of the algebra. Out: nodes, equal exactly where they are known to be the same class
of functions (DESIGN 4): canonical on a generic map, without what is no property of W (biases, the
predictor's hidden layer, projections' biases). Numbers stay (instances); `family` forgets them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import HIDDEN, TEMPERATURE, Channel, Frame, Operator, Weight

Kind = Literal["chain", "sum", "product", "split", "splitsum", "splitproduct"]
SPLITS: tuple[Kind, ...] = ("split", "splitsum", "splitproduct")


@dataclass(frozen=True)
class Composite:
    """A term of two or more nodes: `chain` in order, the first first; `sum` and `product` (a gate)
    of nodes that read the same value; `split` of nodes that each read their part of the channels,
    with the results side by side, added (`splitsum`) or multiplied (`splitproduct`).
    """

    kind: Kind
    parts: tuple[Node, ...]


Node: TypeAlias = Operator | Composite

# A branch that passes its input on: what a gate or a sum around an operator keeps.
IDENTITY = Operator(
    channel=Channel("separate"),
    weight=Weight("fixed", fixed="identity"),
    bias="none",
)


def core(operator: Operator) -> Operator:
    """The operator as a node: its canonical form without biases and options of predictors.

    The frame stays, as whether there are projections, not whether they have biases.
    """
    weight = replace(
        operator.weight,
        predictor=None,
        qkv_bias=True,
        key_bias=True,
        hidden=HIDDEN,
        temperature=TEMPERATURE,
    )
    frame = Frame(operator.frame.value, operator.frame.output)
    bare_ = replace(operator, weight=weight, frame=frame, bias="none")
    return as_given(canonical(bare_).operator)


def as_given(operator: Operator) -> Operator:
    """The average that an operator is whose slots all have one number, or function: a softmax sees
    only what is different. Any other operator as it is."""
    weight, space = operator.weight, operator.space
    alike = weight.normalize == "softmax" and space.share == "all" and weight.source != "pair"
    if not alike or (space.rank is not None and space.connect != "full"):
        return operator
    plain = replace(space, share="none", rank=None)
    average = Weight("fixed", fixed="average")
    return canonical(Operator(plain, Channel("separate"), average, "none", operator.frame)).operator


def bare(operator: Operator) -> Operator:
    """The core without its frame: what the published figure's nodes and family closures are."""
    return replace(operator, frame=Frame())

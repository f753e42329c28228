"""A core back inside the use that it came from: frames, biases, how weights are predicted.

In: a use and the node that its core became. Out: the use with the whole operator. A node forgets
what is no property of W, and the bodies of rank words; the use knows them, as far as they still say
something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relgraph.algebra.operator import (
    HIDDEN,
    TEMPERATURE,
    BiasShare,
    Border,
    Operator,
    Predictor,
    Rank,
    Source,
)
from relgraph.derive.spelling import PREDICTED, usual_bias
from relgraph.graph.bodies import core_of
from relgraph.relations.weight import default_border
from relgraph.resolved import OperatorUse

# The hidden layer of the shipped operators of either kind (Han et al., ICLR 2022): without one, a
# predictor for every channel's kernel is larger than the rest of the model.
PREDICTORS: Mapping[Source, Predictor] = {
    "pooled": Predictor(reduction=4, norm="batch_norm"),
    "center": Predictor(reduction=4, bias=True, norm="batch_norm"),
}


def lifted(use: OperatorUse, node: Operator) -> OperatorUse:
    """The use with the operator that has `node` for its core, and else what it had."""
    before = core_of(use)
    if node == before:
        return use
    own = use.operator
    space = node.space
    if space.rank == before.space.rank:  # a node has the ratio of a map that a body reduces
        space = replace(space, rank=own.space.rank)
    space = replace(space, border=_border(own, node))
    frame = replace(node.frame, value_bias=own.frame.value_bias, output_bias=own.frame.output_bias)
    weight = replace(
        node.weight,
        predictor=_predictor(use, node),
        qkv_bias=_qkv_bias(own, node),
        key_bias=own.weight.key_bias or node.weight.source != "pair",
        hidden=own.weight.hidden if node.weight.position == "continuous" else HIDDEN,
        temperature=own.weight.temperature if node.weight.position == "rotary" else TEMPERATURE,
    )
    made = replace(node, space=space, weight=weight, frame=frame)
    made = replace(made, bias=_bias(own, made))
    return replace(
        use,
        operator=made,
        reduce=use.reduce if space.rank == own.space.rank else (),
        between=use.between if _word(made) == _word(own) else (),
    )


def _border(own: Operator, node: Operator) -> Border:
    """No edit takes a border away: where a node has the default one, a geometry on the way never
    met the border. The new one may."""
    forgotten = node.space.border == default_border(node.weight.normalize)
    special = own.space.border not in ("zero", "mask")
    return own.space.border if forgotten and special else node.space.border


def _word(operator: Operator) -> str:
    rank: Rank | None = operator.space.rank or operator.channel.rank
    return rank.word if rank is not None else ""


def _predictor(use: OperatorUse, node: Operator) -> Predictor | None:
    source = node.weight.source
    if source not in PREDICTED:
        return None
    if source == use.operator.weight.source:
        return use.operator.weight.predictor
    usual = PREDICTORS[source]
    fits = usual.reduction is not None and use.in_channels % usual.reduction == 0
    return usual if fits else Predictor()


def _qkv_bias(own: Operator, node: Operator) -> bool:
    if node.weight.source != "pair":
        return True
    return own.weight.qkv_bias if own.weight.source == "pair" else own.frame.value_bias


def _bias(own: Operator, made: Operator) -> BiasShare:
    """No bias stays none, the usual bias becomes the usual one of the new operator."""
    if own.bias == "none":
        return "none"
    if own.bias == usual_bias(own):
        return usual_bias(made)
    by_position = own.bias in ("positions", "both") and made.space.connect != "full"
    return "channels" if by_position else own.bias

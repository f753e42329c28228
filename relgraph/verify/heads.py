"""Talking heads: what each head hears of the others, and on which side of the normalisation.

In: the class from the file and its small node. Out: a check, or none where heads do not talk. A
head hears another where the other's queries change its weights. What `proj_w` does is told by one
law, W with it is M · (W without it) + m, entry by entry; what `proj_l` does by the same law of
logits, which a sigmoid gives as they are, and a softmax up to a number for each row. Both laws
compare the file with itself; where no logits can be read off W, the reference's W is what it must
be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from relgraph.program import Connect
from relgraph.verify import declared
from relgraph.verify.compare import TOLERANCE
from relgraph.verify.draws import draw, entries
from relgraph.verify.oracle_channels import unit_count
from relgraph.verify.report import Check
from relgraph.verify.small import Inputs, Small, build, measure, random_inputs
from relgraph.verify.values import Tensors

# A logit is read off a weight by a logarithm.
ROUNDING = 100 * TOLERANCE
LAYERS = {"logits": "proj_l", "weights": "proj_w"}


@dataclass(frozen=True)
class _Heads:
    """The bare core of a class but for its mixing, which is `drawn`; `image` is what it reads,
    `times` (O, I) how often an output reads an input."""

    small: Small
    image: Inputs
    drawn: Tensors
    times: Tensor

    @classmethod
    def of(cls, kind: type[nn.Module], node: Connect) -> _Heads:
        small = build(kind, node, seed=1, bare=True)
        tensors = draw(tuple(entries(node)), 1)
        drawn = {n: t for n, t in tensors.items() if n.startswith(("proj_l.", "proj_w."))}
        times = declared.times(node.connection)[:, 0, :, 0]
        return cls(small, random_inputs(small, 1), drawn, times)

    def weights(self, changed: Tensors) -> Tensor:
        """W of each head's first channel, (H, O, I), with some tensors other ones."""
        self.small.module.load_state_dict({**self.small.tensors, **changed}, strict=False)
        return self._by_head(measure(self.small, self.image).w)

    def meant(self, changed: Tensors) -> Tensor:
        """The same by the reference."""
        small = replace(self.small, tensors={**self.small.tensors, **changed})
        return self._by_head(declared.weights(small, self.image))

    def _by_head(self, w: Tensor) -> Tensor:
        count = unit_count(self.small.node.connection)
        first = torch.arange(count) * (w.shape[3] // count)
        return w[:, first, :, first]


def check_heads(subject: str, cls: type[nn.Module], node: Connect) -> Check | None:
    """What heads hear, beside what they are declared to."""
    talking = node.connection.operator.weight.talking_heads
    if talking == "none":
        return None
    heads, named = _Heads.of(cls, node), [n for n in LAYERS if talking in (n, "both")]
    declared_text = f"heads hear all others, by their {' and by their '.join(named)}"
    problems = [*_deaf(heads), *_unlawful(heads, named)]
    measured = declared_text if not problems else problems[0]
    return Check("heads", subject, declared_text, measured, not problems, "; ".join(problems))


def _deaf(heads: _Heads) -> Iterator[str]:
    """Heads that do not hear another, counted from 1."""
    before = heads.weights(heads.drawn)
    channels = heads.small.node.connection.in_channels
    name = "qkv.weight" if heads.small.node.connection.key_grid is None else "q.weight"
    for other, rows in enumerate(torch.arange(channels).chunk(len(before)), 1):
        queries = heads.small.tensors[name].clone()
        # A sum of magnitudes divides lengths out, and leaves heads of one channel their sign alone.
        queries[rows] = -queries[rows]
        negated = {**heads.drawn, name: queries}
        deaf = _unmoved(heads.weights(negated), before)
        # A softmax over a single place is 1, and there is nothing to hear.
        deaf &= ~_unmoved(heads.meant(negated), before) if deaf.any() else deaf
        for own in deaf.nonzero().flatten():
            yield f"head {int(own) + 1} does not hear head {other}"


def _unmoved(after: Tensor, before: Tensor) -> Tensor:
    """Of each head, whether its weights are what they were."""
    return (after - before).abs().flatten(1).amax(1) <= TOLERANCE * before.abs().max()


def _unlawful(heads: _Heads, named: list[str]) -> Iterator[str]:
    """What is not mixed as its layer says, the other layer being the identity."""
    still = {n: torch.eye(*t.shape) if t.ndim > 1 else 0 * t for n, t in heads.drawn.items()}
    for what in named:
        own = {n: t for n, t in heads.drawn.items() if n.startswith(LAYERS[what])}
        if not _is_lawful(heads, what, still, {**still, **own}):
            yield f"{what} are not mixed as {LAYERS[what]} says"


def _is_lawful(heads: _Heads, what: str, still: Tensors, mixing: Tensors) -> bool:
    w = heads.weights(mixing)
    if what == "logits" and not _shows_logits(heads):
        return _equal(w, heads.meant(mixing))
    law = _weights_mixed if what == "weights" else _logits_mixed
    matrix, bias = mixing[f"{LAYERS[what]}.weight"], mixing[f"{LAYERS[what]}.bias"]
    return law(heads, matrix, bias, heads.weights(still), w)


def _weights_mixed(heads: _Heads, matrix: Tensor, bias: Tensor, plain: Tensor, w: Tensor) -> bool:
    """Where an input is reached several times so is the number that a head adds."""
    return _equal(w, _mixed(matrix, plain) + bias[:, None, None] * heads.times)


def _logits_mixed(heads: _Heads, matrix: Tensor, bias: Tensor, plain: Tensor, w: Tensor) -> bool:
    """In rows that reach no input twice, where W is what a normalisation gave."""
    there = _once(heads)
    if heads.small.node.connection.operator.weight.normalize == "sigmoid":
        expected = _mixed(matrix, plain.logit()) + bias[:, None, None]
        return _equal(w.logit()[:, there], expected[:, there])
    expected = _mixed(matrix, _centred(plain, there))
    return _equal(_centred(w, there), expected)


def _once(heads: _Heads) -> Tensor:
    """(O, I): entries of outputs that reach no input twice."""
    return (heads.times == 1) & (heads.times <= 1).all(1, keepdim=True)


def _shows_logits(heads: _Heads) -> bool:
    """Whether W tells its logits: magnitudes over their sum do not say whose sum it was, and sums
    of several weights are no weights."""
    operator = heads.small.node.connection.operator
    single = operator.space.connect != "outlook" and bool(_once(heads).any())
    return single and operator.weight.normalize != "l1"


def _mixed(matrix: Tensor, said: Tensor) -> Tensor:
    return torch.einsum("hg,goi->hoi", matrix, said)


def _centred(w: Tensor, there: Tensor) -> Tensor:
    """Logits of positive rows: their logarithms less each row's mean, 0 where nothing is."""
    logs = torch.where(there, w.log(), 0.0)
    mean = logs.sum(2, keepdim=True) / there.sum(1, keepdim=True).clamp(min=1)
    return torch.where(there, logs - mean, 0.0)


def _equal(found: Tensor, expected: Tensor) -> bool:
    """To rounding; what is no number is equal to nothing."""
    gap = (found - expected).abs().nan_to_num(torch.inf, torch.inf)
    return not bool((gap > ROUNDING * expected.abs().max()).any())

"""How queries and keys are compared, as text of an attention's class.

Goes in: nothing. Comes out: what each score adds to a class. Where queries and keys stand, and what
is done with the scores, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from relgraph.algebra import operator
from relgraph.lower.attention_parts import FEATURE_LINES


@dataclass(frozen=True)
class Score:
    """A score as text.

    `entry` and `matrix` are its equations, for one pair and for all; `product` is the code of the
    second. `prepare` is a method that queries and keys go through first; `fused` is what a kernel
    with a factor of its own is told; `note` is what each head has. `factor` and `learned` are lines
    of the constructor, before and behind the projections that make queries and keys; `parameters`
    are its own. `prepare` ends with the bracket and what it is given before queries and keys.
    `features` is the line that makes features of both, whose products are weights that no softmax
    sees.
    """

    entry: str
    matrix: str
    product: str
    word: str = ""
    title: str = ""
    note: str = ""
    factor: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    prepare: str = ""
    parameters: tuple[str, ...] = ()
    fused: str = ""
    methods: tuple[str, ...] = ()
    features: str = ""


_SCALED = '''\
    def scaled(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys of length 1, queries times what their head learned, at most 100."""
        scale = self.logit_scale.clamp(max=math.log(100)).exp()[:, None, None]
        return F.normalize(q, dim=-1) * scale, F.normalize(k, dim=-1)'''

_PRODUCT = "q @ k.transpose(-2, -1)"

SCORES: dict[operator.Score, Score] = {
    "dot": Score(
        entry="q[o] · k[j] / √head_dim",
        matrix="q kᵀ / √head_dim",
        product="q * self.scale @ k.transpose(-2, -1)",
        factor=("self.scale = (dim // num_heads) ** -0.5",),
    ),
    "cosine": Score(
        entry="τ cos(q[o], k[j])",
        matrix="τ cos(q, k)",
        product=_PRODUCT,
        word="Cosine",
        title=", by scaled cosines",
        note="one τ ≤ 100",
        learned=("self.logit_scale = nn.Parameter(torch.empty(num_heads))",),
        reset=("nn.init.constant_(self.logit_scale, math.log(10))",),
        prepare="self.scaled(",
        fused=", scale=1.0",
        methods=(_SCALED,),
    ),
    "relu": Score(
        entry="relu(q[{0}]) · relu(k[{1}])",
        matrix="relu(q) relu(k)ᵀ",
        product=_PRODUCT,
        word="ReluLinear",
        title=", linear in relu",
        features=FEATURE_LINES["relu"],
    ),
    "elu": Score(
        entry="φ(q[{0}]) · φ(k[{1}])",
        matrix="φ(q) φ(k)ᵀ",
        product=_PRODUCT,
        word="EluLinear",
        title=", linear in φ = elu + 1",
        features=FEATURE_LINES["elu"],
    ),
}


_PLACED = '''\
    def placed(self, x: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys turned by row and column{also}; R turns by j - o."""
{lines}
        return turned(q, places, self.temperature), turned(k, places, self.temperature)'''


def turning(score: Score, lines: tuple[str, ...], sizes: tuple[str, ...] = ()) -> Score:
    """The score of queries and keys that are turned by their places, which `lines` compute from
    the input x (RoPE)."""
    also, first = "", ""
    if score.prepare:
        also, first = ", and of length 1", f"        q, k = {score.prepare}q, k)\n"
    body = first + "\n".join(f"        {line}" for line in lines)
    return replace(
        score,
        entry=score.entry.replace("k[j]", "R k[j]"),
        word=f"Rotary{score.word}",
        title=f", turned by place{score.title}",
        prepare="self.placed(x, ",
        parameters=(*sizes, "temperature: float = 10000.0"),
        methods=(*score.methods, _PLACED.format(also=also, lines=body)),
    )

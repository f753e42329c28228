"""What an attention is made of, and what follows from its parts together."""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Normalize, Talking
from relgraph.lower.attention.bias import Bias
from relgraph.lower.attention.place import Place, Projections
from relgraph.lower.attention.score import Score

_TALKING: dict[Talking, str] = {
    "none": "",
    "logits": "LogitTalkingHeads",
    "weights": "WeightTalkingHeads",
    "both": "TalkingHeads",
}


@dataclass(frozen=True)
class Parts:
    """What an attention is made of."""

    place: Place
    score: Score
    bias: Bias | None
    normalize: Normalize = "softmax"
    keyless: bool = False
    talking: Talking = "none"
    shared: bool = False

    @property
    def name(self) -> str:
        """The class's name."""
        word = self.place.unbiased if self.bias is None else self.bias.word
        if self.score.parameters:  # knows places without a bias
            word = ""
        raw = "Unnormalized" if self.normalize == "none" else ""
        keyless = "Keyless" if self.keyless else ""
        words = f"{raw}{_TALKING[self.talking]}{keyless}{'GroupedQuery' if self.shared else ''}"
        return f"{words}{word}{self.score.word}{self.place.name}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Parameters of the constructor."""
        own = (*self.score.parameters, *(() if self.bias is None else self.bias.parameters))
        flags = ("qkv_bias: bool = True", "proj_bias: bool = True")[int(self.keyless) :]
        heads = ("num_heads: int", "kv_heads: int") if self.shared else ("num_heads: int",)
        return ("dim: int", *heads, *self.place.sizes, *own, *flags)

    @property
    def projections(self) -> Projections:
        """The layers that make queries, keys and values, and the lines that call them."""
        return self.place.shared if self.shared else self.place.projections

    @property
    def summand(self) -> str:
        """What is added to the scores: a bias that is there, or a mask that may be None."""
        if self.bias is not None:
            return "bias"
        return "mask" if self.place.locate else ""

    @property
    def has_softmax(self) -> bool:
        """Whether `softmax` is a method: two others call it, and it does more than the softmax."""
        plain = self.talking == "none" and not self.score.prepare
        return self.bias is not None and plain

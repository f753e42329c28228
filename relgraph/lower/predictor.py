"""The network that predicts weights, as lines of the class that owns it.

Goes in: how an operator's predictor is built. Comes out: text for `__init__`, `reset_parameters`
and `weights`, and a prefix of the class name. Its layers are `squeeze`, `norm` and `expand`, on
vectors where the context is pooled and on maps where it is each position's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relgraph.algebra.operator import Connection, Weight
from relgraph.lower.elements import ACTIVATIONS
from relgraph.lower.layers import LINEAR, LINEAR_2D
from relgraph.lower.module import Definition


@dataclass(frozen=True)
class Predictor:
    """expand(act(norm(squeeze(context)))), or expand(context) where `hidden` is False.

    `experts`: the hidden units gate static kernels, which are the columns of the last layer.
    `squeeze_bias`, `norm` and `act` speak of the hidden layer. `normalized` weights start near
    uniform; free ones start with a kernel's squared sum near 1.
    """

    on: Literal["vector", "map"]
    hidden: bool
    squeeze_bias: bool
    norm: bool
    act: str
    normalized: bool
    experts: bool = False

    @property
    def prefix(self) -> str:
        """What a class name begins with where the predictor is not the usual one."""
        if not self.hidden or self.experts:
            return "Expert" if self.experts else "Linear"
        usual_bias = self.on == "map"  # as published: I-D-DW has this bias, D-DW has not
        words = [
            "" if self.act == "relu" else self.act.replace("_", " ").title().replace(" ", ""),
            "" if self.norm else "NormFree",
            ""
            if self.squeeze_bias == usual_bias
            else "Biased"
            if self.squeeze_bias
            else "BiasFree",
        ]
        return "".join(words)

    @property
    def equation(self) -> str:
        """The weights as a function of `context`, for docstrings."""
        if not self.hidden:
            return "expand(context)"
        inner = "norm(squeeze(context))" if self.norm else "squeeze(context)"
        return f"expand({self.act}({inner}))"

    @property
    def layers(self) -> tuple[Definition, ...]:
        """The definitions that the layers need."""
        return (LINEAR_2D,) if self.on == "map" and self.hidden else (LINEAR,)

    def init_lines(self, weights: str) -> list[str]:
        """Assignments of `__init__`; `weights` is the expression of the number of weights."""
        if not self.hidden:
            return [f"self.expand = Linear(dim, {weights})"]
        squeeze, norm = ("Linear", "1d") if self.on == "vector" else ("Linear2d", "2d")
        if self.experts:
            return [
                f"self.squeeze = {squeeze}(dim, num_experts)",
                "# One static kernel in each column.",
                f"self.expand = Linear(num_experts, {weights}, bias=False)",
            ]
        bias = "" if self.squeeze_bias else ", bias=False"
        lines = [f"self.squeeze = {squeeze}(dim, dim // reduction{bias})"]
        if self.norm:
            lines.append(f"self.norm = nn.BatchNorm{norm}(dim // reduction)")
        return [*lines, f"self.expand = Linear(dim // reduction, {weights})"]

    def reset_lines(self, root: str = "self.kernel_size") -> list[str]:
        """What `reset_parameters` does; `root` squared is how many products an output sums."""
        lines = ["self.norm.reset_parameters()"] if self.hidden and self.norm else []
        if self.normalized:
            return lines
        if self.experts:
            return [
                "# Gates start near 1/2, so that a mixed kernel's squared sum starts near 1.",
                f"std = 2 / math.sqrt(self.expand.in_features) / {root}",
                "nn.init.normal_(self.expand.weight, std=std)",
            ]
        if not lines:
            # Nothing fixes the context's scale here, so the first kernels come from the bias.
            return [
                "# A kernel's squared sum starts near 1, whatever the scale of the context.",
                f"nn.init.normal_(self.expand.bias, std=1 / {root})",
            ]
        return [
            *lines,
            "# The hidden mean square is near 1/2, so a kernel's squared sum starts near 1.",
            f"std = math.sqrt(2 / self.expand.in_features) / {root}",
            "nn.init.normal_(self.expand.weight, std=std)",
        ]

    def hidden_line(self, context: str) -> str:
        """The assignment of `hidden`, what `expand` reads."""
        if not self.hidden:
            return f"hidden = {context}"
        inner = f"self.squeeze({context})"
        inner = f"self.norm({inner})" if self.norm else inner
        return f"hidden = {ACTIVATIONS[self.act].format(x=inner)}"


_SQUEEZE = {True: "BiasedSqueeze", False: "UnbiasedSqueeze"}


def predictor_of(connection: Connection) -> Predictor:
    """The predictor of a pooled or center source."""
    weight: Weight = connection.operator.weight
    written = weight.predictor
    return Predictor(
        on="vector" if weight.source == "pooled" else "map",
        hidden=written is not None and written.width(1) is not None,
        squeeze_bias=written is not None and written.bias,
        norm=written is not None and written.norm == "batch_norm",
        act="relu" if written is None else written.act,
        normalized=weight.normalize != "none",
        experts=written is not None and written.experts is not None,
    )

"""The structure of a depth-wise convolution with predicted kernels, and the text all of them share.

Goes in: a `local` connection of separate channels with a pooled or center source. Comes out: a
`Form`, on which the text of its class depends, and pieces of that text. Sizes are not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Connection, Normalize
from relgraph.lower.fields import Arguments
from relgraph.lower.module import Definition
from relgraph.lower.predictor import Predictor, predictor_of

TAP_VIEWS = Definition(
    "tap_views",
    '''\
def tap_views(x: Tensor, kernel_size: int, stride: int = 1, dilation: int = 1) -> list[Tensor]:
    """A padded map (..., H + 2p, W + 2p) as each tap of a k×k kernel sees it, row by row.

    k² views (..., ⌈H/stride⌉, ⌈W/stride⌉), with p = dilation · (k - 1) / 2.
    """
    offsets = [dilation * tap for tap in range(kernel_size)]
    height, width = x.shape[-2] - offsets[-1], x.shape[-1] - offsets[-1]
    return [
        x[..., top : top + height : stride, left : left + width : stride]
        for top in offsets
        for left in offsets
    ]''',
)

NORMALIZED: dict[Normalize, str] = {"none": "", "softmax": "Softmax", "sigmoid": "Sigmoid"}


@dataclass(frozen=True)
class Form:
    """The structure of a predicted depth-wise convolution: what its class's text depends on.

    `shares`: a kernel serves a head rather than a channel. `spaced`: outputs or taps stand further
    apart than 1. `masked`: absent slots matter, which they do to a softmax.
    """

    predictor: Predictor
    normalize: Normalize
    shares: bool
    spaced: bool
    bias: bool
    masked: bool

    def name(self, base: str, usual_bias: bool) -> str:
        """The class name: `base` for what is usual, a word in front for each thing that is not."""
        words = [
            "Spaced" if self.spaced else "",
            "Masked" if self.masked else "",
            NORMALIZED[self.normalize],
            self.predictor.prefix,
            "" if self.bias == usual_bias else "Biased" if self.bias else "Unbiased",
        ]
        return "".join(words) + base

    @property
    def equation(self) -> str:
        """The weights as a function of `context`, for docstrings."""
        predicted = self.predictor.equation
        return predicted if self.normalize == "none" else f"{self.normalize}_j({predicted})"

    @property
    def parameters(self) -> list[str]:
        """Sizes that the constructor takes behind `kernel_size`."""
        spacing = ["stride: int", "dilation: int"] if self.spaced else []
        hidden = "num_experts: int" if self.predictor.experts else "reduction: int"
        return ([hidden] if self.predictor.hidden else []) + spacing

    @property
    def spacing(self) -> str:
        """Arguments that stand behind others in a call of what takes a stride and a dilation."""
        return ", self.stride, self.dilation" if self.spaced else ""

    def constructor(
        self,
        sizes: list[str],
        own: list[str],
        weights: str,
        bias_dim: str = "dim",
        root: str = "self.kernel_size",
    ) -> str:
        """`__init__` and `reset_parameters`: layers, then the bias, then how they start.

        `weights` and `bias_dim` are expressions of how many weights and biases there are, `root` is
        the square root of how many products an output sums."""
        spacing = ["self.stride = stride", "self.dilation = dilation"] if self.spaced else []
        bias = [f"self.bias = nn.Parameter(torch.empty({bias_dim}))"] if self.bias else []
        zeros = ["nn.init.zeros_(self.bias)"] if self.bias else []
        reset = [*self.predictor.reset_lines(root), *zeros]
        layers = self.predictor.init_lines(weights)
        calls = ["self.reset_parameters()"] if reset else []
        init = body(["super().__init__()", *own, *spacing, *layers, *bias, *calls])
        text = f"{_signature([*sizes, *self.parameters])}\n{init}"
        if not reset:
            return text
        return f"{text}\n\n    def reset_parameters(self) -> None:\n{body(reset)}"


def _signature(parameters: list[str]) -> str:
    line = f"    def __init__(self, {', '.join(parameters)}) -> None:"
    if len(line) <= 100:
        return line
    return f"    def __init__(\n        self, {', '.join(parameters)}\n    ) -> None:"


def form_of(connection: Connection) -> Form:
    """The structure of a pooled or center connection that the fast forms accept."""
    operator = connection.operator
    space, normalize = operator.space, operator.weight.normalize
    return Form(
        predictor_of(connection),
        normalize,
        shares=operator.channel.share != "none",
        spaced=space.stride != (1, 1) or space.dilation != (1, 1),
        bias=operator.bias == "channels",
        masked=space.border == "mask" and normalize == "softmax",
    )


def size_arguments(connection: Connection) -> Arguments:
    """What stands behind `kernel_size` in the constructor call."""
    space, predictor = connection.operator.space, connection.operator.weight.predictor
    sizes: Arguments = ()
    if predictor is not None and predictor.reduction is not None:
        sizes = (("reduction", predictor.reduction),)
    if predictor is not None and predictor.experts is not None:
        sizes = (("num_experts", predictor.experts),)
    if form_of(connection).spaced:
        sizes += (("stride", space.stride[0]), ("dilation", space.dilation[0]))
    return sizes


def body(lines: list[str]) -> str:
    """Lines of a method's body."""
    return "\n".join(f"        {line}" for line in lines)


def imports_of(text: str) -> tuple[str, ...]:
    """The standard library's part in a class's text: `math`, where it is used."""
    return ("import math",) if "math." in text else ()

"""The text of one class: docstring with its equation and shapes, `__init__`, `forward`.

Goes in: the drafts that share the class, its signature, the lines of its members. Comes out: source
text. The words of the equation are the spec's own.
"""

from __future__ import annotations

from relgraph.emit.draft import Draft
from relgraph.emit.equation import equations
from relgraph.emit.signature import Signature, relative
from relgraph.emit.text import call, docstring, statement, wrapped
from relgraph.lower.module import MapSize
from relgraph.program import Scope, Shape

_DROP_PATH = "float = 0.0"


def scope_text(name: str, drafts: list[Draft], signature: Signature, lines: list[str]) -> str:
    """The class `name` for `drafts`; `lines` are its members' statements in `__init__`."""
    draft = drafts[0]
    types = [f"{argument}: {_type(argument, signature)}" for argument in signature.arguments()]
    init = call("def __init__", ["self", *types], 4, " -> None:")
    forward = [*draft.lines, f"return {draft.result}"]
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            *docstring(_paragraphs(draft, signature), 4),
            "",
            init,
            "        super().__init__()",
            *lines,
            *_starts(draft),
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            *(statement(line, 8) for line in forward),
        ]
    )


def _starts(draft: Draft) -> list[str]:
    """The end of `__init__` and the method that starts members as the spec says."""
    if not draft.starts:
        return []
    return [
        "        self.reset_parameters()",
        "",
        "    def reset_parameters(self) -> None:",
        "        # What the spec starts otherwise than its class does by itself.",
        *(statement(line, 8) for line in draft.starts),
    ]


def _type(argument: str, signature: Signature) -> str:
    if argument == "drop_path":
        return _DROP_PATH
    value = signature.values[argument][0]
    if isinstance(value, MapSize):
        return "tuple[int, int]"
    if isinstance(value, tuple):
        return f"tuple[{', '.join('int' for _ in value)}]"
    return type(value).__name__


_ROLE_WORDS = {
    "block": "Block",
    "definition": "Part",
    "operator": "Operator",
    "stem": "Stem, from the image to the first map",
    "downsample": "From one stage to the next",
    "after": "End of a stage",
    "reduce": "The smaller map that keys and values read",
}


def _paragraphs(draft: Draft, signature: Signature) -> list[list[str]]:
    scope = draft.scope
    word = _ROLE_WORDS[scope.role]
    named = scope.role in ("block", "definition", "operator") and scope.name != "block"
    title = f"{word} `{scope.name}`" if named else word
    shapes = f"{_shape(scope, scope.input, signature, 'dim')} -> " + _shape(
        scope, scope.output, signature, "out_dim"
    )
    first = f"{title}: {shapes}."
    steps = [line[4:] for step in equations(scope.body) for line in wrapped(step, 4, "", "  ")]
    return [[first], steps]


def _shape(scope: Scope, shape: Shape, signature: Signature, width: str) -> str:
    """A shape in words; the channels by the name of the argument that counts them."""
    channels = _channels(signature, width)
    if shape.layout == "vector":
        return f"(B, {channels})"
    if shape.layout == "sequence":
        return f"(B, N, {channels})"
    return f"(B, {channels}, {_sides(scope, shape)})"


def _channels(signature: Signature, width: str) -> str:
    """The channels at one end by the name of the argument that counts them, or a letter."""
    if width == "dim":
        own = [name for name in ("in_chans", "dim") if name in signature.values]
        return own[0] if own else "C"
    if width in signature.values:
        return width
    ins = [draft.scope.input.channels for draft in signature.drafts]
    outs = [draft.scope.output.channels for draft in signature.drafts]
    base = _channels(signature, "dim")
    return (None if base == "in_chans" else relative(base, ins, outs)) or "D"


def _sides(scope: Scope, shape: Shape) -> str:
    if shape is scope.input or scope.input.grid is None or shape.grid is None:
        return "H, W"
    before, after = scope.input.grid, shape.grid
    if before == after:
        return "H, W"
    if all(b % a == 0 for b, a in zip(before, after, strict=True)):
        rows, columns = before[0] // after[0], before[1] // after[1]
        return f"H/{rows}, W/{columns}"
    return "H', W'"

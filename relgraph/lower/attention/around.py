"""Classes around a class of attention: the same on a map, on a torus, with a map completed.

Goes in: an attention's parts, or its class. Comes out: a class that inherits from it and changes
one thing. What is inside is not known here.
"""

from __future__ import annotations

from relgraph.algebra.operator import Space
from relgraph.lower.attention.code import fits, indented, signature
from relgraph.lower.attention.parts import Parts
from relgraph.lower.attention.text import definition
from relgraph.lower.module import Definition
from relgraph.lower.windows import PADDED_SIZE


def on_map(sequence: Definition) -> Definition:
    """A class on sequences as one on maps."""
    return Definition(
        f"{sequence.name}2d",
        f'''\
class {sequence.name}2d({sequence.name}):
    """The same on a map: (B, C, H, W) -> (B, C, H, W), N = H * W positions in row-major order."""

    def weights(self, x: Tensor) -> Tensor:
        return super().weights(x.flatten(2).transpose(1, 2))

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        y = super().aggregate(w, x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])

    def forward(self, x: Tensor) -> Tensor:
        # On channels_last memory both transposes are free views.
        y = super().forward(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])''',
        uses=(sequence,),
    )


def in_windows(parts: Parts, space: Space, *, shifted: bool) -> Definition:
    """The class as windows lie: cut at the border as it is, or on a torus; with zeros that
    complete the map."""
    made = definition(parts)
    if space.border == "wrap" and shifted:
        made = _wrapped(made)
    return _padded(made, parts.parameters) if space.pad else made


def _class_line(name: str, parent: str) -> str:
    line = f"class {name}({parent}):"
    return line if len(line) <= 100 else f"class {name}(\n    {parent}\n):"


def _call(function: str, arguments: str) -> list[str]:
    line = f"{function}({arguments})"
    return [line] if fits(line) else [f"{function}(", f"    {arguments}", ")"]


def _wrapped(cut: Definition) -> Definition:
    return Definition(
        f"Wrapped{cut.name}",
        f'''\
{_class_line(f"Wrapped{cut.name}", cut.name)}
    """The same on a torus: windows that a shift moves over the border wrap round it."""

    def mask_of(
        self, order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]
    ) -> Tensor | None:
        return None''',
        uses=(cut,),
    )


def _padded(exact: Definition, parameters: tuple[str, ...]) -> Definition:
    names = ", ".join(parameter.split(":")[0] for parameter in parameters)
    return Definition(
        f"Padded{exact.name}",
        f'''\
{_class_line(f"Padded{exact.name}", exact.name)}
    """The same on maps that windows need not divide.

    Zeros below and to the right complete the map; they take part and are cropped afterwards.
    """

{signature("__init__", parameters, "None")}
        map_size = padded_size(map_size, window_size)
{indented(_call("super().__init__", names))}

    def weights(self, x: Tensor) -> Tensor:
        return super().weights(self.complete(x))

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        return super().aggregate(w, self.complete(x))[:, :, : x.shape[2], : x.shape[3]]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.complete(x))[:, :, : x.shape[2], : x.shape[3]]

    def complete(self, x: Tensor) -> Tensor:
        h, w = padded_size((x.shape[2], x.shape[3]), self.window_size)
        return F.pad(x, (0, w - x.shape[3], 0, h - x.shape[2]))''',
        uses=(exact, PADDED_SIZE),
    )

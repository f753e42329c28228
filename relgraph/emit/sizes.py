"""The lines of a model that refuse sizes outside its contract, when it is built and when called.

In: a contract. Out: statements at eight spaces of indent.
"""

from __future__ import annotations

from relgraph.emit.text import literal
from relgraph.program import Contract

SIDES = ("height", "width")


def built_guard(contract: Contract) -> list[str]:
    """Refuses an `img_size` for which no model can be built."""
    if contract.unique:
        own = contract.minimum
        return [
            "        # Its maps do not follow from the image's sides alone.",
            f"        if tuple(self.img_size) != {literal(own)}:",
            "            raise ValueError("
            f'f"img_size: only {own[0]} x {own[1]}, found {{self.img_size}}")',
        ]
    return _guard(contract, "self.img_size", "img_size")


def called_guard(contract: Contract) -> list[str]:
    """Refuses images that the built model is not for."""
    if contract.fixed:
        return [
            "        if tuple(x.shape[-2:]) != tuple(self.img_size):",
            "            size = tuple(x.shape[-2:])",
            '            raise ValueError(f"built for images of {self.img_size}, found {size}")',
        ]
    return _guard(contract, "x.shape[-2:]", "images")


def _guard(contract: Contract, sides: str, noun: str) -> list[str]:
    """Multiples, and what they have to be at least where one of them would be too small."""
    rows, columns = contract.multiple
    conditions = [f"{side} % {n}" for side, n in zip(SIDES, (rows, columns), strict=True) if n > 1]
    said = f" multiples of {rows}" if rows == columns else f" multiples of {rows} and {columns}"
    words = said if conditions else ""
    if not contract.fixed and contract.minimum != contract.multiple:
        least = contract.minimum
        conditions += [f"{side} < {n}" for side, n in zip(SIDES, least, strict=True) if n > 1]
        words += f" from {least[0]} x {least[1]} on"
    if not conditions:
        return []
    return [
        f"        {', '.join(SIDES)} = {sides}",
        f"        if {' or '.join(conditions)}:",
        f'            raise ValueError(f"{noun}:{words}, found {{height}} x {{width}}")',
    ]

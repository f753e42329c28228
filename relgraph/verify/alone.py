"""One connection by itself: emitted, built at a small size, and proved like those of a file.

In: a connection of any consistent operator. Out: the checks that `verify` makes of a connection in
a backbone. What stands around it, and the model that it is part of, are not asked about.
"""

from __future__ import annotations

import torch
from torch import nn

from relgraph.algebra.operator import Connection
from relgraph.emitted import load_text
from relgraph.lower import candidates
from relgraph.lower.module import Module, in_reading_order
from relgraph.program import node_of
from relgraph.verify.connections import Kind, check_kind
from relgraph.verify.report import Check
from relgraph.verify.shrink import shrunk

PRELUDE = (
    "from __future__ import annotations\n\nimport math\n\nimport torch\n"
    "import torch.nn.functional as F\nfrom torch import Tensor, nn\n"
)


def check_connection(connection: Connection, lowering: str | None = None) -> tuple[Check, ...]:
    """Every declared property of `connection` beside what its emitted class does, at a small size.

    `lowering` names a row of `relgraph.lower.table`; by default the fastest that fits is emitted.
    Raises KeyError where that row does not fit.
    """
    kind = kind_of(connection, lowering)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return tuple(check_kind(nn.Module(), kind))
    finally:
        torch.set_default_dtype(before)


def kind_of(connection: Connection, lowering: str | None = None) -> Kind:
    """The connection's small instance with its class, run from the text of its lowering."""
    node = node_of(connection)
    fitting = candidates(node)
    lowered = fitting[0][1] if lowering is None else dict(fitting)[lowering]
    return Kind(_class(lowered), shrunk(node), ("core",), (node,))


def _class(lowered: Module) -> type[nn.Module]:
    """The class that a lowering constructs, run from its text."""
    if lowered.definition is None:
        found: type[nn.Module] = getattr(nn, lowered.constructor.removeprefix("nn."))
        return found
    definitions = in_reading_order([lowered.definition])
    imports = sorted({line for one in definitions for line in one.imports})
    text = "\n\n\n".join([PRELUDE + "\n".join(imports), *(one.text for one in definitions)])
    made: type[nn.Module] = getattr(load_text(text, "core.py"), lowered.constructor)
    return made

"""From spec files to one value without references: `extends`, `replace`, parameters, short forms.

In: the name or path of a spec. Out: a `Resolution` with a frozen `resolved.Backbone` (or an
operator's use), what edits hit, warnings, and the files that were read. Maps and parameters are
not known here; that is `relgraph.assemble`'s part.
"""

from __future__ import annotations

from relgraph.resolve.edits import Hit
from relgraph.resolve.entry import (
    RefusedOperatorError,
    RefusedSpecError,
    Resolution,
    ResolvedUse,
    resolve_backbone,
    resolve_operator,
    resolve_use,
)

__all__ = [
    "Hit",
    "RefusedOperatorError",
    "RefusedSpecError",
    "Resolution",
    "ResolvedUse",
    "resolve_backbone",
    "resolve_operator",
    "resolve_use",
]

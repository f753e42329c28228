"""Learned things by orbit, as text: the axes of their parameters, and their values at the entries.

Goes in: a form. Comes out: expressions of an emitted general lowering.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form
from relgraph.lower.general.tables import table_names


def space_axes(form: Form) -> str:
    """The axes of a parameter over space, as arguments of a shape, from `tables`."""
    connect, share = form.space.connect, form.orbit_share
    orbits = f"tables[{table_names(form).index('orbits')}]"
    if share == "all" or (connect, share) == ("point", "positions"):
        return ""
    if (connect, share) == ("local", "positions"):
        return "*self.kernel_size"
    if share == "windows" or (connect, share) == ("full", "none"):
        return f"*{orbits}.shape[1:]"
    whole = not form.cut and not form.halo
    if share == "none" and connect in ("window", "stripe", "grid") and whole:
        return f"*{orbits}.shape"
    return "orbit_count"


def at_orbits(values: str, form: Form) -> str:
    """Values (..., orbits) at the table's entries; -1 reads the 0 that stands behind the last."""
    padded = f"F.pad({values}, (0, 1))" if form.has_dead_entries else values
    return f"{padded}[..., orbits]"

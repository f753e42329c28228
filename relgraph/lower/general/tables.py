"""The method of a general lowering that computes its index tables.

Goes in: a form. Comes out: the names of the tables, which become buffers, and the text of `tables`.
What the lines say is the affair of `places` and `orbits`.
"""

from __future__ import annotations

import re

from relgraph.lower.general.form import Form
from relgraph.lower.general.functions import NUMBER_LIVE
from relgraph.lower.general.orbits import orbit_lines, orbit_uses
from relgraph.lower.general.places import NEIGHBOURHOODS, place_uses, taps_method
from relgraph.lower.general.positions import position_lines, position_tables, position_uses
from relgraph.lower.module import Definition


def table_names(form: Form) -> tuple[str, ...]:
    """The tables that a form keeps, as names of buffers."""
    names = [] if form.space.connect == "full" else ["inputs"]
    if form.orbit_share is not None:
        names.append("orbits")
    if not form.is_stencil and form.space.connect not in ("full", "outlook"):
        names.append("order")
    if form.keeps_outputs:
        names.append("outputs")
    if form.has_region:
        names.append("centers")
    if form.has_band_entries:
        names.append("band")
    return (*names, *position_tables(form))


TABLE_DOCS = {
    "inputs": "inputs (n, k), the position that each slot reads, -1 for none",
    "orbits": "orbits (n or 1, q, k), the learned thing that stands at an entry",
    "order": "order (outputs,), where each output stands among the n * q",
    "outputs": "outputs (n, q), the position of each output",
    "centers": "centers (outputs, region), the positions around each output, -1 outside",
    "offsets": "offsets (things, 2), rows and columns from output to input of a learned thing",
    "places": "places ([n], k, 2), row and column by which each slot is turned",
    "band": "band (channels, taps), the number of each entry over channels, -1 for none",
}
_CELLS = "centers (n, region), the cells around that of each neighbourhood, -1 outside"


_BAND = [
    'c, m = (torch.arange(n, device="cpu") for n in (self.dim, self.band_size))',
    "read = c[:, None] + m - (self.band_size - 1) // 2",
    "band = number_live((read >= 0) & (read < self.dim))",
]


def table_uses(form: Form) -> tuple[Definition, ...]:
    """The functions that `tables_text` calls."""
    own = (NUMBER_LIVE,) if form.has_band_entries else ()
    uses = (*place_uses(form), *orbit_uses(form), *position_uses(form), *own)
    return tuple(dict.fromkeys(uses))


def tables_text(form: Form) -> str:
    """The method `tables`, and those that it calls."""
    names = table_names(form)
    if not names:
        return ""
    said = {**TABLE_DOCS, "centers": _CELLS} if form.space.connect == "outlook" else TABLE_DOCS
    docs = ";\n        ".join(said[name] for name in names)
    lines = [
        *NEIGHBOURHOODS[form.space.connect](form),
        *orbit_lines(form),
        *position_lines(form),
    ]
    if form.has_band_entries:
        lines += _BAND
    if re.search(r"\b[hw]\b", "\n".join(lines)):
        lines = ["h, w = map_size", *lines]
    body = "\n".join(f"        {line}" for line in lines)
    result = ", ".join(names) + ("," if len(names) == 1 else "")
    kinds = ", ".join("Tensor" for _ in names)
    taken = "self, map_size: tuple[int, int]"
    if len(names) > 5:  # or the line is too long
        taken = f"\n        {taken}\n    "
    tables = f'''\
    def tables({taken}) -> tuple[{kinds}]:
        """Index tables of a map, on the CPU:

        {docs}.
        """
{body}
        return {result if len(names) > 1 else f"({result})"}'''
    return "\n\n".join([tables, *taps_method(form)])

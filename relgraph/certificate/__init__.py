"""What a proof found, as a file that can be kept, shown, and held against a new proof.

In: values, or the text of a certificate. Out: the same facts, losslessly: `parse(dump(x)) == x`.
This package runs no proof and knows no model; `relgraph.verify.certify` fills a certificate in.
"""

from __future__ import annotations

from relgraph.certificate.against import Comparison, Line, compare
from relgraph.certificate.reading import load, parse
from relgraph.certificate.values import Certificate, Counts, Property, Versions, dump

__all__ = [
    "Certificate",
    "Comparison",
    "Counts",
    "Line",
    "Property",
    "Versions",
    "compare",
    "dump",
    "load",
    "parse",
]

"""The proof that an emitted file is what its spec declares (imports torch).

In: a file, or the name of a spec. Out: a `Report`, declared beside measured. The oracle and the
reference interpreter here import nothing of the compiler whose output they judge.
"""

from __future__ import annotations

from relgraph.verify.certified import certify
from relgraph.verify.proof import verify_backbone, verify_file, verify_operator, verify_text
from relgraph.verify.report import Check, Report

__all__ = [
    "Check",
    "Report",
    "certify",
    "verify_backbone",
    "verify_file",
    "verify_operator",
    "verify_text",
]

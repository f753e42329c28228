"""A certificate of what a proof found: the report, with tolerances and versions.

In: a `Report`. Out: a `Certificate`, which knows no torch. Nothing of the machine goes into it: no
clock, no folder, and the file by the hash of its bytes alone.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping

import torch

from relgraph import __version__
from relgraph.certificate import Certificate, Property, Versions
from relgraph.errors import printable
from relgraph.verify.compare import TOLERANCE
from relgraph.verify.connectivity import VISIBLE
from relgraph.verify.heads import ROUNDING as HEARD
from relgraph.verify.loud import TOLERANCE as LARGE
from relgraph.verify.precision import FLOAT32
from relgraph.verify.rank import ROUNDING
from relgraph.verify.report import Check, CheckName, Report
from relgraph.verify.sharing import TIE

TOLERANCES: Mapping[CheckName, float | None] = {
    "spec": None,
    "calls": TOLERANCE,
    "state": None,
    "machine": None,
    "reach": None,
    "precision": FLOAT32,
    "start": None,
    "parameters": None,
    "interface": None,
    "sizes": None,
    "logits": TOLERANCE,
    "features": TOLERANCE,
    "gradients": TOLERANCE,
    "forms": TOLERANCE,
    "training": TOLERANCE,
    "second size": TOLERANCE,
    "large values": LARGE,
    "drop path": TOLERANCE,
    "cost": None,
    "runs": None,
    "values": TOLERANCE,
    "composition": TOLERANCE,
    "connectivity": VISIBLE,
    "sharing": TIE,
    "dynamism": TOLERANCE,
    "shifts": TOLERANCE,
    "heads": HEARD,
    "rank": ROUNDING,
}
"""How far apart two numbers may be to count as equal; None where a property does not rest on the
nearness of two numbers."""

# What a foreign exception says may name a file of this machine: its folder is dropped.
_FOLDERS = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[\w.+~-]+[/\\])+")


def certify(report: Report) -> Certificate:
    """What `report` found, to be kept: equal for equal proofs."""
    return Certificate(
        name=_portable(report.name),
        spec=report.spec,
        file=report.sha256,
        edited=report.edited,
        versions=Versions(__version__, platform.python_version(), str(torch.__version__)),
        properties=tuple(_property(check) for check in report.checks),
    )


def _property(check: Check) -> Property:
    return Property(
        name=check.name,
        subject=_portable(check.subject),
        declared=_portable(check.declared),
        measured=_portable(check.measured),
        tolerance=TOLERANCES[check.name],
        ok=check.ok,
        counter_example=_portable(check.counter_example),
        covers=check.covers,
    )


def _portable(text: str) -> str:
    """The first line, without folders: what follows it in an exception is where it was raised."""
    first = next(iter(text.splitlines()), "")
    return printable(_FOLDERS.sub("", first))

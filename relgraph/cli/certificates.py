"""Certificates on the command line: kept by `verify`, held against a new proof, shown.

In: a report, or a certificate's file. Out: lines, tables, JSON. Nothing here imports torch unless
a proof has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relgraph.certificate import Certificate, Comparison, Line, Property, compare, dump, load
from relgraph.cli import output
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically

if TYPE_CHECKING:
    from relgraph.verify.report import Check, Report


def check_target(path: Path, against: Path | None) -> None:
    """Refuse what `verify` may not write, before a minute of proof is lost.

    A new certificate beside the comparison with an old one could take its place, and hide what
    differs. Another ending than .json is a slip that could cost a model.
    """
    if against is not None:
        raise click.UsageError("give one of --certificate and --against")
    if path.suffix != ".json":
        expected = "expected a file that ends in .json"
        raise RelgraphError(Problem("not-json", f"--certificate {path}", expected))


def keep(report: Report, path: Path) -> None:
    """Write what was found to `path`, proved or not."""
    from relgraph.verify import certify

    write_atomically(path, dump(certify(report)))
    output.remark(f"wrote {path}")


def hold_against(kept: Certificate, report: Report, as_json: bool) -> None:
    """Print a new proof beside a certificate. Exits with 1 where they differ."""
    from relgraph.verify import certify

    found = compare(kept, certify(report))
    if as_json:
        output.print_json({**found.to_json(), "proved": report.ok})
    else:
        _print_comparison(found, report)
    if not found.same:
        raise click.exceptions.Exit(1)


def show(path: Path, as_json: bool) -> None:
    """Print what a certificate says."""
    kept = load(path)
    if as_json:
        output.print_json(kept.to_json())
        return
    print_checks(kept.properties)
    if kept.edited:
        output.say("note: the file was edited by hand after relgraph wrote it")
    for one in kept.properties:
        if not one.ok:
            output.say(f"FAIL {one.name} of {one.subject}: {one.counter_example}")
    versions, counts = kept.versions, kept.counts
    output.say(f"file: sha256 {kept.file}")
    output.say(f"spec: sha256 {kept.spec}")
    output.say(
        f"with: relgraph {versions.relgraph}, Python {versions.python}, torch {versions.torch}"
    )
    verdict = "proved" if kept.ok else f"not proved: {counts.failed} of {counts.properties} fail"
    output.say(f"{kept.name}: {verdict}, {counts.properties} checks")


def print_checks(checks: Sequence[Check | Property]) -> None:
    """Declared beside measured, a row for each; a certificate's with its tolerance."""
    rows = [
        (
            "ok" if check.ok else "FAIL",
            check.name,
            check.subject + (f" (×{check.covers})" if check.covers > 1 else ""),
            check.declared,
            check.measured,
            *_tolerance(check),
        )
        for check in checks
    ]
    headers = ("", "property", "subject", "declared", "measured")
    more = ("tolerance",) if any(isinstance(check, Property) for check in checks) else ()
    output.print_table((*headers, *more), rows)


def _tolerance(check: Check | Property) -> tuple[str, ...]:
    if not isinstance(check, Property):
        return ()
    return ("" if check.tolerance is None else f"{check.tolerance:.0e}",)


def _print_comparison(found: Comparison, report: Report) -> None:
    rows = [_row(line) for line in found.lines]
    output.print_table(("", "", "certificate", "now"), rows)
    for note in found.notes:
        output.say(f"note: {note}")
    for check in report.failures:
        output.say(f"FAIL {check.name} of {check.subject}: {check.counter_example}")
    differ = f"{len(found.differences)} of {len(found.lines)} differ"
    verdict = "as certified" if found.same else f"not as certified: {differ}"
    proved = "proved" if report.ok else "not proved"
    output.say(f"{report.name} ({report.file}): {proved}, {verdict}")


def _row(line: Line) -> tuple[str, ...]:
    """Hashes that agree by their first digits, as `verify` shows them; others in full."""
    if line.same and line.what in ("file", "spec"):
        return "ok", line.what, line.certified[:16], line.now[:16]
    return "ok" if line.same else "FAIL", line.what, line.certified, line.now

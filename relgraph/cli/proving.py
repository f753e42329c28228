"""`verify`: what a spec declares beside what was measured in the emitted file.

What was found can be kept as a certificate, and an earlier certificate held against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relgraph.certificate import load
from relgraph.cli import certificates, output
from relgraph.cli.naming import find
from relgraph.cli.options import PATH, as_json
from relgraph.cli.requirements import require

if TYPE_CHECKING:
    from relgraph.verify.report import Progress, Report

GENERATED = Path("generated")
"""Where `generate` writes unless told otherwise, and `verify NAME` looks."""


@click.command
@click.argument("name", help="A backbone, an operator, or an emitted .py file.")
@click.option("--certificate", "-o", type=PATH, help="Keep what was found, as a .json file.")
@click.option("--against", type=PATH, help="A certificate, to hold what is found against.")
@as_json
def verify(name: str, certificate: Path | None, against: Path | None, json: bool) -> None:
    """Prove that a file is what its spec declares.

    Exits with 1 where a declared property was not measured, and where what was found is not what
    the certificate says. `relgraph show FILE.json` shows a certificate.
    """
    if certificate is not None:
        certificates.check_target(certificate, against)
    kept = None if against is None else load(against)
    require("torch", "torch", "run the emitted model")
    with output.progress("loading") as progress:
        report = _prove(name, progress)
    if certificate is not None:
        certificates.keep(report, certificate)
    if kept is not None:
        certificates.hold_against(kept, report, json)
    elif json:
        output.print_json(report.to_json())
    else:
        _print(report)
    if not report.ok:
        raise click.exceptions.Exit(1)


def _prove(name: str, progress: Progress) -> Report:
    from relgraph import verify as proof

    if name.endswith(".py"):
        return proof.verify_file(Path(name), progress)
    spec = find(name, ["backbones", "operators"])
    if spec.kind == "operators":
        return proof.verify_operator(spec.word, progress)
    return _backbone(spec.word, progress)


def _backbone(word: str, progress: Progress) -> Report:
    """The proof of the file in `generated/`; of fresh text where there is none."""
    from relgraph import verify as proof
    from relgraph.emitted import read_source
    from relgraph.pipeline import compile_backbone

    compiled = compile_backbone(word)
    path = GENERATED / f"{compiled.name}.py"
    if not path.exists():
        output.remark(f"{path} is not there: proving what `relgraph generate` would write")
        return proof.verify_text(compiled.text, f"{compiled.name}.py (not written)", progress)
    # A file is proved against the spec that it carries: that must be the one that was named.
    if _spec_of(read_source(path)) != _spec_of(compiled.text):
        output.say(f"{path} was made from another state of the spec; generate it again")
        raise click.exceptions.Exit(1)
    return proof.verify_file(path, progress)


def _spec_of(text: str) -> str:
    """The resolved spec at the end of an emitted file, as text."""
    return text.rpartition("\nBUILDER = ")[2]


def _print(report: Report) -> None:
    certificates.print_checks(report.checks)
    if report.edited:
        output.say("note: the file was edited by hand since relgraph wrote it")
    for check in report.failures:
        output.say(f"FAIL {check.name} of {check.subject}: {check.counter_example}")
    failed = len(report.failures)
    verdict = "proved" if report.ok else f"not proved: {failed} of {len(report.checks)} fail"
    output.say(f"{report.name} ({report.file}): {verdict}, {len(report.checks)} checks")

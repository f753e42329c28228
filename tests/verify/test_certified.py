"""A certificate of a report: every check with its tolerance, and nothing of the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from relgraph.certificate import dump, parse
from relgraph.emit.header import read_header
from relgraph.files import sha256
from relgraph.verify import Check, Report, certify, verify_file
from relgraph.verify.certified import TOLERANCES
from relgraph.verify.report import CheckName
from tests.verify.models import emitted


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("proved") / "tiny_vit.py"
    path.write_bytes(emitted("tiny_vit").encode())
    return verify_file(path)


def test_every_check_has_a_row_of_tolerances() -> None:
    assert tuple(TOLERANCES) == get_args(CheckName)


def test_the_page_names_every_check() -> None:
    page = (Path(__file__).parents[2] / "docs" / "certificates.md").read_text("utf-8")
    assert [name for name in get_args(CheckName) if f"`{name}`" not in page] == []


def test_a_proof_in_full(report: Report) -> None:
    text = emitted("tiny_vit")
    header = read_header(text)
    assert header is not None
    kept = certify(report)
    assert (kept.name, kept.file, kept.spec) == ("tiny_vit", sha256(text), header.spec)
    assert kept.ok
    assert kept.versions.torch == torch.__version__
    assert [(one.name, one.subject, one.declared, one.ok) for one in kept.properties] == [
        (one.name, one.subject, one.declared, one.ok) for one in report.checks
    ]
    assert parse(dump(kept), "c.json") == kept


def test_the_same_file_elsewhere_has_the_same_certificate(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.py"
    path.write_bytes(emitted("tiny_vit").encode())
    again = verify_file(path)
    assert again.file != report.file
    assert dump(certify(again)) == dump(certify(report))
    assert str(tmp_path) not in dump(certify(again))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("RuntimeError: bad\nraised at /home/me/model.py", "RuntimeError: bad"),
        ("OSError: /home/me/.cache/x-1/model.py is gone", "OSError: model.py is gone"),
        (r"OSError: C:\Users\me\model.py is gone", "OSError: model.py is gone"),
        ("1 / (1 - rate), 14/7 and a/b/c", "1 / (1 - rate), 14/7 and a/b/c"),
        ("\x1b[2J", r"\x1b[2J"),
        ("", ""),
    ],
)
def test_what_an_exception_says_is_kept_without_folders(
    report: Report, said: str, kept: str
) -> None:
    check = Check("runs", "model", "it runs", "it breaks", False, said)
    certificate = certify(replace(report, checks=(check,)))
    assert certificate.properties[0].counter_example == kept
    assert parse(dump(certificate), "c.json") == certificate

"""`verify --certificate`, `verify --against` and `show` of a certificate, on a small model."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from relgraph.certificate import Versions, dump, load
from relgraph.cli.process import run
from tests.cli.conftest import Command
from tests.cli.test_running_commands import OWN

MODEL, KEPT = "generated/own.py", "own.json"


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """An emitted file and the certificate of it."""
    folder = tmp_path_factory.mktemp("proved")
    (folder / "own.yaml").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["generate", "own.yaml"]) == 0
        assert run(["verify", "own.yaml", "--certificate", KEPT]) == 0
    return (folder / MODEL).read_bytes(), (folder / KEPT).read_bytes()


@pytest.fixture
def here(folder: Path, proved: tuple[bytes, bytes]) -> Path:
    (folder / "generated").mkdir()
    (folder / MODEL).write_bytes(proved[0])
    (folder / KEPT).write_bytes(proved[1])
    return folder


def test_as_certified(here: Path, relgraph: Command) -> None:
    ran = relgraph("verify", MODEL, "--against", KEPT)
    assert (ran.code, ran.err) == (0, "")
    assert "FAIL" not in ran.out
    assert "proved, as certified" in ran.out.splitlines()[-1]


def test_by_file_the_certificate_is_the_same_and_nothing_else_is_left(
    here: Path, relgraph: Command
) -> None:
    assert relgraph("verify", MODEL, "-o", "again.json").code == 0
    assert (here / "again.json").read_bytes() == (here / KEPT).read_bytes()
    assert sorted(path.name for path in here.iterdir()) == ["again.json", "generated", KEPT]


def test_a_changed_file_is_not_as_certified(here: Path, relgraph: Command) -> None:
    path = here / MODEL
    path.write_text(path.read_text().replace("x = x + ", "x = x - ").replace("x + ", "x - "))
    ran = relgraph("verify", MODEL, "--against", KEPT, "--json")
    assert ran.code == 1
    said = json.loads(ran.out)
    assert (said["same"], said["proved"]) == (False, False)
    wrong = {line["what"] for line in said["lines"] if not line["same"]}
    assert {"file", "edited by hand", "logits of model"} <= wrong
    assert "spec" not in wrong


def test_a_comment_alone_is_another_file_of_the_same_properties(
    here: Path, relgraph: Command
) -> None:
    with (here / MODEL).open("a") as stream:
        stream.write("# by hand\n")
    ran = relgraph("verify", MODEL, "--against", KEPT)
    assert ran.code == 1
    failed = [line.split()[1] for line in ran.out.splitlines() if line.startswith("FAIL")]
    assert failed == ["file", "edited"]
    assert "proved, not as certified: 2 of " in ran.out.splitlines()[-1]


def test_a_changed_certificate_is_refused(here: Path, relgraph: Command) -> None:
    path = here / KEPT
    path.write_text(path.read_text().replace('"tolerance": 1e-09', '"tolerance": 1e-01', 1))
    for arguments in (("verify", MODEL, "--against", KEPT), ("show", KEPT)):
        ran = relgraph(*arguments)
        assert ran.code == 2
        assert "seal: what it seals was changed" in ran.err
        assert ran.out == ""


def test_a_forged_certificate_is_found_out_by_the_proof(here: Path, relgraph: Command) -> None:
    kept = load(here / KEPT)
    first, *rest = kept.properties
    forged = replace(kept, properties=(replace(first, ok=False), *rest))
    (here / KEPT).write_text(dump(forged))
    ran = relgraph("verify", MODEL, "--against", KEPT)
    assert ran.code == 1
    assert "not as certified: 1 of " in ran.out


def test_another_torch_is_told_and_not_judged(here: Path, relgraph: Command) -> None:
    kept = load(here / KEPT)
    (here / KEPT).write_text(dump(replace(kept, versions=Versions("0.1.0", "3.11.0", "2.0.0"))))
    ran = relgraph("verify", MODEL, "--against", KEPT)
    assert ran.code == 0
    assert "note: certified with torch 2.0.0, proved now with " in ran.out


def test_a_failed_proof_is_certified_as_that(here: Path, relgraph: Command) -> None:
    path = here / MODEL
    path.write_text(path.read_text().replace("x = x + ", "x = x - ").replace("x + ", "x - "))
    assert relgraph("verify", MODEL, "-o", "failed.json").code == 1
    assert not load(here / "failed.json").ok
    shown = relgraph("show", "failed.json")
    assert shown.code == 0
    assert "FAIL logits of model: " in shown.out
    assert "not proved: " in shown.out.splitlines()[-1]
    ran = relgraph("verify", MODEL, "--against", "failed.json")
    assert ran.code == 1, "it is as certified, and not proved"
    assert "not proved, as certified" in ran.out


def test_show_prints_the_rows_that_verify_prints(here: Path, relgraph: Command) -> None:
    shown = relgraph("show", KEPT)
    assert shown.code == 0
    proof = relgraph("verify", MODEL).out.splitlines()
    for line, again in zip(proof[:-1], shown.out.splitlines(), strict=False):
        assert again.startswith(line)
    assert json.loads(relgraph("show", KEPT, "--json").out) == json.loads((here / KEPT).read_text())


@pytest.mark.parametrize("arguments", [["show", KEPT], ["show", KEPT, "--json"]])
def test_show_needs_no_torch(here: Path, arguments: list[str]) -> None:
    code = (
        f"import sys; from relgraph.cli.process import run; assert run({arguments!r}) == 0; "
        "assert not {'torch', 'numpy', 'networkx', 'pydantic'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--certificate", MODEL), "expected a file that ends in .json"),
        (("--against", "nothing.json"), "nothing.json"),
        (("--against", MODEL), "no JSON"),
        (("--against", KEPT, "-o", KEPT), "give one of --certificate and --against"),
    ],
)
def test_mistakes_are_told_before_the_proof(
    here: Path,
    relgraph: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    from relgraph.cli import proving

    def never(*_: object) -> None:
        raise ZeroDivisionError("the proof ran")

    monkeypatch.setattr(proving, "_prove", never)
    before = {path: path.read_bytes() for path in here.rglob("*.*")}
    ran = relgraph("verify", MODEL, *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert {path: path.read_bytes() for path in here.rglob("*.*")} == before

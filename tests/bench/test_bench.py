"""Measurement and what is made of it: numbers differ from run to run, their meaning does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from relgraph.bench import Benched, BenchRequest, bench
from relgraph.bench.run import cases, chosen
from relgraph.cli.process import run
from relgraph.emitted import load_text
from relgraph.errors import RelgraphError
from relgraph.pipeline import compile_backbone
from relgraph.tuned import Choice, Tuned, key_of, read_tuned, write_tuned
from relgraph.verify import verify_file
from tests.designs import small

BLOCK = "- residual: [depthwise_conv: 3, batch_norm, relu]\n- residual: [pointwise, batch_norm]"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("specs"), BLOCK)


@pytest.fixture(scope="module")
def benched(spec: Path) -> Benched:
    return bench(BenchRequest(backbone=str(spec), batch=2, rounds=2))


def test_every_connection_with_several_forms_is_measured(spec: Path, benched: Benched) -> None:
    program = compile_backbone(str(spec)).program
    assert [case.where for case in benched.cases] == [paths for paths, _ in cases(program)]
    assert [case.name for case in benched.cases] == ["conv", "depthwise_conv", "pointwise"]
    for case in benched.cases:
        for what in ("forward", "training step"):
            first, *others = case.of(what)
            assert first.ratio == 1.0 and others[-1].form == "general"
            assert all(one.median > 0 and one.rate > 0 for one in (first, *others))
    assert benched.matmul_rate > 1e6


def test_the_faster_form_is_chosen_and_only_where_it_is_another(benched: Benched) -> None:
    def at(ratio: float) -> Benched:
        made = tuple(
            replace(
                case,
                measured=tuple(
                    replace(one, ratio=ratio if one.form == "general" else 1.0)
                    for one in case.measured
                ),
            )
            for case in benched.cases
        )
        return replace(benched, cases=made)

    assert chosen(at(1.2), "forward").choices == ()
    assert {c.form for c in chosen(at(0.7), "forward").choices} == {"general"}
    assert [c.ratio for c in chosen(at(0.7), "training step").choices] == [0.7] * 3


def tuned_for(spec: Path) -> Tuned:
    """The general form for the depth-wise convolution."""
    (case,) = [c for c in cases(compile_backbone(str(spec)).program) if c[1].name != "conv"][:1]
    choice = Choice(
        key=key_of(case[1]), form="general", instead_of="conv", ratio=0.8, where=case[0]
    )
    return Tuned(backbone="example", measured="forward", machine="a machine", choices=(choice,))


def test_a_tuned_file_says_so_is_proved_and_takes_the_same_weights(
    spec: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "tuned.json", tmp_path / "generated"
    write_tuned(path, tuned_for(spec))
    assert read_tuned(path) == tuned_for(spec)
    assert run(["generate", str(spec), "--tuned", str(path), "--out", str(out)]) == 0
    assert run(["generate", str(spec), "--tuned", str(path), "--out", str(out), "--check"]) == 0
    assert run(["generate", str(spec), "--out", str(out), "--check"]) == 1, "another file"
    text, plain = (out / "example.py").read_text(), compile_backbone(str(spec)).text
    assert "Forms chosen by measurement (forward; a machine):" in text
    assert "general instead of conv, 0.80 of its time: depthwise_conv on 8 x 8" in text
    assert "groups=dim" in plain and "groups=dim" not in text
    report = verify_file(out / "example.py")
    assert [check.name for check in report.checks if not check.ok] == []
    models = [load_text(one, "example.py").example().eval() for one in (plain, text)]
    models[1].load_state_dict(models[0].state_dict())
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(models[0](x), models[1](x))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "not-tuned"),
        ("[]", "not-tuned"),
        ('{"format": 2}', "not-tuned"),
        ('{"format": 1, "choices": []}', "not-tuned"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(text)
    with pytest.raises(RelgraphError) as caught:
        read_tuned(path)
    assert [problem.code for problem in caught.value.problems] == [found]


def test_a_form_that_a_connection_has_not_is_told(spec: Path) -> None:
    wrong = tuned_for(spec)
    wrong = replace(wrong, choices=(replace(wrong.choices[0], form="window attention"),))
    with pytest.raises(RelgraphError, match="has no form window attention"):
        compile_backbone(str(spec), wrong)


def test_words_of_the_file_reach_no_code(spec: Path, tmp_path: Path) -> None:
    data = json.loads(tuned_for(spec).to_text())
    for text in ('"""\nimport os', "a\nb"):
        path = tmp_path / "tuned.json"
        path.write_text(json.dumps({**data, "machine": text}))
        with pytest.raises(RelgraphError):
            read_tuned(path)
    quotes = replace(tuned_for(spec), machine='""" + evil + """')
    module = load_text(compile_backbone(str(spec), quotes).text, "example.py")
    assert "evil" in (module.__doc__ or "")


def test_a_gpu_that_is_not_there_is_told() -> None:
    if torch.cuda.is_available():
        assert bench(BenchRequest(backbone="resnet_fashion", rounds=1, device="cuda")).cases
        return
    with pytest.raises(RelgraphError, match="no GPU"):
        bench(BenchRequest(backbone="resnet_fashion", device="cuda"))

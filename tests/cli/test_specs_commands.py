"""`list`, `show`, `check`, `cost`, `generate`, `new`, `schema`: over every shipped spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.cli.equations import equation
from relgraph.cli.listing import about
from relgraph.shipped import KINDS, shipped
from tests.cli.conftest import Command

SHIPPED = [name for kind in KINDS for name in shipped(kind)]


def test_list_names_everything_that_ships(relgraph: Command) -> None:
    ran = relgraph("list", "--json")
    entries = json.loads(ran.out)
    assert [entry["name"] for entry in entries] == SHIPPED
    assert all(entry["about"] for entry in entries), "every shipped spec says what it is"


def test_pipes_get_plain_text(relgraph: Command) -> None:
    ran = relgraph("list")
    assert "\x1b" not in ran.out
    assert not set("─│┃━") & set(ran.out)


@pytest.mark.parametrize("name", SHIPPED)
def test_show_of_every_spec(relgraph: Command, name: str) -> None:
    ran = relgraph("show", name)
    assert (ran.code, ran.err) == (0, "")
    assert name in ran.out
    as_json = relgraph("show", name, "--json")
    assert as_json.code == 0
    assert json.loads(as_json.out)


def test_everything_shipped_is_accepted(relgraph: Command) -> None:
    ran = relgraph("check", *SHIPPED, "--json")
    assert ran.code == 0
    assert [entry["ok"] for entry in json.loads(ran.out)] == [True] * len(SHIPPED)


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("swin_tiny", 28_288_354, 4_490_566_656),
        ("dwnet_tiny", 24_172_744, 3_726_900_000),
        ("resnet50", 25_557_032, 4_089_200_000),
    ],
)
def test_cost_is_exact(relgraph: Command, name: str, parameters: int, macs: int) -> None:
    found = json.loads(relgraph("cost", name, "--json").out)
    assert found["parameters"] == parameters
    assert found["macs"] == pytest.approx(macs, rel=2e-5)
    assert isinstance(found["macs"], int)


def test_cost_at_another_size(relgraph: Command) -> None:
    small = json.loads(relgraph("cost", "dwnet_tiny", "--size", "224", "--json").out)
    large = json.loads(relgraph("cost", "dwnet_tiny", "--size", "448", "--json").out)
    assert large["parameters"] == small["parameters"]
    # All but the classifier grows with the area.
    classifier = 768 * 1000
    assert large["macs"] - classifier == 4 * (small["macs"] - classifier)


def test_generate_then_check_then_edit(relgraph: Command, folder: Path) -> None:
    assert relgraph("generate", "swin_fashion").code == 0
    path = folder / "generated" / "swin_fashion.py"
    first = path.read_bytes()
    assert relgraph("generate", "swin_fashion", "--check").code == 0
    path.write_text(path.read_text().replace("eps", "epsilon") + "# by hand\n")
    edited = path.read_bytes()
    stale = relgraph("generate", "swin_fashion", "--check", "--json")
    assert stale.code == 1
    assert json.loads(stale.out)[0]["status"] == "edited"
    refused = relgraph("generate", "swin_fashion")
    assert refused.code == 2
    assert "--force" in refused.err
    assert path.read_bytes() == edited
    assert relgraph("generate", "swin_fashion", "--force").code == 0
    assert path.read_bytes() == first


def test_generate_check_of_a_missing_file(relgraph: Command, folder: Path) -> None:
    assert relgraph("generate", "swin_fashion", "--check").code == 1
    assert not (folder / "generated").exists()


@pytest.mark.parametrize("what", ["operator", "backbone"])
def test_new_spec_is_commented_and_valid(relgraph: Command, folder: Path, what: str) -> None:
    assert relgraph("new", what, "my_own").code == 0
    text = (folder / "my_own.yaml").read_text()
    assert text.count("#") > 5
    assert relgraph("check", "my_own.yaml").code == 0
    assert relgraph("show", "my_own").code == 0, "a name in the current folder is enough"
    again = relgraph("new", what, "my_own")
    assert again.code == 2
    assert (folder / "my_own.yaml").read_text() == text


@pytest.mark.parametrize(
    ("what", "like"),
    [("operator", name) for name in shipped("operators")]
    + [("backbone", name) for name in shipped("backbones")],
)
def test_new_spec_like_any_shipped_one(relgraph: Command, what: str, like: str) -> None:
    ran = relgraph("new", what, "my_own", "--like", like)
    assert (ran.code, ran.err) == (0, "")
    assert relgraph("check", "my_own.yaml").code == 0


def test_new_spec_like_another_costs_the_same(relgraph: Command) -> None:
    relgraph("new", "backbone", "my_own", "--like", "dwnet_tiny")
    own = json.loads(relgraph("cost", "my_own", "--json").out)
    model = json.loads(relgraph("cost", "dwnet_tiny", "--json").out)
    assert own | {"name": ""} == model | {"name": ""}


def test_check_of_a_folder_reports_every_file(relgraph: Command, folder: Path) -> None:
    relgraph("new", "operator", "good_one")
    (folder / "bad_one.yaml").write_text("operator: bad_one\nspace: 3\nwidth: 4\n")
    ran = relgraph("check", ".", "--json")
    assert ran.code == 2
    by_name = {Path(entry["path"]).stem: entry for entry in json.loads(ran.out)}
    assert by_name["good_one"]["ok"]
    assert not by_name["bad_one"]["ok"]
    assert len(by_name["bad_one"]["problems"]) >= 2
    assert all(problem["place"]["line"] for problem in by_name["bad_one"]["problems"])


def test_schema_is_a_json_schema(relgraph: Command) -> None:
    ran = relgraph("schema")
    schema = json.loads(ran.out)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_first_sentence_of_a_comment() -> None:
    assert about("# One thing\n# on two lines. And more.\nkey: 1\n# not this\n") == (
        "One thing on two lines"
    )
    assert about("key: 1\n") == ""


SEPARATE = Channel(connect="separate")


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (
            Operator(Space(share="positions"), Channel()),
            "y[o, d] = b[d] + Σ_c W[d, c] · x[o, c]",
        ),
        (
            Operator(Space("local", (3, 3), share="positions"), SEPARATE, bias="none"),
            "y[o, d] = Σ_{j ∈ 3×3 around o, border zero} W[j − o, d] · x[j, d]",
        ),
        (
            Operator(Space("full"), Channel("separate", share="all"), bias="positions"),
            "y[o, d] = b[o] + Σ_{j ∈ all positions} W[o, j] · x[j, d]",
        ),
        (
            Operator(
                Space("full"),
                Channel("separate", share="heads", heads=2),
                Weight("pair", "softmax", "absolute"),
                "none",
                Frame(True, True),
            ),
            "y[o, d] = Σ_{j ∈ all positions} "
            "softmax_j(q[o, head(d)] · k[j, head(d)] + B[o, j, head(d)]) · v[j, d], "
            "v = V x, then y ← P y",
        ),
        (
            Operator(
                Space("full"),
                Channel("separate", share="heads", heads=4),
                Weight("pair", "softmax", kv_heads=2),
                "none",
                Frame(True, True),
            ),
            "y[o, d] = Σ_{j ∈ all positions} softmax_j(q[o, head(d)] · k[j, run(d)]) · v[j, d′], "
            "v = V x, d′ = d in the head that its run shares, then y ← P y",
        ),
        (
            Operator(
                Space("local", (3, 3), share="all"), SEPARATE, Weight("fixed", fixed="average")
            ),
            "y[o, d] = b[d] + Σ_{j ∈ 3×3 around o, border zero} 1/n · x[j, d]",
        ),
        (
            Operator(
                Space("local", (7, 7), share="positions"),
                Channel("separate", share="heads", heads=4),
                Weight("center"),
            ),
            "y[o, d] = b[d] + Σ_{j ∈ 7×7 around o, border zero} f[j − o, head(d)](x[o]) · x[j, d]",
        ),
    ],
)
def test_equations(operator: Operator, expected: str) -> None:
    assert equation(operator) == expected


def test_an_operators_text_and_sizes_are_told_together(relgraph: Command, tmp_path: Path) -> None:
    path = tmp_path / "my_word.yaml"
    path.write_text("operator: my_word\nbody: [local_attention: {window: 11}, conv: {sise: 3}]\n")
    ran = relgraph("check", str(path), "--json")
    assert ran.code == 2
    (checked,) = json.loads(ran.out)
    assert [problem["code"] for problem in checked["problems"]] == [
        "window-divides",
        "unknown-field",
    ]


def test_what_a_spec_says_does_not_steer_the_terminal(relgraph: Command, tmp_path: Path) -> None:
    path = tmp_path / "my_net.yaml"
    path.write_text('backbone: my_net\nextends: "\\e[2J\\nnet"\n')
    ran = relgraph("check", str(path))
    assert ran.code == 2
    assert "no backbone \\x1b[2J\\nnet" in ran.err + ran.out
    assert "\x1b" not in ran.err + ran.out


def test_an_operator_is_warned_of_a_parameter_that_nothing_reads(
    relgraph: Command, tmp_path: Path
) -> None:
    path = tmp_path / "my_word.yaml"
    path.write_text("operator: my_word\nparams: {size: 3}\nbody: [conv: 3]\n")
    ran = relgraph("check", str(path))
    assert ran.code == 0
    assert "unused-parameter" in ran.err + ran.out


def test_a_model_without_a_classifier_is_warned_of(relgraph: Command, tmp_path: Path) -> None:
    path = tmp_path / "my_net.yaml"
    path.write_text(
        "backbone: my_net\nstem: [patchify: 4]\nstages: [{depth: 1, channels: 8}]\n"
        "define: {mine: {params: {lost: 1}, body: [conv: 3]}}\nblock: [mine]\nhead: [global_pool]\n"
    )
    ran = relgraph("check", str(path))
    assert ran.code == 0
    assert "no-classifier" in ran.err + ran.out
    assert "unused-parameter" in ran.err + ran.out

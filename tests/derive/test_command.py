"""`relgraph derive`: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relgraph.data import FASHION_MNIST
from relgraph.data.idx import find_idx, read_idx, write_idx
from tests.cli.conftest import Command
from tests.test_architecture import HEAVY, RUN, SLOW_TO_START, start


def test_a_table_of_variants(relgraph: Command) -> None:
    ran = relgraph("derive", "dwnet_fashion", "--relation", "make-dynamic")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "4 variants of dwnet_fashion by edits of spatial (4 considered)"
    (pooled,) = (line for line in lines if line.startswith("dwnet_fashion_pooled"))
    assert "= dynamic_dwnet_fashion" in pooled
    assert "make dynamic: static → pooled" in pooled
    assert "+92.9%" in pooled


def test_json(relgraph: Command, folder: Path) -> None:
    ran = relgraph(
        "derive", "swin_fashion", "--axis", "channel", "-o", "out", "--top", "1", "--json"
    )
    answer = json.loads(ran.out)
    assert answer["original"]["name"] == "swin_fashion"
    assert answer["operators"] == ["local_attention"]
    first, *others = answer["variants"]
    assert others
    assert first["edits"] == ["share channel: heads 2/4 → all"]
    assert first["parameters_ratio"] == round(
        first["parameters"] / answer["original"]["parameters"], 4
    )
    assert [Path(one["path"]).name for one in answer["files"]] == [f"{first['name']}.yaml"]
    assert (folder / "out" / f"{first['name']}.yaml").is_file()


def test_steps_are_counted(relgraph: Command) -> None:
    words = ("derive", "vit_fashion", "--relation", "share", "--relation", "add-position", "--json")
    one, both, two = (
        json.loads(relgraph(*words, "--steps", steps).out)["variants"]
        for steps in ("1", "1..2", "2")
    )
    assert {len(v["edits"]) for v in one} == {1}
    assert {len(v["edits"]) for v in two} == {2}
    assert len(both) == len(one) + len(two)


def test_what_does_not_assemble_is_told(relgraph: Command) -> None:
    ran = relgraph("derive", "vit_fashion")
    assert "8 do not assemble: tokens-have-no-offset (4), tokens-refused (4)" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["swin_fashio"], "did you mean swin_fashion?"),
        (["swin_fashion", "--operator", "local_atention"], "did you mean local_attention?"),
        (["swin_fashion", "--relation", "freez"], "did you mean freeze?"),
        (["swin_fashion", "--stages", "3"], "a stage between 1 and 2"),
        (["swin_fashion", "--stages", "one"], "numbers from 1"),
        (["swin_fashion", "--steps", "2..1"], "the smaller number first"),
        (["swin_fashion", "--steps", "0"], "a range as in 1..2"),
        (["swin_fashion", "--max-macs", "much"], "as in 25M"),
        (["swin_fashion", "--max-macs", "1k"], "the closest, swin_fashion_"),
        (["swin_fashion", "--steps", "1..3", "--limit", "50"], "--limit"),
        (["swin_fashion", "--numbers", "kernle=3"], "did you mean kernel?"),
        (["swin_fashion", "--top", "2"], "-o DIR"),
        (["swin_fashion", "-o", "x", "--choose", "a", "--top", "2"], "one of them"),
        (["swin_fashion", "--plot", "x.pdf"], ".svg or .png"),
        (["swin_fashion", "--relation", "learn"], "no edit of the kind"),
        (
            ["swin_fashion", "--relation", "move", "-o", "x", "--choose", "swin_fashion_axia"],
            "did you mean swin_fashion_axial?",
        ),
        (["depthwise_conv"], "none of the backbones"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_mistakes_write_nothing(
    words: list[str], said: str, relgraph: Command, folder: Path
) -> None:
    ran = relgraph("derive", *words)
    assert ran.code == 2
    assert said in ran.err
    assert not list(folder.iterdir())


def test_the_plane_is_drawn_as_png_too(relgraph: Command, folder: Path) -> None:
    pytest.importorskip("resvg_py")
    assert relgraph("derive", "dwnet_fashion", "--relation", "share", "--plot", "x.png").code == 0
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")


def test_no_model_is_run(folder: Path) -> None:
    code = RUN.format("derive dwnet_fashion --relation share --plot x.svg -o out")
    done = start(code, HEAVY + SLOW_TO_START, folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "x.svg").is_file()


SPEC = """\
backbone: own
input: {size: 28, channels: 1}
classes: 10
stem: [patchify: 4, batch_norm]
stages: [{depth: 1, channels: 16}]
block: [{residual: [depthwise_conv: 3, batch_norm, pointwise, relu], label: token_mixer}]
head: [global_pool, classifier]
"""


@pytest.mark.slow
def test_written_variants_are_checked_generated_proved_and_trained(
    relgraph: Command, folder: Path
) -> None:
    (folder / "own.yaml").write_text(SPEC)
    names = ("own_center", "own_local5", "own_axial")
    choose = [part for name in names for part in ("--choose", name)]
    assert relgraph("derive", "own.yaml", "-o", "made", *choose).code == 0
    for name in names:
        assert relgraph("check", f"made/{name}.yaml").code == 0
        assert relgraph("generate", f"made/{name}.yaml", "--out", "generated").code == 0
        assert relgraph("verify", f"made/{name}.yaml").code == 0
    settings = ("data.kind=idx", f"data.path={images(folder)}", "epochs=1", "batch_size=32")
    overrides = [part for setting in settings for part in ("--set", setting)]
    out = ("--out", "run", "--accelerator", "cpu", "--quiet")
    trained = relgraph("train", "made/own_center.yaml", *overrides, *out)
    assert trained.code == 0, trained.err
    kept = {path.name for path in (folder / "run" / "specs").rglob("*.yaml")}
    assert {"own.yaml", "own_center.yaml", "own_center_mixer.yaml"} <= kept


def images(folder: Path) -> Path:
    """Enough for one step."""
    made = folder / "images"
    made.mkdir()
    for part in ("train", "t10k"):
        for kind, dimensions in (("images-idx3", 3), ("labels-idx1", 1)):
            array = read_idx(find_idx(FASHION_MNIST, f"{part}-{kind}-ubyte"), dimensions)
            (made / f"{part}-{kind}-ubyte.gz").write_bytes(write_idx(array[:32]))
    return made

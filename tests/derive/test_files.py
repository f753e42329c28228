"""Files of variants: the same bytes every time, never over somebody's edits."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from relgraph.derive.answer import Derived
from relgraph.derive.picture import LEFT, TOP, WIDE, picture
from relgraph.derive.plane import Axis, Label, axis, labels
from relgraph.derive.source import source
from relgraph.derive.steps import Allowed
from relgraph.derive.store import chosen, store
from relgraph.derive.text import is_intact
from relgraph.derive.variants import Request, derive
from relgraph.errors import RelgraphError

GOLDEN = Path(__file__).parent / "golden"


@cache
def derived() -> Derived:
    return derive(
        Request("swin_fashion", allowed=Allowed(frozenset(["freeze", "densify", "untie"])))
    )


def test_golden_files(tmp_path: Path) -> None:
    """Change them by hand, or write them again: `relgraph derive swin_fashion --relation freeze
    --relation densify --relation untie -o tests/derive/golden`."""
    store(derived().variants, source("swin_fashion"), tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    kept = {path.relative_to(GOLDEN): path.read_bytes() for path in GOLDEN.rglob("*.yaml")}
    assert made == kept
    assert len(made) == 4


def test_other_hash_seeds_make_the_same_files(tmp_path: Path) -> None:
    relations = [part for name in ("freeze", "densify", "untie") for part in ("--relation", name)]
    command = [sys.executable, "-m", "relgraph", "derive", "swin_fashion", *relations]
    plots = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        subprocess.run(
            [*command, "-o", str(folder), "--plot", str(tmp_path / f"{seed}.svg")],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
        )
        made = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.yaml")}
        assert made == {p.relative_to(GOLDEN): p.read_bytes() for p in GOLDEN.rglob("*.yaml")}
        plots.append((tmp_path / f"{seed}.svg").read_bytes())
    assert plots[0] == plots[1]


def test_ours_are_replaced_and_edited_ones_are_not(tmp_path: Path) -> None:
    variants, text = list(derived().variants), source("swin_fashion")
    assert {one.status for one in store(variants, text, tmp_path)} == {"written"}
    assert {one.status for one in store(variants, text, tmp_path)} == {"unchanged"}
    path = tmp_path / f"{variants[0].name}.yaml"
    assert is_intact(path.read_text())
    edited = path.read_text().replace("backbone:", "# mine\nbackbone:")
    path.write_text(edited)
    other = tmp_path / f"{variants[1].name}.yaml"
    other.unlink()
    with pytest.raises(RelgraphError, match="edited by hand"):
        store(variants, text, tmp_path)
    assert path.read_text() == edited
    assert not other.exists()
    store(variants, text, tmp_path, force=True)
    assert is_intact(path.read_text())


def test_variants_are_chosen_by_name() -> None:
    variants = derived().variants
    names = [variant.name for variant in variants]
    assert chosen(variants, [names[2], names[0]], None) == [variants[2], variants[0]]
    assert chosen(variants, (), 2) == list(variants[:2])
    with pytest.raises(RelgraphError, match=f"did you mean {names[0]}"):
        chosen(variants, [names[0] + "x"], None)


def test_a_backbone_by_path_is_extended_by_path(tmp_path: Path) -> None:
    own = tmp_path / "mine" / "own_net.yaml"
    own.parent.mkdir()
    own.write_text(
        "backbone: own_net\ninput: {size: 16}\nclasses: 3\nstem: [patchify: 4]\n"
        "stages: [{depth: 1, channels: 16}]\nblock: [{residual: [depthwise_conv: 3]}]\n"
        "head: [global_pool, classifier]\n"
    )
    found = derive(Request(str(own), allowed=Allowed(frozenset(["make dynamic"]))))
    folder = tmp_path / "derived"
    store(found.variants, source(str(own)), folder)
    text = (folder / "own_net_pooled.yaml").read_text()
    assert 'extends: "../mine/own_net.yaml"' in text
    assert source(str(folder / "own_net_pooled.yaml")).name == "own_net_pooled"


def test_the_picture_shows_every_model() -> None:
    text = picture(derived())
    assert text == picture(derived())
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    said = [element.text or "" for element in root.iter(f"{space}text")]
    for number, variant in enumerate(derived().variants, 1):
        assert f"{number}  {variant.name}" in said
    near = [
        name for name, _ in derived().siblings if any(line.endswith(f"  {name}") for line in said)
    ]
    assert "swin_static_fashion" in near
    for at, name in enumerate(near):
        assert f"{'abcdefgh'[at]}  {name}" in said
    assert "parameters" in said
    assert "multiply-adds" in said
    costs = {(one.cost.parameters, one.cost.macs) for one in derived().variants}
    dots = [float(dot.attrib["cx"]) for dot in root.iter(f"{space}circle")]
    plane = [x for x in dots if LEFT <= x <= LEFT + WIDE]
    assert len(plane) == len(costs)


def test_what_is_out_of_all_proportion_is_listed_outside_of_the_plane() -> None:
    first, *others = derived().variants
    huge = replace(first, cost=replace(first.cost, parameters=derived().cost.parameters * 11))
    text = picture(replace(derived(), variants=(huge, *others)))
    assert f">1  {huge.name} (outside)</text>" in text
    assert f">2  {others[0].name}</text>" in text
    marks = re.findall(r'text-anchor="middle" font-size="11">([^<]+)<', text)
    assert "1M" not in marks


def test_a_number_that_stands_away_from_its_dot_has_a_line_to_it() -> None:
    assert Label("12", 57.0, 54.0).leader(50.0, 50.0) is None
    assert Label("12", 80.0, 54.0).leader(50.0, 50.0) == (80.0, 50.0)


@pytest.mark.parametrize(("values", "marks"), [([10, 1000], 5), ([100, 130], 4), ([7, 7], 1)])
def test_axes_have_some_marks(values: list[int], marks: int) -> None:
    made = axis(values, 0.0, 100.0)
    assert len(made.marks()) >= marks
    assert all(0 <= made.at(mark) <= 100 for mark in made.marks())
    assert 0 < made.at(min(values)) <= made.at(max(values)) < 100


def test_doubling_is_the_same_distance_everywhere() -> None:
    made = Axis(1.0, 100.0, 0.0, 500.0)
    assert made.at(4) - made.at(2) == pytest.approx(made.at(40) - made.at(20))


def test_labels_cover_nothing() -> None:
    points = [(50.0 + 6 * n, 50.0, f"{n} name") for n in range(12)]
    placed = labels(points, (0.0, 0.0, 400.0, TOP * 10))
    found = [label for label in placed if label is not None]
    assert len(found) >= 8
    boxes = [(one.x, one.y) for one in found]
    assert len(set(boxes)) == len(boxes)
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            assert abs(one.y - other.y) >= 9 or abs(one.x - other.x) >= 20

"""Pictures: the same bytes every time, valid XML, and nothing on top of anything else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relgraph.errors import RelgraphError
from relgraph.graph.closure import closure
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import named_operators
from relgraph.graph.near import near
from relgraph.graph.picture import neighbourhood_scene, png, published_scene, svg
from relgraph.graph.picture.layers import Extent, Join, rows
from relgraph.graph.picture.places import _isotonic, places
from relgraph.graph.picture.scene import Arrow, Box, Line, Scene
from relgraph.graph.picture.text import edit_lines, width, wrap
from relgraph.graph.published import published
from relgraph.relations.derivation import MLP

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"
NAMESPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Area:
    """A rectangle of the picture, and what stands there."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: Area) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        return across > 0.05 and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.05

    def holds(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.top < y < self.bottom


@dataclass(frozen=True)
class Drawn:
    """What an SVG shows, read back from its text alone."""

    texts: tuple[Area, ...]
    boxes: tuple[Area, ...]
    points: tuple[tuple[float, float], ...]
    """Points of the arrows' lines, close together."""


def read(text: str) -> Drawn:
    root = ET.fromstring(text)
    texts, boxes, points = [], [], []
    for group in root.findall(f"{NAMESPACE}g"):
        dx, dy = map(float, re.findall(r"-?[\d.]+", group.attrib["transform"]))
        texts += [_text(e, dx, dy) for e in group.findall(f"{NAMESPACE}text")]
        boxes += [_box(e, dx, dy) for e in group.findall(f"{NAMESPACE}rect")]
        for path in group.findall(f"{NAMESPACE}path"):
            points += [(x + dx, y + dy) for x, y in _points(path.attrib["d"])]
    return Drawn(tuple(texts), tuple(boxes), tuple(points))


def _text(element: ET.Element, dx: float, dy: float) -> Area:
    size, said = float(element.attrib["font-size"]), element.text or ""
    style = {13.0: "name", 12.0: "label", 11.0: "plain", 10.0: "small"}[size]
    wide = width(said, style)  # type: ignore[arg-type]
    x, y = float(element.attrib["x"]) + dx, float(element.attrib["y"]) + dy
    left = x - wide / 2 if element.get("text-anchor") == "middle" else x
    return Area(left, y - 0.75 * size, left + wide, y + 0.2 * size, said)


def _box(element: ET.Element, dx: float, dy: float) -> Area:
    x, y, wide, high = (float(element.attrib[n]) for n in ("x", "y", "width", "height"))
    return Area(x + dx, y + dy, x + dx + wide, y + dy + high, "box")


def _points(path: str) -> list[tuple[float, float]]:
    x = y = 0.0
    found = []
    for command, numbers in re.findall(r"([MVCh])([^MVCh]*)", path):
        n = [float(number) for number in numbers.split()]
        if command == "M":
            x, y = n
        elif command == "V":
            found += [(x, y + (n[0] - y) * t / 20) for t in range(21)]
            y = n[0]
        elif command == "C":
            ends = ((x, y), (n[0], n[1]), (n[2], n[3]), (n[4], n[5]))
            found += [_bezier(ends, t / 20) for t in range(21)]
            x, y = n[4], n[5]
    return found


def _bezier(ends: tuple[tuple[float, float], ...], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * end[axis] for w, end in zip(weights, ends, strict=True)) for axis in (0, 1))
    return x, y


def check_nothing_overlaps(drawn: Drawn) -> None:
    for a, b in combinations(drawn.texts, 2):
        assert not a.meets(b), (a.what, b.what)
    for a, b in combinations(drawn.boxes, 2):
        assert not a.meets(b)
    for text in drawn.texts:
        for box in drawn.boxes:
            inside = box.left <= text.left and text.right <= box.right
            assert inside or not text.meets(box), text.what
    for x, y in drawn.points:
        assert not any(area.holds(x, y) for area in (*drawn.texts, *drawn.boxes)), (x, y)


@pytest.fixture(scope="module")
def families() -> RelationGraph:
    return closure([MLP], names=named_operators().operators)


def neighbours(families: RelationGraph, name: str, steps: int = 1) -> tuple[RelationGraph, int]:
    shown = near([families.nodes[families.place(name)]], steps, names=named_operators().operators)
    return shown, 0


def test_the_published_picture_is_the_committed_one() -> None:
    committed = (FIGURES / "published.svg").read_text("utf-8")
    fresh = "relgraph graph --published -o docs/figures/published.svg"
    assert committed == svg(published_scene(published())), fresh


def test_nothing_overlaps_in_the_published_picture() -> None:
    drawn = read(svg(published_scene(published())))
    assert len(drawn.boxes) == 12
    assert len(drawn.points) > 13 * 20
    check_nothing_overlaps(drawn)


def test_the_published_picture_says_what_the_figure_says() -> None:
    texts = [text.what for text in read(svg(published_scene(published()))).texts]
    joined = " ".join(texts)
    for label in ("Locality Sep.", "Spatial Dynamic", "Channel LR", "Vec. Atten. †", "low rank"):
        assert label in joined
    assert "Dynamic Local-S MLP" in joined


@pytest.mark.parametrize("name", ["local_attention", "mlp", "depthwise_conv", "average_pooling"])
def test_nothing_overlaps_around_an_operator(families: RelationGraph, name: str) -> None:
    shown, middle = neighbours(families, name)
    check_nothing_overlaps(read(svg(neighbourhood_scene(shown, middle))))


def test_more_general_operators_stand_above(families: RelationGraph) -> None:
    """With a middle, an arrow of order `down` starts above where it ends."""
    shown, middle = neighbours(families, "conv")
    scene = neighbourhood_scene(shown, middle)
    heights = {
        box.find(f"{NAMESPACE}title").text: float(box.attrib["y"])  # type: ignore[union-attr]
        for box in ET.fromstring(svg(scene)).iter(f"{NAMESPACE}rect")
        if box.find(f"{NAMESPACE}title") is not None
    }
    down = [arrow for arrow in scene.arrows if arrow.lines[0].mark == "down"]
    assert down
    assert all(heights[arrow.source] < heights[arrow.target] for arrow in down)


def test_a_picture_of_too_many_nodes_is_refused(families: RelationGraph) -> None:
    with pytest.raises(RelgraphError, match="--around"):
        neighbourhood_scene(families)


def test_hash_seeds_do_not_matter() -> None:
    program = (
        "from relgraph.graph.picture import published_scene, svg\n"
        "from relgraph.graph.published import published\n"
        "import hashlib\n"
        "print(hashlib.sha256(svg(published_scene(published())).encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


words = st.text(st.sampled_from("abcdefgh ·→×<&\"'"), min_size=1, max_size=24).map(
    lambda text: text.strip() or "x"
)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Any boxes with any arrows between two of them, circles included."""
    count = draw(st.integers(1, 9))
    boxes = tuple(
        Box(str(at), tuple(Line(text) for text in draw(st.lists(words, min_size=1, max_size=4))))
        for at in range(count)
    )
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    arrows = tuple(
        Arrow(str(a), str(b), (Line(draw(words), "small", "down"),), "sparse") for a, b in chosen
    )
    return Scene("any", boxes, arrows)


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_nothing_overlaps_in_any_picture(scene: Scene) -> None:
    drawn = read(svg(scene))
    assert len(drawn.boxes) == len(scene.boxes)
    check_nothing_overlaps(drawn)


@settings(max_examples=60, deadline=None)
@given(scenes(), st.integers(100, 600))
def test_rows_keep_every_slot_once_and_in_its_row(scene: Scene, room: int) -> None:
    joins = [Join(int(a.source), int(a.target), Extent(5, 50, 20)) for a in scene.arrows]
    found = rows([Extent(40, 40, 30)] * len(scene.boxes), joins, room)
    standing = [at for row in found.order for at in row]
    assert sorted(standing) == list(range(len(found.extents)))
    level = {at: number for number, row in enumerate(found.order) for at in row}
    for chain in found.chains:
        assert [level[at] - level[chain[0]] for at in chain] == list(range(len(chain)))
    placed = places(found)
    assert all(0 <= place <= placed.width for place in placed.x)


def test_a_circle_is_drawn_with_one_arrow_upward() -> None:
    extents = [Extent(40, 40, 30)] * 3
    joins = [Join(a, (a + 1) % 3, Extent(5, 50, 20)) for a in range(3)]
    assert rows(extents, joins, 1000).flipped == {2}


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 9)), min_size=1, max_size=8))
def test_places_are_the_best_that_the_order_allows(pairs: list[tuple[int, int]]) -> None:
    """Pooling adjacent violators against the max-min formula of isotonic regression."""
    values, weights = [float(v) for v, _ in pairs], [float(w) for _, w in pairs]

    def mean(first: int, last: int) -> float:
        total = sum(weights[first : last + 1])
        return sum(v * w for v, w in pairs[first : last + 1]) / total

    count = len(pairs)
    best = [
        max(min(mean(j, k) for k in range(i, count)) for j in range(i + 1)) for i in range(count)
    ]
    assert _isotonic(values, weights) == pytest.approx(best)


@given(st.text(st.sampled_from("abc de"), min_size=1), st.integers(1, 200))
def test_wrapping_keeps_words_and_room(text: str, room: int) -> None:
    lines = wrap(text, "small", room)
    assert " ".join(lines).split() == text.split()
    assert all(width(line, "small") <= room or " " not in line for line in lines)


def test_an_edit_breaks_after_what_it_does() -> None:
    broken = edit_lines(Line("sparsify channel: full → separate", "small", "down"), 110)
    assert [line.text for line in broken] == ["sparsify channel:", "full → separate"]
    assert [line.mark for line in broken] == ["down", None]
    assert broken[1].hangs


def test_png_has_two_pixels_for_each_of_the_svg() -> None:
    picture = svg(Scene("one", (Box("a", (Line("a"),)),), ()))
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', picture)
    assert size is not None
    drawn = png(picture)
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    wide, high = (int.from_bytes(drawn[at : at + 4]) for at in (16, 20))
    assert (wide, high) == pytest.approx([2 * float(n) for n in size.groups()], abs=2)


def test_png_without_its_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(RelgraphError, match=r"relgraph\[explore\]"):
        png("<svg/>")

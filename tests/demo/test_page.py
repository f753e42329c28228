"""The report page: self-contained, escaped, and it says what the result says."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import struct
import zlib
from html.parser import HTMLParser

import pytest

from relgraph.demo.charts import Chart, Series, line_chart, nice_ticks
from relgraph.demo.excerpt import block_of
from relgraph.demo.html import data_block, tag
from relgraph.demo.page import render_page
from relgraph.demo.png import png
from tests.demo.synthetic import synthetic_result

VOID = {"meta", "img", "br", "hr", "link"}


class Balance(HTMLParser):
    """Collects attributes and checks that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.extend((tag, name, value or "") for name, value in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Balance:
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    return balance


def test_page_loads_nothing() -> None:
    page = render_page(synthetic_result())
    for element, name, value in parsed(page).attributes:
        if name in ("src", "href") and element != "a":
            assert value.startswith("data:image/png;base64,")
        assert not name.startswith("on")
        assert name != "style", "the policy forbids style attributes"
    assert "url(" not in page
    assert "@import" not in page


def test_policy_allows_exactly_the_style_of_the_page() -> None:
    page = render_page(synthetic_result())
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src &#x27;sha256-{digest}&#x27;" in page
    assert "default-src &#x27;none&#x27;" in page


def test_embedded_numbers_come_back_and_cannot_end_their_block() -> None:
    result = synthetic_result()
    page = render_page(result)
    block = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert json.loads(block[1]) == json.loads(json.dumps(result.to_data()))
    assert "<" not in block[1]


def test_text_of_specs_is_escaped() -> None:
    page = render_page(synthetic_result())
    assert "&lt;b&gt;not markup&lt;/b&gt;" in page
    assert "<b>not markup" not in page


def test_a_failed_check_stands_open_with_its_counter_example() -> None:
    page = render_page(synthetic_result(failing=True))
    assert '<details open="open">' in page
    assert "does not depend on input (2,0)" in page
    assert "all hold" in page  # the other model's
    assert "1 of them fail" in page


def test_holding_checks_are_folded() -> None:
    assert "<details open" not in render_page(synthetic_result())


def test_data_block_escapes_the_end_of_a_script() -> None:
    assert "</script>" not in data_block("x", "</script>").removesuffix("</script>")


def test_tag_escapes_text_and_attributes() -> None:
    assert tag("p", "<&", title='"') == '<p title="&quot;">&lt;&amp;</p>'
    assert tag("p", tag("b", "<")) == "<p><b>&lt;</b></p>"


def test_png_is_what_the_specification_says() -> None:
    rows = [[(1, 2, 3), (4, 5, 6)], [(7, 8, 9), (10, 11, 12)]]
    raw = png(rows)
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", raw[16:24]) == (2, 2)
    start = raw.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", raw[start - 8 : start - 4])
    assert zlib.decompress(raw[start : start + length]) == bytes(
        [0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]
    )


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.83, 0.91), (-3.0, 11.0), (5.0, 5.0), (0.0, 0.0)]
)
def test_ticks_are_round_and_enclose(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 9
    steps = {round(b - a, 9) for a, b in itertools.pairwise(ticks)}
    assert len(steps) == 1
    assert f"{steps.pop():e}"[0] in "125"


def test_labels_of_lines_that_meet_are_moved_apart() -> None:
    series = tuple(Series(name, ((1, 0.5), (2, 0.9)), index) for index, name in enumerate("ab"))
    text = line_chart(Chart("t", "epoch", series))
    heights = [float(y) for y in re.findall(r'y="([\d.]+)" class="end', text)]
    assert len(heights) == 2
    assert abs(heights[0] - heights[1]) >= 12


def test_the_token_mixers_proof_is_in_sight() -> None:
    page = render_page(synthetic_result())
    before_the_fold = page.split("<details")[0]
    assert "49 values" in before_the_fold
    assert "equal to 1e-9" not in before_the_fold


def test_excerpt_is_the_block_and_the_part_it_is_about() -> None:
    text = (
        'class Other(nn.Module):\n    """Other."""\n\n'
        'class Mixer(nn.Module):\n    """Part `mixer`: a map."""\n\n'
        'class Block(nn.Module):\n    """Block `own`: a map."""\n\n'
        "    def __init__(self):\n        self.mixer = Mixer(3)\n        self.other = Other()\n"
    )
    shown = block_of(text)
    assert shown.startswith("class Mixer")
    assert "class Block" in shown
    assert "class Other" not in shown
    assert block_of("x = 1\n") == ""

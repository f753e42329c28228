"""docs/specs.md is fresh, names everything, and every example in it runs.

After a change of the language: `UPDATE_DOCS=1 pytest tests/spec/test_language_docs.py`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from relgraph.assemble import assemble
from relgraph.resolve import resolve_backbone, resolve_operator
from relgraph.spec.field import Field, Word
from relgraph.spec.language_docs import SECTIONS, WORD_GROUPS, field_example, refreshed
from relgraph.spec.not_yet import NOT_YET
from relgraph.spec.words import WORDS

PAGE = Path(__file__).parent.parent.parent / "docs" / "specs.md"
WHOLE = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
ITEMS = [
    *(word.example for word in WORDS.values()),
    *(field_example(word, field) for word in WORDS.values() for field in word.fields),
]
TOP = {
    "backbone": "backbone: tested",
    "stem": "stem: [conv: {size: 3, channels: $channels}]",
    "stages": "stages: [{depth: 1, channels: 32}, {depth: 1, channels: 32}]",
    "block": "block: [relu]",
    "head": "head: [global_pool, classifier]",
}
# Where an example of a property makes sense: what else the operator must say.
LOCAL = "connect: local, size: 3, share: positions"
SPACES = {
    "size": "connect: window",
    "shift": "connect: window, size: 7",
    "halo": "connect: window, size: 7",
    "along": "connect: stripe, size: 2",
    "pad": "connect: window, size: 7",
    "share": "connect: full",
    "rank": "connect: full",
    "connect": "size: 7",
    "border": LOCAL,
    "stride": LOCAL,
    "step": "connect: outlook, size: 3, share: windows",
    "dilation": LOCAL,
    "anchor": LOCAL,
    "padding": LOCAL,
}
SPACE_RANKS = {"separable": LOCAL, "scales": LOCAL, "between": "connect: full"}
WEIGHTS = {
    "position": "dynamic: pair, normalize: softmax, ",
    "qkv_bias": "dynamic: pair, ",
    "score": "dynamic: pair, ",
    "kv_heads": "dynamic: pair, ",
    "key_bias": "dynamic: pair, ",
    "talking_heads": "dynamic: pair, normalize: softmax, ",
    "hidden": "dynamic: pair, position: continuous, ",
    "temperature": "dynamic: pair, position: rotary, ",
    "reduction": "dynamic: pooled, ",
    "experts": "dynamic: pooled, ",
    "predictor": "dynamic: pooled, reduction: 4, ",
    "extent": "dynamic: center, ",
    "offset": "fixed: shift, ",
}
# Weights between heads, of which there are two or more.
AMONG = dict.fromkeys(("talking_heads", "kv_heads"), "{connect: separate, share: heads, heads: 2}")
# Weights that stand in one connectivity alone.
PLACES = {"offset": "{connect: local, size: 3}"}


def test_the_page_is_fresh() -> None:
    fresh = refreshed(PAGE.read_text())
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(fresh)
    assert PAGE.read_text() == fresh


def test_every_table_stands_on_the_page() -> None:
    blocks = set(re.findall(r"<!-- begin: ([a-z_]+) -->", PAGE.read_text()))
    assert blocks == {*SECTIONS, *WORD_GROUPS, "operators", "not_yet"}


def test_what_is_not_yet_is_no_word() -> None:
    for row in NOT_YET:
        field = next((one for one in SECTIONS[row.section] if one.name == row.key), None)
        assert (field is not None) == bool(row.value), row
        assert field is None or row.value not in field.choices


@pytest.mark.parametrize("text", WHOLE, ids=lambda text: text.split("\n")[0])
def test_whole_examples(text: str, tmp_path: Path) -> None:
    path = tmp_path / f"{text.split()[1]}.yaml"
    path.write_text(text)
    if text.startswith("operator:"):
        resolve_operator(path, 64)
    else:
        assemble(resolve_backbone(path).backbone)


@pytest.mark.parametrize("item", ITEMS)
def test_items(item: str, tmp_path: Path) -> None:
    assert run_backbone(
        tmp_path, {"block": f"block: [{{{item}}}]" if ":" in item else f"block: [{item}]"}
    )


def run_backbone(folder: Path, keys: dict[str, str]) -> bool:
    path = folder / "tested.yaml"
    path.write_text("\n".join({**TOP, **keys}.values()) + "\n")
    return bool(resolve_backbone(path).backbone.stages)


@pytest.mark.parametrize("field", SECTIONS["backbone"], ids=lambda field: field.name)
def test_backbone_keys(field: Field, tmp_path: Path) -> None:
    assert field.example.startswith(f"{field.name}: ")
    keys = {field.name: field.example}
    if field.name in ("extends", "replace", "set"):
        parent = "" if field.name == "extends" else "extends: swin_tiny\n"
        path = tmp_path / "tested.yaml"
        path.write_text(f"backbone: tested\n{parent}{field.example}\n")
        assert resolve_backbone(path).backbone
        return
    if field.name == "cycle":
        keys["block"] = ""
    if field.name == "define":
        keys["block"] = "block: [mixer]"
    if field.name == "params":
        keys["block"] = "block: [$act]"
    assert run_backbone(tmp_path, keys)


@pytest.mark.parametrize("name", ["input", "drop_path", "stage", "definition"])
def test_keys_inside_a_backbone(name: str, tmp_path: Path) -> None:
    for field in SECTIONS[name]:
        inside = field.example
        keys = {
            "input": {"input": f"input: {{{inside}}}"},
            "drop_path": {"drop_path": f"drop_path: {{rate: 0.1, {inside}}}"},
            "stage": {"stages": f"stages: [{{{_row(field)}{inside}}}]", "block": _blocks(field)},
            "definition": {
                "define": "define: {mix: {params: {ratio: 2}, body: [feed_forward: $ratio]}}",
                "block": "block: [mix: 4]",
            },
        }[name]
        if name == "drop_path" and field.name == "rate":
            keys = {"drop_path": f"drop_path: {{{inside}}}"}
        assert run_backbone(tmp_path, keys), field.name


def _row(field: Field) -> str:
    return "".join(
        f"{key}, " for key in ("depth: 2", "channels: 32") if not key.startswith(field.name)
    )


def _blocks(field: Field) -> str:
    return "" if field.name in ("cycle", "block") else "block: [relu]"


def operator(folder: Path, **sections: str) -> None:
    path = folder / "tested.yaml"
    written = {"space": "{connect: full}", "channel": "{connect: separate}", **sections}
    path.write_text("operator: tested\n" + "".join(f"{k}: {v}\n" for k, v in written.items()))
    resolve_operator(path, 64)


@pytest.mark.parametrize("field", SECTIONS["space"], ids=lambda field: field.name)
def test_space_keys(field: Field, tmp_path: Path) -> None:
    base = ", ".join(
        part for part in SPACES[field.name].split(", ") if not part.startswith(f"{field.name}:")
    )
    operator(tmp_path, space=f"{{{base}, {field.example}}}")


@pytest.mark.parametrize("field", SECTIONS["space_rank"], ids=lambda field: field.name)
def test_space_rank_keys(field: Field, tmp_path: Path) -> None:
    base = SPACE_RANKS.get(field.name, "connect: full")
    more = "tokens: 8, " if field.name == "between" else ""
    operator(tmp_path, space=f"{{{base}, rank: {{{more}{field.example}}}}}")


@pytest.mark.parametrize("field", SECTIONS["channel"], ids=lambda field: field.name)
def test_channel_keys(field: Field, tmp_path: Path) -> None:
    base = {"groups": "connect: groups, ", "rank": "connect: full, ", "connect": ""}
    base["size"] = "connect: local, "
    operator(tmp_path, channel=f"{{{base.get(field.name, 'connect: separate, ')}{field.example}}}")


@pytest.mark.parametrize("field", SECTIONS["channel_rank"], ids=lambda field: field.name)
def test_channel_rank_keys(field: Field, tmp_path: Path) -> None:
    more = "inner: 8, " if field.name == "between" else ""
    operator(tmp_path, channel=f"{{connect: full, rank: {{{more}{field.example}}}}}")


@pytest.mark.parametrize("field", SECTIONS["weight"], ids=lambda field: field.name)
def test_weight_keys(field: Field, tmp_path: Path) -> None:
    channel = AMONG.get(field.name, "{connect: separate, share: all}")
    weight = f"{{{WEIGHTS.get(field.name, '')}{field.example}}}"
    space = PLACES.get(field.name, "{connect: full}")
    operator(tmp_path, space=space, channel=channel, weight=weight)


@pytest.mark.parametrize("field", SECTIONS["predictor"], ids=lambda field: field.name)
def test_predictor_keys(field: Field, tmp_path: Path) -> None:
    weight = f"{{dynamic: center, reduction: 4, predictor: {{{field.example}}}}}"
    operator(tmp_path, weight=weight)


@pytest.mark.parametrize("field", SECTIONS["frame"], ids=lambda field: field.name)
def test_frame_keys(field: Field, tmp_path: Path) -> None:
    operator(tmp_path, frame=f"{{{field.example}}}")


@pytest.mark.parametrize("field", SECTIONS["operator"], ids=lambda field: field.name)
def test_operator_keys(field: Field, tmp_path: Path) -> None:
    if field.name == "body":
        path = tmp_path / "tested.yaml"
        path.write_text(f"operator: tested\n{field.example}\n")
        resolve_operator(path, 64)
    elif field.name != "operator":
        operator(tmp_path, **{field.name: field.example.partition(": ")[2]})


@pytest.mark.parametrize("field", SECTIONS["width"], ids=lambda field: field.name)
def test_width_fields(field: Field, tmp_path: Path) -> None:
    more = "ratio: 0.3, " if field.name == "divisor" else ""
    assert run_backbone(tmp_path, {"block": f"block: [conv: {{size: 3, {more}{field.example}}}]"})


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda word: word.name)
def test_words_are_said_in_a_sentence(word: Word) -> None:
    assert word.meaning.endswith(".")
    assert word.main is None or word.field(word.main)

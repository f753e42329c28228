"""Words from elsewhere are never accepted, and their meaning here is told."""

from __future__ import annotations

import pytest

from relgraph.shipped import shipped
from relgraph.spec.inits import INIT
from relgraph.spec.keys import BACKBONE, DEFINITION, DROP_PATH, INPUT, OPERATOR, STAGE
from relgraph.spec.other_names import ELSEWHERE, called_here, meant, suggested
from relgraph.spec.properties import CHANNEL, FRAME, PREDICTOR, SPACE, WEIGHT
from relgraph.spec.rank_properties import CHANNEL_RANK, SPACE_RANK, WIDTH
from relgraph.spec.words import ELEMENTS, WORDS

FILES = (BACKBONE, DEFINITION, DROP_PATH, INPUT, OPERATOR, STAGE, WIDTH, (INIT,))
SECTIONS = (SPACE, SPACE_RANK, CHANNEL, CHANNEL_RANK, WEIGHT, PREDICTOR, FRAME)
FIELDS = [
    field
    for table in (*FILES, *SECTIONS, *(word.fields for word in WORDS.values()))
    for field in table
]
PARAMETERS = {"window", "act", "reduce", "ratio", "out_bias"}  # of shipped operators
OWN = {
    *WORDS,
    *shipped("operators"),
    *(field.name for field in FIELDS),
    *(choice for field in FIELDS for choice in field.choices),
    *PARAMETERS,
}


@pytest.mark.parametrize("word", sorted(ELSEWHERE))
def test_what_a_row_names_exists(word: str) -> None:
    assert set(ELSEWHERE[word]) <= OWN


@pytest.mark.parametrize(
    ("word", "legal", "expected"),
    [
        ("BatchNorm2d", WORDS, "batch_norm"),
        ("layernorm", WORDS, "layer_norm"),
        ("swish", ELEMENTS, "silu"),
        ("kernel_size", ["size", "stride"], "size"),
        ("out_channels", ["channels", "groups"], "channels"),
        ("num_heads", ["heads"], "heads"),
        ("depthwise", ["full", "groups", "separate"], "separate"),
        ("RoPE", ["none", "relative", "rotary"], "rotary"),
        ("rope", WORDS.keys() | shipped("operators").keys(), "rotary_attention"),
        ("rope", ["normalize", "position", "score"], "position"),
        ("rope_theta", ["heads", "temperature"], "temperature"),
        ("log_cpb", ["relative", "continuous"], "continuous"),
        ("rel_pos_bias", ["relative", "continuous"], "relative"),
        ("halo_size", ["window", "halo"], "halo"),
        ("HaloNet", WORDS.keys() | shipped("operators").keys(), "halo_attention"),
        ("swin_v2", WORDS.keys() | shipped("operators").keys(), "window_attention_v2"),
    ],
)
def test_names_from_elsewhere(word: str, legal: list[str], expected: str) -> None:
    assert called_here(word, legal) == meant(word, legal) == expected
    assert suggested(word, legal) == f"did you mean {expected}?"


def test_a_name_is_only_suggested_where_it_is_legal() -> None:
    assert called_here("swish", ["relu"]) is None
    assert suggested("swish", ["relu"]) == "one of: relu"
    assert meant("swish", ["relu"]) is None


def test_misspelt_words_are_still_found_by_their_letters() -> None:
    assert meant("strid", ["size", "stride"]) == "stride"

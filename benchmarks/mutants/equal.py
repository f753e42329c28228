"""Mutants that are the same function, and mutants that nobody notices: each with its reason.

In: nothing. Out: reasons by mistake, or by `family:mistake` where it is one family's. A reason says
why no input tells the two files apart (`EQUAL`), or what it would take to notice (`SURVIVORS`).
"""

from __future__ import annotations

_SQUARE = "windows are square, and the contract's multiples leave only square pieces of them"
_POINT = "its general form is of a point: one tap, which never leaves the map"
_CENTRE = "centres of outputs are on the map, and the region around them is themselves"
_FAINT = "what is masked adds e^-100 to the sum, less than rounding, and is set to 0 after it"
_REFUSED = "images of another size are refused before the tables are asked for"

EQUAL: dict[str, str] = {
    "activation_in_place": "nothing else reads the value that is overwritten",
    "axial_attention:border_off_by_one": "the own place is not in its row a second time",
    "border_off_by_one": "where a window is as large as the map, its shift moves nothing",
    "drop_path_rises_too_late": "the rate of a single block is 0 by either rule",
    "empty_slots_keep_weight": "every output that is kept has a slot that is present",
    "general_halo:slot_of_the_last_place": "slots that are absent have the weight 0",
    "group_involution:border_continues_the_edge": _CENTRE,
    "group_involution:border_wraps_for_zeros": _CENTRE,
    "group_involution:region_from_the_corner": _CENTRE,
    "halo_around_the_whole_map": "all around such a window is outside the map, and masked",
    "features_scaled": "the sum of magnitudes takes back what multiplies a whole row",
    "height_for_width": _SQUARE,
    "keys_as_wide_as_runs": "heads are kv_heads squared, and the two widths the same",
    "low_rank_mlp:border_continues_the_edge": _POINT,
    "low_rank_mlp:border_off_by_one": _POINT,
    "low_rank_mlp:border_wraps_for_zeros": _POINT,
    "low_rank_mlp:cut_along_rows_alone": _POINT,
    "low_rank_mlp:halo_goes_round": _POINT,
    "low_rank_mlp:matrix_transposed": _POINT,
    "low_rank_mlp:padding_of_ones": _POINT,
    "low_rank_mlp:taps_backwards": _POINT,
    "mask_of_minus_hundred": _FAINT,
    "middle_of_even_kernels": "half of an odd kernel is the same either way",
    "neighbourhood_attention:border_continues_the_edge": _CENTRE,
    "neighbourhood_attention:border_wraps_for_zeros": _CENTRE,
    "offset_table_rows_for_columns": _SQUARE,
    "places_in_low_precision": "over so few places angles are rounded by less than features are",
    "rotary_keys:temperature_of_language": "heads of four channels have one plane for each axis, "
    "which turns by 1 at any temperature",
    "shared_keys_without_bias": "a key's bias adds the same to all logits of a row",
    "sides_swapped_at_other_sizes": _REFUSED,
    "tables_of_the_built_size": _REFUSED,
    "token_mlp:channels_of_a_head_before_heads": "a head is one channel",
    "token_mlp:heads_interleaved": "a head is one channel",
    "weights_without_gradient": "the fused kernel runs only where no gradient is wanted",
}

SURVIVORS: dict[str, str] = {
    "local_mlp:padding_of_ones": "weights of empty slots meet zeros: only `weights` alone tells",
}


def reason(table: dict[str, str], family: str, mistake: str) -> str | None:
    """The reason for a mistake in a family, if there is one."""
    return table.get(f"{family}:{mistake}", table.get(mistake))

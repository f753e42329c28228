"""Which names a spec may give: they become classes, attributes and files of the emitted code."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from typing import Final

from relgraph.errors import Place
from relgraph.resolve.findings import Findings
from relgraph.spec.words import NOT_YET, WORDS

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
# Places of an address, and what the syntax itself uses.
RESERVED: Final = frozenset(("stem", "downsample", "after", "first", "head", "label", "in"))
STAGE: Final = re.compile(r"stage[0-9]+")
# Attributes of torch.nn.Module: a submodule of such a name would shadow them.
_ATTRIBUTES = """
add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu
load_state_dict modules mtia named_buffers named_children named_modules named_parameters
parameters register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
zero_grad
"""
MODULE_ATTRIBUTES: Final = frozenset(_ATTRIBUTES.split())
# Imports and functions of emitted files: a builder of such a name would take their place.
_EMITTED = """
aggregate_locally block_grid block_offsets block_places checkpoint circular_correlation
clamp_inside clamp_pad conv_per_image cross cut_block_places cut_mask dense_conv_per_image
elu_plus_one fit_window fourier_waves gather grid_places halo_offsets halo_places image_parts
keep_inside math merge_heads mix_heads nn number_live overlapping_places pad_groups padded_size
partial_linear position_waves reflect_index reflect_inside reflect_pad relative_offsets
relative_position_index ring_offsets shared_heads signed_offsets space_to_depth split_heads
tap_views torch turned window_order window_partition window_reverse wrap_pad wrap_round
wrapped_block_places
"""
EMITTED: Final = frozenset(_EMITTED.split())


def check_name(name: str, what: str, place: Place, findings: Findings) -> None:
    """Refuse a name that emitted code could not carry. Raises RefusedError."""
    reason = _reason(name)
    if reason:
        raise findings.refuse(
            "bad-name", place, f"the {what} {name!r} {reason}", "expected another name"
        )


def check_builder(name: str, place: Place, findings: Findings) -> None:
    """Refuse a backbone's name that its emitted file needs for itself. Raises RefusedError."""
    check_name(name, "backbone", place, findings)
    if name in EMITTED:
        found = f"the backbone {name!r} is a name inside emitted files"
        raise findings.refuse("bad-name", place, found, "expected another name")


def check_new_word(name: str, what: str, place: Place, findings: Findings) -> None:
    """Refuse a definition's or file's name that is taken by the language. Raises RefusedError."""
    check_name(name, what, place, findings)
    if name in WORDS or name in NOT_YET:
        raise findings.refuse(
            "name-clash",
            place,
            f"the {what} {name}",
            "expected a name that is no word of the language",
        )


def _reason(name: str) -> str:
    if not NAME.fullmatch(name):
        return "must be lower-case letters, digits and _, a letter first, at most 63"
    if name in RESERVED or STAGE.fullmatch(name):
        return "is a place in addresses"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a keyword of Python"
    if hasattr(builtins, name):
        return "is a builtin of Python"
    if name in MODULE_ATTRIBUTES:
        return "is an attribute of every torch module"
    return "is a module of Python's library" if name in sys.stdlib_module_names else ""

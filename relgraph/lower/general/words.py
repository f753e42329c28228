"""What an emitted general lowering says of itself: docstrings, without sizes.

Goes in: a form. Comes out: lines of text.
"""

from __future__ import annotations

import textwrap

from relgraph.lower.general.form import Form

_INDENT = " " * 4

_NEIGHBOURHOOD = {
    "point": "its own position",
    "local": "a neighbourhood of its own",
    "axial": "its own column and row",
    "window": "its window",
    "stripe": "its stripe",
    "grid": "its grid of spaced positions",
    "full": "all positions",
    "outlook": "the windows that it lies in",
}
_SHARE = {
    "none": "one for each entry",
    "windows": "one for each pair of places in a block",
    "positions": "one for each offset",
    "all": "one for all entries",
}
_UNITS = {
    ("full", "none"): "for each pair of channels",
    ("groups", "none"): "for each pair of channels in a group",
    ("groups", "all"): "for each pair of channels, in all groups alike",
    ("local", "none"): "for each entry of a band of channels",
    ("local", "all"): "for each tap of a band of channels, for all channels alike",
    ("separate", "none"): "for each channel",
    ("separate", "heads"): "for each run of channels",
    ("separate", "all"): "for all channels alike",
}
_SOURCE = {
    "static": "learned numbers",
    "pooled": "functions of the mean over positions",
    "center": "functions of what stands around the output",
}
_BORDER = {
    "zero": "zeros stand outside the map",
    "mask": "nothing stands outside the map",
    "wrap": "the map goes round",
    "reflect": "the map is mirrored",
    "clamp": "the last place is repeated",
}
_SCORE = {
    "dot": "q[o] · k[j] / √head_dim",
    "cosine": "τ cos(q[o], k[j])",
    "relu": "relu(q[o]) · relu(k[j])",
    "elu": "(elu(q[o]) + 1) · (elu(k[j]) + 1)",
}
_POSITION = {
    "relative": " + bias[offset]",
    "absolute": " + bias[entry]",
    "continuous": " + network(offset)",
    "rotary": ", both turned by their places",
    "none": "",
}


def docstring(form: Form) -> str:
    """The class's docstring."""
    units = _UNITS[form.operator.channel.connect, form.operator.channel.share]
    sharing = ""
    if form.orbit_share is not None:
        said = f"There is {_SHARE[form.orbit_share]}, {units}."
        sharing = "\n" + textwrap.fill(said, 100, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return f'''\
    """General form of a connection in which each output sums {_neighbourhood(form)}.

    {_equation(form)}
    w: {_weights(form)}.{sharing}{_ends(form)}
    Shapes: {_SHAPES[form.layout]}.
    """'''


def _neighbourhood(form: Form) -> str:
    around = " and what stands around it" if form.halo else ""
    return _NEIGHBOURHOOD[form.space.connect] + around


def _ends(form: Form) -> str:
    if form.space.connect == "full":
        return ""
    border = "mask" if form.masks else form.space.border
    border = "zero" if border == "mask" and not form.masks else border
    return f"\n    At the border {_BORDER[border]}."


_SHAPES = {
    "map": "(B, C, H, W) -> (B, D, H_out, W_out)",
    "sequence": "(B, N, C) -> (B, N_out, D); extra tokens in front",
    "vector": "(B, C) -> (B, D)",
}


def _equation(form: Form) -> str:
    operator = form.operator
    bias = "" if operator.bias == "none" else "b + "
    value = "value(x)" if operator.frame.value else "x"
    windows, w = ("Σ_p ", "w_p") if form.space.connect == "outlook" else ("", "w")
    core = f"{bias}{windows}Σ_j {w}[o, j] {value}[j]"
    if operator.channel.connect != "separate":
        core = f"{bias}{windows}Σ_j Σ_c {w}[o, j, d, c] {value}[j, c]"
    return f"y[o] = proj({core})" if operator.frame.output else f"y[o] = {core}"


def _weights(form: Form) -> str:
    weight = form.operator.weight
    if weight.source == "fixed":
        given = {
            "average": "1 / number of positions seen",
            "identity": "1 at the centre, else 0",
            "shift": "1 at the tap that is `offset` from the centre, else 0",
        }
        return given[weight.fixed or "average"]
    if weight.source == "channels":
        text = "temperature · cos(q[:, d], k[:, c]) over all positions"
        return text if weight.normalize == "none" else f"softmax over c of {text}"
    if weight.source == "pair":
        text = f"{_SCORE[weight.score]}{_POSITION[weight.position]}{_mixed(weight.mixes_logits)}"
    else:
        text = _SOURCE[weight.source]
    if weight.normalize != "none":
        text = f"{weight.normalize} over j of {text}"
    return text + _mixed(weight.mixes_weights)


def _mixed(mixes: bool) -> str:
    return ", mixed over the heads" if mixes else ""


def weights_doc(form: Form) -> str:
    """The docstring of `weights`."""
    batch = "" if form.source in ("static", "fixed") else "B, "
    units = {
        ("full", "none"): "D, C",
        ("groups", "none"): "G, D / G, C / G",
        ("groups", "all"): "D / G, C / G",
        ("local", "none"): "entries",
        ("local", "all"): "taps",
    }.get((form.operator.channel.connect, form.operator.channel.share), "heads")
    return f"Weights of n neighbourhoods, q outputs, k slots: ({batch}{units}, n or 1, q, k)."

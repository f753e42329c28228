"""How an emitted general lowering compares queries and keys.

Goes in: a form whose weights come from pairs. Comes out: lines of `__init__` and of `weights`, up
to the scores; what normalises them is `weights`' affair.
"""

from __future__ import annotations

from relgraph.algebra.operator import FEATURES
from relgraph.lower.attention_parts import FEATURE_LINES
from relgraph.lower.general.form import Form
from relgraph.lower.general.learned import at_orbits, space_axes
from relgraph.lower.general.positions import keyless_layers, turning_lines
from relgraph.lower.general.talking import talking_init


def pair_init(form: Form) -> list[str]:
    """Constructor lines: projections, and what scores and places learn."""
    scale = {
        "dot": ["self.scale = (dim // num_heads) ** -0.5"],
        "cosine": ["self.logit_scale = nn.Parameter(torch.empty(num_heads))"],
    }
    lines = list(scale.get(form.operator.weight.score, ()))
    if form.operator.weight.kv_heads is not None:
        lines.append("self.kv_dim = dim // num_heads * kv_heads")
    if form.operator.weight.keyless:
        lines += keyless_layers(form)
    elif form.reduced:
        values = 2 if form.operator.frame.value else 1
        keys = f"{values} * {key_width(form)}".replace("1 * ", "")
        lines += [
            "self.reduce = reduce",
            "self.q = Linear(dim, dim, bias=qkv_bias)",
            f"self.kv = Linear(dim, {keys}, bias=qkv_bias)",
        ]
    elif form.operator.weight.kv_heads is not None:
        twice = "2 * " if form.operator.frame.value else ""
        lines.append(f"self.qkv = Linear(dim, dim + {twice}self.kv_dim, bias=qkv_bias)")
    else:
        parts = 3 if form.operator.frame.value else 2
        lines.append(f"self.qkv = Linear(dim, {parts} * dim, bias=qkv_bias)")
    position = form.operator.weight.position
    if position == "continuous":
        lines.append("self.cpb_mlp = PositionNetwork(num_heads, hidden)")
    if position == "relative":
        table = "nn.Parameter(torch.empty(orbit_count, num_heads))"
        lines.append(f"self.relative_position_bias_table = {table}")
    if position == "absolute":
        shape = f"num_heads, {space_axes(form)}"
        lines.append(f"self.position_bias = nn.Parameter(torch.empty({shape}))")
    return [*lines, *talking_init(form)]


def key_width(form: Form) -> str:
    """The width of keys, and of values where pairs project them."""
    return "dim" if form.operator.weight.kv_heads is None else "self.kv_dim"


def pair_lines(form: Form) -> list[str]:
    """Scores of all pairs of a neighbourhood, before anything is normalised."""
    if form.operator.weight.kv_heads is not None:
        lines = _shared_key_lines(form)
    elif form.reduced:
        lines = [
            "(q,) = split_heads(self.q(x), 1, self.num_heads)",
            "(k,) = split_heads(partial_linear(self.kv, keys, 0, self.dim), 1, self.num_heads)",
        ]
    else:
        lines = [
            "qk = partial_linear(self.qkv, x, 0, 2 * self.dim)",
            "q, k = split_heads(qk, 2, self.num_heads)",
        ]
    if form.space.connect == "full":
        lines.append("q, k = q.unsqueeze(2), k.unsqueeze(2)")
    else:
        lines.append(f"q, k = gather(q, {form.own_places}), gather(k, inputs)")
    lines += [*turning_lines(form), *_score_lines(form)]
    position = form.operator.weight.position
    if position == "continuous":
        lines.append("w = w + self.cpb_mlp(offsets).T[:, orbits]")
    if position == "relative":
        lines.append("w = w + self.relative_position_bias_table.T[:, orbits]")
    if position == "absolute":
        lines.append("w = w + " + at_orbits("self.position_bias.flatten(1)", form))
    return lines


def _shared_key_lines(form: Form) -> list[str]:
    """Queries of every head, and keys that runs of heads share."""
    if form.reduced:
        lines = ["q = self.q(x)", "k = partial_linear(self.kv, keys, 0, self.kv_dim)"]
    else:
        lines = [
            "qk = partial_linear(self.qkv, x, 0, self.dim + self.kv_dim)",
            "q, k = qk.split([self.dim, self.kv_dim], dim=-1)",
        ]
    return [
        *lines,
        "(q,) = split_heads(q, 1, self.num_heads)",
        "k = shared_heads(k, self.kv_heads, self.num_heads // self.kv_heads)",
    ]


def _score_lines(form: Form) -> list[str]:
    score = form.operator.weight.score
    if score == "dot":
        return ["w = q * self.scale @ k.transpose(-2, -1)"]
    if score in FEATURES:
        return [FEATURE_LINES[score], "w = q @ k.transpose(-2, -1)"]
    return [
        "q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)",
        "scale = self.logit_scale.clamp(max=math.log(100)).exp()[:, None, None, None]",
        "w = q * scale @ k.transpose(-2, -1)",
    ]

"""How an emitted general lowering makes its weights: learned, given, predicted, or from pairs.

Goes in: a form. Comes out: lines of `__init__`, `reset_parameters` and `weights`, and the method
`predict`. Weights are (B, units, n, q, k): units are what the channels share, n or B are missing or
1 where nothing depends on them. What is summed with the weights is `core`'s affair.
"""

from __future__ import annotations

from relgraph.algebra.operator import KEEPING
from relgraph.lower.elements import ACTIVATIONS
from relgraph.lower.general.between_channels import channels_init, channels_lines
from relgraph.lower.general.form import Form
from relgraph.lower.general.given import given_lines
from relgraph.lower.general.learned import at_orbits, space_axes
from relgraph.lower.general.pairs import pair_init, pair_lines
from relgraph.lower.general.tables import table_names
from relgraph.lower.general.talking import logits_lines, mixed_weights


def unit_lines(form: Form) -> list[str]:
    """`units`, the axes that weights have for channels, where they are learned or predicted."""
    if form.source in ("fixed", "pair", "channels"):
        return []
    channel = form.operator.channel
    units = f"({_own_heads(form)},)"
    if channel.connect == "full":
        units = "(out_dim, dim)"
    if channel.connect == "groups":
        outer = "" if channel.share == "all" else "groups, "
        units = f"({outer}out_dim // groups, dim // groups)"
    if channel.connect == "local":
        units = "(band_size,)"
    if form.has_band_entries:
        units = f"(int(tables[{table_names(form).index('band')}].max()) + 1,)"
    return [f"self.units = {units}"]


def _own_heads(form: Form) -> str:
    return head_count(form).removeprefix("self.")


def head_count(form: Form) -> str:
    """Runs of channels with a weight of their own, of separate channels."""
    if form.source == "fixed":
        return "1"
    return {"none": "self.dim", "heads": "self.num_heads", "all": "1"}[form.operator.channel.share]


def _needs_count(form: Form) -> bool:
    if form.source in ("pooled", "center") or form.operator.weight.position == "relative":
        return True
    if form.operator.weight.position == "continuous":
        return False
    return form.orbit_share is not None and space_axes(form) == "orbit_count"


def count_lines(form: Form) -> list[str]:
    """The number of learned things per unit, where a shape needs it."""
    if not _needs_count(form):
        return []
    return [f"orbit_count = int(tables[{table_names(form).index('orbits')}].max()) + 1"]


# Constructors.


def init_lines(form: Form) -> list[str]:
    """The parameters that make weights; values have theirs elsewhere."""
    return {
        "static": _static_init,
        "fixed": lambda form: [],
        "pooled": _predictor_init,
        "center": _predictor_init,
        "pair": pair_init,
        "channels": channels_init,
    }[form.source](form)


def _static_init(form: Form) -> list[str]:
    channel = form.operator.channel
    units = "*self.units"
    if channel.connect == "groups" and channel.share == "none":
        units = "out_dim, dim // groups"
    if channel.connect == "separate" and (form.space.connect, form.space.share) == (
        "local",
        "positions",
    ):
        units = "*self.units, 1"
    elif channel.connect == "separate" and channel.share == "all":
        units = ""
    shape = ", ".join(part for part in (units, space_axes(form)) if part)
    return [f"self.weight = nn.Parameter(torch.empty({shape or '()'}))"]


def _predictor_init(form: Form) -> list[str]:
    region = " * extent**2" if form.source == "center" else ""
    count = "math.prod(self.units) * orbit_count"
    if form.predictor is None:
        return [f"self.expand = Linear(dim{region}, {count})"]
    if form.predictor.experts is not None:
        return [
            f"self.squeeze = Linear(dim{region}, num_experts)",
            "# One static kernel in each column.",
            f"self.expand = Linear(num_experts, {count}, bias=False)",
        ]
    bias = "" if form.predictor.bias else ", bias=False"
    lines = [f"self.squeeze = Linear(dim{region}, dim // reduction{bias})"]
    if form.predictor.norm == "batch_norm":
        lines.append("self.norm = nn.BatchNorm1d(dim // reduction)")
    return [*lines, f"self.expand = Linear(dim // reduction, {count})"]


# Starts.


def reset_lines(form: Form) -> list[str]:
    """How the parameters that make weights start."""
    if form.source == "static":
        return _static_reset(form)
    if form.source in ("pooled", "center"):
        return _predictor_reset(form)
    if form.source == "channels":
        return ["nn.init.ones_(self.temperature)"]
    names = {"relative": "relative_position_bias_table", "absolute": "position_bias"}
    name = names.get(form.operator.weight.position)
    table = [f"nn.init.trunc_normal_(self.{name}, std=0.02)"] if name else []
    cosine = form.operator.weight.score == "cosine"
    scale = ["nn.init.constant_(self.logit_scale, math.log(10))"] if cosine else []
    return [*scale, *table]


def _static_reset(form: Form) -> list[str]:
    channel, connect = form.operator.channel.connect, form.space.connect
    normalized = form.operator.weight.normalize != "none"
    if normalized or (connect == "point" and channel not in KEEPING):
        return ["nn.init.trunc_normal_(self.weight, std=0.02)"]
    per_group = {
        "full": "self.{}",
        "groups": "self.{} // self.groups",
        "separate": "1",
        "local": "self.band_size",
    }[channel]
    if connect == "local":
        fan_out = f"{per_group.format('out_dim')} * math.prod(self.kernel_size)".replace("1 * ", "")
        return [
            f"fan_out = {fan_out}",
            "nn.init.normal_(self.weight, std=math.sqrt(2 / fan_out))",
        ]
    return [
        "# Variance preserving: every output sums over all its slots.",
        f"fan_in = {_terms(form)}",
        "nn.init.normal_(self.weight, std=fan_in**-0.5)",
    ]


def _slots(form: Form) -> str:
    """The width of a neighbourhood, as an expression of `reset_parameters`; of an outlook, of all
    those that an output inside the map lies in."""
    if form.space.connect == "outlook":
        return "self.inputs.shape[-1] ** 2 / math.prod(self.step)"
    return "self.orbits.shape[-1]" if form.space.connect == "full" else "self.inputs.shape[-1]"


def _predictor_reset(form: Form) -> list[str]:
    normed = form.predictor is not None and form.predictor.norm == "batch_norm"
    lines = ["self.norm.reset_parameters()"] if normed else []
    if form.operator.weight.normalize != "none":
        return lines
    terms, fan_in = _slots(form), []
    if form.operator.channel.connect != "separate" or form.space.connect == "outlook":
        terms, fan_in = "fan_in", [f"fan_in = {_terms(form)}"]
    if form.predictor is not None and form.predictor.experts is not None:
        return [
            *fan_in,
            "# Gates start near 1/2, so that a mixed kernel's squared sum starts near 1.",
            f"std = 2 / math.sqrt(self.expand.in_features * {terms})",
            "nn.init.normal_(self.expand.weight, std=std)",
        ]
    if normed:
        return [
            *lines,
            *fan_in,
            "# The hidden mean square is near 1/2, so a kernel's squared sum starts near 1.",
            f"std = math.sqrt(2 / (self.expand.in_features * {terms}))",
            "nn.init.normal_(self.expand.weight, std=std)",
        ]
    return [
        *fan_in,
        "# A kernel's squared sum starts near 1, whatever the scale of the context.",
        f"nn.init.normal_(self.expand.bias, std={terms}{'**' if fan_in else ' ** '}-0.5)",
    ]


def _terms(form: Form) -> str:
    """How many products an output sums, as an expression of `reset_parameters`."""
    joined = {
        "full": "self.dim * ",
        "groups": "self.dim // self.groups * ",
        "separate": "",
        "local": "self.band_size * ",
    }
    return joined[form.operator.channel.connect] + _slots(form)


# Methods.


def weight_lines(form: Form) -> list[str]:
    """Lines that assign `w` from `x` (B, P, C) and the tables, then return it normalised."""
    lines = {
        "static": _static_lines,
        "fixed": given_lines,
        "pooled": _pooled_lines,
        "center": _center_lines,
        "pair": pair_lines,
        "channels": channels_lines,
    }[form.source](form)
    if form.source == "channels":
        return lines
    return mixed_weights(form, [*lines, *logits_lines(form), *_normalize_lines(form)])


def predict_method(form: Form) -> list[str]:
    """The network that predicts weights, as a method."""
    if form.source not in ("pooled", "center"):
        return []
    body = "        return self.expand(context)"
    if form.predictor is not None:
        hidden = "self.squeeze(context)"
        lines = [f"hidden = {hidden}"]
        if form.predictor.norm == "batch_norm" and form.source == "center":
            lines.append("hidden = self.norm(hidden.transpose(1, 2)).transpose(1, 2)")
        elif form.predictor.norm == "batch_norm":
            lines = [f"hidden = self.norm({hidden})"]
        act = ACTIVATIONS[form.predictor.act].format(x="hidden")
        body = "\n".join(f"        {line}" for line in [*lines, f"return self.expand({act})"])
    return [
        f'''\
    def predict(self, context: Tensor) -> Tensor:
        """One function of the context for each unit and orbit, units outermost."""
{body}'''
    ]


def _static_lines(form: Form) -> list[str]:
    return ["w = " + at_orbits("self.weight.reshape(*self.units, -1)", form)]


def _pooled_lines(form: Form) -> list[str]:
    values = "self.predict(context).unflatten(1, (*self.units, -1))"
    return ["w = " + at_orbits(values, form)]


def _center_lines(form: Form) -> list[str]:
    context = "x"
    lines = []
    if form.has_region:
        lines = ["context = gather(x, centers).transpose(2, 3).flatten(2)"]
        context = "context"
    lines += [
        f"w = self.predict({context}).unflatten(2, (*self.units, -1)).movedim(1, -2)",
    ]
    own = "w.unsqueeze(-2)" if form.is_stencil else f"w[..., {form.own_places}, :]"
    if form.space.connect == "outlook":
        own = "w = w.unflatten(-1, orbits.shape[1:])"
        return ["# Every window has its own functions: (B, units, n, q, k).", *lines, own]
    if form.space.connect == "full":
        own = "w.unsqueeze(-3)"
    lines.append(f"w = F.pad({own}, (0, 1))" if form.has_dead_entries else f"w = {own}")
    index = "orbits % w.shape[-1]" if form.has_dead_entries else "orbits"
    return [
        "# Every output reads its own functions: (B, units, n, q, orbits).",
        *lines,
        f"w = w.gather(-1, ({index}).expand(*w.shape[:-1], -1))".replace("(orbits)", "orbits"),
    ]


_NORMALIZED = {
    "softmax": "w.softmax(dim=-1)",
    "sigmoid": "w.sigmoid()",
    "l1": "F.normalize(w, p=1.0, dim=-1)",
}


def _normalize_lines(form: Form) -> list[str]:
    rule = form.operator.weight.normalize
    if rule == "none":
        return ["return w"]
    if not form.masks:
        return ["return " + _NORMALIZED[rule]]
    present = "present = (inputs >= 0)[:, None]"
    if rule == "sigmoid":
        return [present, "return w.sigmoid() * present"]
    if rule == "l1":
        return [present, "return F.normalize(w * present, p=1.0, dim=-1)"]
    return [
        "# An output without any slot gets weights 0, not 0 / 0.",
        present,
        "w = w.masked_fill(~present, torch.finfo(w.dtype).min)",
        "return w.softmax(dim=-1) * present",
    ]

"""How heads of an emitted general lowering talk: logits, or weights, of each mixed of all.

Goes in: a form. Comes out: the layers that mix, as lines of `__init__`, and lines of `weights`,
where w is (B, heads, n, q, k). What heads say, and what normalises it, is `weights`'s affair.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form


def talking_init(form: Form) -> list[str]:
    """The layers, whose inputs and outputs are heads."""
    weight, lines = form.operator.weight, []
    if weight.mixes_logits:
        lines.append("self.proj_l = Linear(num_heads, num_heads)")
    if weight.mixes_weights:
        lines.append("self.proj_w = Linear(num_heads, num_heads)")
    return lines


def logits_lines(form: Form) -> list[str]:
    """Before the normalisation."""
    return [_mixed("proj_l")] if form.operator.weight.mixes_logits else []


def mixed_weights(form: Form, lines: list[str]) -> list[str]:
    """Behind it: `lines` end in what they return, which is mixed first. Slots that are absent
    stay so."""
    if not form.operator.weight.mixes_weights:
        return lines
    made = lines[-1].removeprefix("return ")
    first = lines[:-1] if made == "w" else [*lines[:-1], f"w = {made}"]
    absent = " * present" if form.masks else ""
    mixed = _mixed("proj_w").removeprefix("w = ")
    return [*first, f"return {mixed}{absent}"]


def _mixed(layer: str) -> str:
    return f"w = mix_heads(self.{layer}, w.flatten(2, 3)).view_as(w)"

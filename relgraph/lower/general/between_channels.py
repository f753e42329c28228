"""How an emitted general lowering compares channels with each other over the whole map.

Goes in: a form whose weights come from pairs of channels. Comes out: lines of `__init__` and of
`weights`. Weights are (B, heads, D, C, 1, 1, 1), without the heads where all channels are one.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form


def channels_init(form: Form) -> list[str]:
    """The temperatures, and the projection of queries, keys and perhaps values."""
    heads = "groups" if form.operator.channel.connect == "groups" else "1"
    parts = 3 if form.operator.frame.value else 2
    return [
        f"self.temperature = nn.Parameter(torch.empty({heads}, 1, 1))",
        f"self.qkv = Linear(dim, {parts} * dim, bias=qkv_bias)",
    ]


def channels_lines(form: Form) -> list[str]:
    """One matrix for each head: (B, heads, D, C), at every position the same."""
    softmax = form.operator.weight.normalize == "softmax"
    lines = [
        "qk = partial_linear(self.qkv, x, 0, 2 * self.dim).transpose(1, 2)",
        "q, k = qk.unflatten(1, (2, len(self.temperature), -1)).unbind(1)",
        "q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)",
        "w = q @ k.transpose(-2, -1) * self.temperature",
        *(["w = w.softmax(dim=-1)"] if softmax else []),
    ]
    if form.operator.channel.connect == "full":
        lines.append("w = w.squeeze(1)")
    return [*lines, "return w[..., None, None, None]"]

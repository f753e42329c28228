"""Given weights of an emitted general lowering: averages and the identity.

Goes in: a form. Comes out: lines of `weights`. What learns or predicts weights is not known here.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form


def fixed_lines(form: Form) -> list[str]:
    """Lines that assign `w`: an average over the slots that are present, or the identity."""
    if form.space.connect == "full":
        return _fixed_full_lines(form)
    outputs = "centers" if form.is_stencil else "inputs"
    if form.operator.weight.fixed == "identity":
        return [
            f"own = (inputs[:, None] == {outputs}[:, :, None]) & (inputs[:, None] >= 0)",
            "w = own.to(x.dtype).unsqueeze(0)",
        ]
    rows = "1" if form.is_stencil else "inputs.shape[1]"
    if form.masks:
        return [
            f"present = (inputs >= 0)[:, None].to(x.dtype).expand(-1, {rows}, -1)",
            "w = (present / present.sum(dim=-1, keepdim=True).clamp(min=1)).unsqueeze(0)",
        ]
    return [f"w = x.new_full((1, 1, {rows}, inputs.shape[1]), 1 / inputs.shape[1])"]


def _fixed_full_lines(form: Form) -> list[str]:
    if form.operator.weight.fixed == "identity":
        return ["w = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)[None, None]"]
    return ["w = x.new_full((1, 1, x.shape[1], x.shape[1]), 1 / x.shape[1])"]

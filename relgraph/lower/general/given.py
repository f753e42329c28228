"""Given weights of an emitted general lowering: nothing is learned.

Goes in: a form. Comes out: lines of `weights`.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form


def given_lines(form: Form) -> list[str]:
    """Lines that assign `w`: the average, the identity, or one tap."""
    if form.space.connect == "full":
        return _full_lines(form)
    if form.operator.weight.fixed == "identity":
        return [
            f"own = (inputs[:, None] == {form.own_places}[:, :, None]) & (inputs[:, None] >= 0)",
            *_whole(form),
        ]
    if form.operator.weight.fixed == "shift":
        return [
            "kernel = x.new_zeros(self.kernel_size)",
            "rows, columns = self.kernel_size",
            "down, right = self.offset",
            "kernel[(rows - 1) // 2 + down, (columns - 1) // 2 + right] = 1",
            "w = kernel.view(1, 1, 1, -1)",
        ]
    rows, counted = "1" if form.is_stencil else "inputs.shape[1]", []
    if form.halo:
        rows, counted = "q", ["q = order.numel() // inputs.shape[0]"]
    if form.masks:
        return [
            *counted,
            f"present = (inputs >= 0)[:, None].to(x.dtype).expand(-1, {rows}, -1)",
            "w = (present / present.sum(dim=-1, keepdim=True).clamp(min=1)).unsqueeze(0)",
        ]
    return [*counted, f"w = x.new_full((1, 1, {rows}, inputs.shape[1]), 1 / inputs.shape[1])"]


def _full_lines(form: Form) -> list[str]:
    if form.operator.weight.fixed == "identity":
        return ["w = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)[None, None]"]
    return ["w = x.new_full((1, 1, x.shape[1], x.shape[1]), 1 / x.shape[1])"]


def _whole(form: Form) -> list[str]:
    """1 at the centre, in parts where a border repeats it."""
    if form.space.border not in ("wrap", "reflect", "clamp"):
        return ["w = own.to(x.dtype).unsqueeze(0)"]
    return ["w = (own.to(x.dtype) / own.sum(dim=-1, keepdim=True).clamp(min=1)).unsqueeze(0)"]

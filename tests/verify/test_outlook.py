"""Windows that overlap are proved: their sums are measured, and what is no such sum is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from relgraph.algebra.operator import Channel, Connection, Frame, Operator, Space, Weight
from relgraph.lower import outlook
from relgraph.program import Connect
from relgraph.verify.alone import check_connection
from relgraph.verify.connections import Kind, check_kind
from relgraph.verify.report import Check
from relgraph.verify.shrink import shrunk
from tests.lower.against_oracle import node
from tests.support import run_definitions

HEADS = Channel("separate", share="heads", heads=3)
FRAMED = Frame(True, True)
VOLO = Weight("center", "softmax")


def at(weight: Weight, step: int = 1, channel: Channel = HEADS, framed: bool = True) -> Connection:
    space = Space("outlook", (3, 3), share="windows", step=(step, step))
    frame = FRAMED if framed else Frame()
    return Connection(Operator(space, channel, weight, "none", frame), 6, 6, (14, 14), (14, 14))


def said(checks: tuple[Check, ...] | list[Check], name: str) -> str:
    (found,) = (check for check in checks if check.name == name)
    assert found.measured == found.declared
    return found.declared


def test_what_a_proof_says_of_it() -> None:
    checks = check_connection(at(VOLO))
    assert all(check.ok for check in checks)
    assert "25 positions, 1 channel" in said(checks, "connectivity")
    assert said(checks, "dynamism") == "dynamic: W changes with the image and the position"
    assert said(checks, "shifts") == "by any shift, inside the map"


@pytest.mark.parametrize(
    ("weight", "channel", "dynamism", "shifts"),
    [
        (Weight(), Channel(), "static: one W for every image", "by multiples of the step"),
        (
            Weight("pooled", "l1"),
            Channel("separate"),
            "dynamic: W changes with the image, not with the position",
            "by multiples of the step",
        ),
    ],
    ids=["all channels", "from the mean"],
)
def test_others_are_proved_too(
    weight: Weight, channel: Channel, dynamism: str, shifts: str
) -> None:
    checks = check_connection(at(weight, 2, channel, framed=False))
    assert all(check.ok for check in checks)
    assert said(checks, "dynamism") == dynamism
    assert said(checks, "shifts").startswith(shifts)


MISTAKES: dict[str, tuple[str, str, str]] = {
    "normalised over outputs": ("softmax(dim=-1)", "softmax(dim=-2)", "values"),
    "averaged where windows overlap": (
        "        return self.proj(y",
        "        ones = torch.ones_like(v.flatten(1, 3))\n"
        "        y = y / F.fold(ones, size, self.window_size, padding=padding, stride=self.step)\n"
        "        return self.proj(y",
        "sharing",
    ),
    "read at a corner of the cell": (
        "F.avg_pool2d(x, self.step, ceil_mode=True)",
        "x[:, :, :: self.step, :: self.step]",
        "values",
    ),
    "outputs and inputs exchanged": (
        "softmax(dim=-1).transpose(1, 2)",
        "softmax(dim=-1).transpose(1, 2).transpose(-2, -1)",
        "values",
    ),
    "heads dealt out to channels in turn": (
        "v.unflatten(1, (self.num_heads, -1, self.window_size**2))",
        "v.unflatten(1, (-1, self.num_heads, self.window_size**2)).transpose(1, 2)",
        "values",
    ),
    "the window's own centre alone": (
        "return w.softmax(dim=-1).transpose(1, 2)",
        "return (w.softmax(dim=-1) * torch.eye(places)[places // 2][:, None]).transpose(1, 2)",
        "connectivity",
    ),
    "every window the same": (
        "centers = F.avg_pool2d(x, self.step, ceil_mode=True)",
        "centers = F.avg_pool2d(x, self.step, ceil_mode=True)\n"
        "        centers = centers.mean((2, 3), keepdim=True).expand_as(centers)",
        "dynamism",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_out(name: str) -> None:
    before, after, property_ = MISTAKES[name]
    checks = proved(before, after)
    failed = [check for check in checks if not check.ok]
    assert property_ in {check.name for check in failed}
    assert all(check.counter_example for check in failed if check.name == property_)


def proved(before: str, after: str) -> list[Check]:
    """The checks of the shipped form, changed as said."""
    connection = at(VOLO, 2)
    whole: Connect = node(connection.operator, 6, (14, 14))
    definition = outlook.lower_outlook(whole).definition
    assert definition is not None
    assert definition.text.count(before) == 1
    changed = replace(definition, text=definition.text.replace(before, after))
    cls = getattr(run_definitions([changed]), definition.name)
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return list(check_kind(nn.Module(), Kind(cls, shrunk(whole), ("core",), (whole,))))
    finally:
        torch.set_default_dtype(dtype)

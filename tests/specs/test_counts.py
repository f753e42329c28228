"""Parameters and multiply-adds of the shipped backbones, against the numbers that were published.

No torch: counts come from shapes alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pytest

from relgraph.assemble import assemble
from relgraph.assemble.cost import Cost, cost
from relgraph.resolve import resolve_backbone

GIGA = 1e9


@dataclass(frozen=True)
class Published:
    """`macs` are counted as in the source's table (convolutions and matrix products, 1e9);
    `printed` is the paper's own figure, which rounds and counts in its own way."""

    parameters: int
    macs: float
    printed: float | None


# Han et al., ICLR 2022, and the codes of the papers; "FLOPs" there are multiply-adds.
PUBLISHED = {
    "dwnet_tiny": Published(24_172_744, 3.7269, 3.8),
    "dwnet_base": Published(74_347_112, 12.8123, 12.9),
    "dynamic_dwnet_tiny": Published(51_131_752, 3.7538, 3.8),
    "dynamic_dwnet_base": Published(161_597_928, 12.8995, 13.0),
    "inhomogeneous_dwnet_tiny": Published(26_244_280, 4.3741, 4.4),
    "inhomogeneous_dwnet_base": Published(80_253_608, 14.3400, 14.3),
    "swin_tiny": Published(28_288_354, 4.4906, 4.5),
    "swin_base": Published(87_768_224, 15.4309, 15.4),
    "swin_tiny_static": Published(26_132_824, 3.7269, 3.8),
    # At 256×256, with the networks of offsets, which the paper leaves out.
    "swinv2_tiny": Published(28_347_154, 5.9397, 5.9),
    "resnet50": Published(25_557_032, 4.0892, 4.1),
    "vit_base": Published(86_567_656, 17.5638, 17.5),
    "deit_small": Published(22_050_664, 4.5989, 4.6),
    # The paper prints no multiply-adds for Mixer-B/16.
    "mixer_base": Published(59_880_472, 12.6018, None),
    "resmlp_12": Published(15_350_872, 3.0097, 3.0),
    "resmlp_24": Published(30_020_680, 5.9613, 6.0),
    "pvt_v2_b2": Published(25_362_856, 4.0267, 4.0),
}


@functools.cache
def counted(name: str) -> Cost:
    return cost(assemble(resolve_backbone(name).backbone))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_exactly_the_published_ones(name: str) -> None:
    assert counted(name).parameters == PUBLISHED[name].parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_macs_are_the_sources_count(name: str) -> None:
    # The source rounds to 1e5.
    assert counted(name).macs / GIGA == pytest.approx(PUBLISHED[name].macs, abs=5e-5)


@pytest.mark.parametrize("name", [n for n, p in PUBLISHED.items() if p.printed is not None])
def test_macs_are_near_the_printed_figure(name: str) -> None:
    printed = PUBLISHED[name].printed
    assert printed is not None
    assert abs(counted(name).macs / GIGA - printed) <= 0.15

"""Spaces by their numbers, written in short."""

from __future__ import annotations

from relgraph.algebra.operator import Space, SpaceShare


def local(k: int, share: SpaceShare = "positions", d: int = 1) -> Space:
    return Space("local", (k, k), dilation=(d, d), share=share)


def window(w: int, share: SpaceShare = "none", shift: int = 0) -> Space:
    return Space("window", (w, w), shift=(shift, shift), share=share)

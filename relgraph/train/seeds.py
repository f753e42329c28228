"""Seeds as a function of what they are for: no generator's state has to be saved or restored.

Every random number of a training comes from a generator seeded by `derived(seed, purpose, ...)`,
so a run that is resumed at any update draws what the uninterrupted run would have drawn.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def derived(seed: int, purpose: str, *numbers: int) -> int:
    """A seed in 0..2**63 for one purpose at one place, e.g. `derived(0, "order", epoch)`."""
    text = "/".join((str(seed), purpose, *map(str, numbers)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, purpose: str, *numbers: int) -> torch.Generator:
    """A torch generator (CPU) for one purpose at one place."""
    made = torch.Generator()
    made.manual_seed(derived(seed, purpose, *numbers))
    return made


def seed_all(seed: int, purpose: str, *numbers: int) -> None:
    """Seed the global generators of python, numpy and torch, which libraries draw from."""
    value = derived(seed, purpose, *numbers)
    random.seed(value)
    np.random.seed(value % 2**32)
    torch.manual_seed(value)

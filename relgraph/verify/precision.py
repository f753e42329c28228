"""The other number formats: float32, bfloat16, and bfloat16 by autocast.

In: a subject, the reference's logits in float64, and, where the file is not what relgraph would
write now, the fresh model. Out: one check. Float32 must be near the reference. Rounding to bfloat16
says little by itself, so an edited file may be about as far away as the fresh one, and no farther.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from relgraph.verify.compare import difference
from relgraph.verify.report import Check
from relgraph.verify.subject import Subject

# Of the largest logit. A hundred times what the shipped models need.
FLOAT32 = 1e-3
# Rounding errors of two ways to write one model: a factor, and what no factor explains.
FACTOR, REST = 3.0, 0.02


def check_precision(subject: Subject, wanted: Tensor, fresh: nn.Module | None) -> Check:
    """Logits of the first image in each format; `fresh` is asked where there is one."""
    problem = next(_problems(subject, wanted[:1], fresh), "")
    declared = "float32, bfloat16 and autocast near float64"
    return Check("precision", "model", declared, "far" if problem else "near", not problem, problem)


def _problems(subject: Subject, wanted: Tensor, fresh: nn.Module | None) -> Iterator[str]:
    made = dict(_logits(subject.model, subject.images[:1]))
    for name, (logits, dtype) in made.items():
        if logits.dtype != dtype:
            yield f"{name}: the logits are {logits.dtype}"
        if not logits.isfinite().all():
            yield f"{name}: logits that are not finite"
    gap = _apart(made["float32"][0], wanted)
    if gap > FLOAT32:
        yield f"float32: a logit is off by {gap:.1e} of the largest"
    if fresh is None:
        return
    fresh.load_state_dict(subject.model.state_dict())
    for name, (logits, _) in _logits(fresh.eval(), subject.images[:1]):
        allowed, gap = FACTOR * _apart(logits, wanted) + REST, _apart(made[name][0], wanted)
        if gap > allowed:
            yield f"{name}: a logit is off by {gap:.2f}, rounding explains {allowed:.2f}"


def _apart(found: Tensor, wanted: Tensor) -> float:
    gap = difference(found.double(), wanted).relative
    return math.inf if math.isnan(gap) else gap


def _logits(model: nn.Module, images: Tensor) -> Iterator[tuple[str, tuple[Tensor, torch.dtype]]]:
    """Logits by format, with the dtype that they must have."""
    other = copy.deepcopy(model).float()
    with torch.no_grad():
        yield "float32", (other(images.float()), torch.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = other(images.float())
        yield "autocast", (logits.float(), torch.float32)
        other = other.bfloat16()
        yield "bfloat16", (other(images.bfloat16()), torch.bfloat16)

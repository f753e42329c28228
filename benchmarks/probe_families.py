"""Families of the algebra, emitted and read back: does the probe find what they are?

    python -m benchmarks.probe_families [--jobs N] [--every N] [--from N]

Each N-th atom is lowered in its general form, every number random, and probed on a map of 6×9 (4×6
where it does not fit there). `itself`: the family is found, and proved. `the same`: another name is
found and proved, and the oracle's tables of both are the same on this map, as those of windows that
divide it are with `pad` and without. `nearest`: the probe says what it could not find. `wrong`:
anything else; then a line is printed for each, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.families.built import build, randomised
from relgraph.algebra.canonical import canonical
from relgraph.algebra.families import GRID, connection, families
from relgraph.algebra.fit import misfits
from relgraph.algebra.operator import TOGETHER, Connection, Frame, Operator, Size
from relgraph.errors import RelgraphError
from relgraph.lower import candidates
from relgraph.probe import probe
from relgraph.program import node_of
from relgraph.verify.declared import labels

MAP: Size = (6, 9)
VERDICTS = ("itself", "the same", "nearest", "wrong")


def placed(operator: Operator) -> tuple[str, str]:
    """The verdict about one family, and the name that was found."""
    at = connection(operator, MAP)
    if misfits(at):
        at = connection(operator, GRID)
    assert at.in_grid is not None
    module = randomised(build(candidates(node_of(at))[-1][1])).eval()
    try:
        found = probe(module, (1, at.in_channels, *at.in_grid), layout="NCHW").operators
    except RelgraphError as error:
        return "wrong", str(error)
    if not found:  # a scale of each channel is an element
        return "nearest", "no operator"
    names = ", ".join(one.key for one in found)
    if len(found) > 1 or not found[0].exact:
        return "nearest", names
    measured = found[0].part.measured.operator
    if _seen(measured) == _seen(operator):
        return "itself", names
    return ("the same" if _alike(operator, measured, at) else "wrong"), names


def _seen(operator: Operator) -> Operator:
    """What a probe can tell: no predictor's inside, no frame, no bias, no key bias that cancels."""
    weight = replace(operator.weight, predictor=None, key_bias=True)
    return canonical(replace(operator, weight=weight, frame=Frame(), bias="none")).operator


def _alike(family: Operator, found: Operator, at: Connection) -> bool:
    """Whether both are the same sums of the same numbers of weights on this map."""
    one, other = (
        labels(replace(at, operator=replace(each, frame=Frame(), bias="none")))
        for each in (family, found)
    )
    if not torch.equal(one < 0, other < 0):
        return False
    if found.weight.fixed == "average":  # a softmax over one weight that all have
        return family.space.share == "all" and family.weight.normalize in TOGETHER
    return _weighed(family) == _weighed(found) and _partition(one, other)


def _weighed(operator: Operator) -> tuple[object, ...]:
    weight = operator.weight
    return weight.source, weight.normalize, weight.position, weight.score, weight.kv_heads


def _partition(one: Tensor, other: Tensor) -> bool:
    """Whether entries are equal in the one where they are in the other."""
    both = torch.stack([one.flatten(), other.flatten()], 1).unique(dim=0)
    return len(both) == len(one.unique()) == len(other.unique())


def judged(number: int) -> tuple[int, str, str]:
    """The verdict about the family of this number."""
    torch.set_num_threads(1)
    return number, *placed(families()[number])


def main() -> int:
    """Print the table; 1 if something is taken for what it is not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=61)
    parser.add_argument("--from", type=int, default=0, dest="first")
    told = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    with ProcessPoolExecutor(told.jobs) as pool:
        numbers = range(told.first, len(families()), told.every)
        for number, verdict, name in pool.map(judged, numbers, chunksize=4):
            weight = families()[number].weight
            kind = weight.source + (f", {weight.normalize}" if weight.normalize != "none" else "")
            counts.setdefault(kind, Counter())[verdict] += 1
            if verdict == "wrong":
                print(f"family {number} was taken for {name}: {families()[number]}")
    print("| weights | families | " + " | ".join(VERDICTS) + " |")
    print("|---|" + "--:|" * (len(VERDICTS) + 1))
    for kind, found in (*sorted(counts.items()), ("**all**", sum(counts.values(), Counter()))):
        numbers_told = " | ".join(str(found[verdict]) for verdict in VERDICTS)
        print(f"| {kind} | {sum(found.values())} | {numbers_told} |")
    return int(any(found["wrong"] for found in counts.values()))


if __name__ == "__main__":
    sys.exit(main())

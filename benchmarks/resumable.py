"""Many judgements: by several processes, in an order that never changes, picked up where a run was
stopped.

In: items that pickle, each with a name and a way to judge it. Out: what was found for each, as
plain data, in the order of the items, kept in a state file (JSON lines) meanwhile.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")
Found: TypeAlias = dict[str, Any]
CHUNK = 4  # items that a process takes at once


def judged(
    items: Sequence[Item],
    name: Callable[[Item], str],
    judge: Callable[[Item], Found],
    state: Path | None = None,
    jobs: int = 1,
    keep: Callable[[Found], bool] = lambda found: True,
) -> list[Found]:
    """What `judge` finds for every item, with a progress bar on stderr; a remembered finding counts
    where `keep` says so. `judge` is a function of a module, so that processes find it."""
    known = remembered(state, keep)
    missing = [item for item in items if name(item) not in known]
    with _bar() as progress:
        task = progress.add_task("", total=len(items), completed=len(items) - len(missing))
        for named, found in _found(missing, partial(_one, name, judge), jobs):
            known[named] = found
            if state is not None:
                with state.open("a") as file:
                    file.write(json.dumps([named, found]) + "\n")
            progress.advance(task)
    return [known[name(item)] for item in items]


def _one(
    name: Callable[[Item], str], judge: Callable[[Item], Found], item: Item
) -> tuple[str, Found]:
    return name(item), judge(item)


def _found(
    items: Sequence[Item], one: Callable[[Item], tuple[str, Found]], jobs: int
) -> Iterator[tuple[str, Found]]:
    if jobs == 1 or len(items) <= CHUNK:
        yield from map(one, items)
        return
    begin = ("torch" in sys.modules,)
    with multiprocessing.get_context("spawn").Pool(jobs, _begin, begin) as pool:
        yield from pool.imap_unordered(one, items, chunksize=CHUNK)


def _begin(torch_too: bool) -> None:
    if torch_too:
        import torch

        torch.set_num_threads(1)
    # Numerical libraries complain to the terminal of what broken models make of numbers.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def remembered(
    state: Path | None, keep: Callable[[Found], bool] = lambda found: True
) -> dict[str, Found]:
    """What a state file holds, by name; a last line that was cut off is left out."""
    known: dict[str, Found] = {}
    for line in state.read_text().splitlines() if state and state.exists() else ():
        try:
            named, found = json.loads(line)
        except json.JSONDecodeError:
            continue
        if keep(found):
            known[named] = found
        else:
            known.pop(named, None)
    return known


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))

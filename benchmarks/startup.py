"""How long commands take that run no model, a fresh process each, beside a bare interpreter.

    python benchmarks/startup.py [ROUNDS]

Prints medians over rounds of wall-clock time and of processor time (user and system: what the
process itself used, whatever else the machine did), with the fastest beside them. Bytecode is
written first. Asserts nothing, since machines differ.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from statistics import median

COMMANDS = (
    "--help",
    "schema",
    "list",
    "check specs/backbones/swin_tiny.yaml",
    "cost swin_tiny",
    "show local_attention",
    "show swin_tiny",
    "generate --check swin_tiny",
)
RUNS = {
    "(bare Python)": ["-c", "pass"],
    "(import relgraph)": ["-c", "import relgraph"],
    **{f"relgraph {command}": ["-m", "relgraph", *command.split()] for command in COMMANDS},
}
# With this variable Python would compile all modules anew at every start.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Wall-clock and processor time of one run. An outcome of 1 is `generate --check`'s word for
    a file that is not fresh, which costs the same."""
    used, began = _used(), time.perf_counter()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
    wall = time.perf_counter() - began
    assert done.returncode in (0, 1), f"{arguments} failed"
    return wall, _used() - used


def _used() -> float:
    """Processor time of all ended children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(rounds: int) -> None:
    """Interleave the commands, so that a busy moment of the machine slows all of them."""
    for arguments in RUNS.values():
        seconds(arguments)  # writes the bytecode
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in RUNS}
    for _ in range(rounds):
        for name, arguments in RUNS.items():
            times[name].append(seconds(arguments))
    print("   wall  fastest  processor  fastest   (seconds)")
    for name, taken in times.items():
        wall, processor = zip(*taken, strict=True)
        print(
            f"{median(wall):7.3f}  {min(wall):7.3f}  {median(processor):9.3f}"
            f"  {min(processor):7.3f}   {name}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

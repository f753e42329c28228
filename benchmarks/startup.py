"""How long commands take that run no model: a fresh process each, the fastest of several.

    python benchmarks/startup.py [ROUNDS]

Prints seconds beside those of a bare interpreter; asserts nothing, since machines differ.
"""

from __future__ import annotations

import subprocess
import sys
import time

COMMANDS = (
    ("--help",),
    ("list",),
    ("show", "local_attention"),
    ("check", "swin_tiny"),
    ("cost", "swin_tiny"),
    ("generate", "swin_tiny", "--check"),
    ("schema",),
)


def seconds(arguments: list[str]) -> float:
    """Wall-clock time of one run."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Interleave the commands, so that a busy moment of the machine slows all of them."""
    named = {"(bare Python)": ["-c", "pass"]}
    named |= {" ".join(c): ["-m", "relgraph", *c] for c in COMMANDS}
    fastest = dict.fromkeys(named, float("inf"))
    for _ in range(rounds):
        for name, arguments in named.items():
            fastest[name] = min(fastest[name], seconds(arguments))
    for name, best in fastest.items():
        print(f"{best:7.3f} s  relgraph {name}" if name[0] != "(" else f"{best:7.3f} s  {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

"""One training of the demonstration in a process of its own, with one thread.

    python -m relgraph.demo.worker REQUEST

REQUEST is JSON: `model`, `recipe`, `out`, `sources`, or `resume`. The training stops, with
everything saved, when standard input ends: so it never outlives whoever started it, however that
one ended. Exit codes are those of the command line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from relgraph.errors import RelgraphError
from relgraph.spec.recipe import find_recipe, load_recipe
from relgraph.train import TrainRequest, train


def main(text: str) -> int:
    """Train as the JSON `text` asks; the exit code."""
    import torch

    # Trainings run side by side: threads of one would wait, spinning, for the other's cores.
    torch.set_num_threads(1)
    threading.Thread(target=_stop_when_input_ends, daemon=True).start()
    try:
        return train(_request(json.loads(text))).exit_code
    except RelgraphError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _request(wanted: dict[str, Any]) -> TrainRequest:
    if "resume" in wanted:
        return TrainRequest(resume=Path(wanted["resume"]), accelerator="cpu")
    return TrainRequest(
        model=Path(wanted["model"]),
        recipe=load_recipe(find_recipe(wanted["recipe"])),
        out=Path(wanted["out"]),
        sources=tuple(Path(source) for source in wanted["sources"]),
        accelerator="cpu",
    )


def _stop_when_input_ends() -> None:
    # Not sys.stdin: python can't shut down while a thread waits inside a buffered stream.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

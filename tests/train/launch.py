"""Run one training in a process of its own, as the command line does: argv 1 is a JSON request."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from relgraph.spec.recipe import load_recipe
from relgraph.train import TrainRequest, train

if __name__ == "__main__":
    torch.set_num_threads(1)
    fields = json.loads(sys.argv[1])
    for name in ("model", "out", "resume"):
        fields[name] = Path(fields[name]) if name in fields else None
    if "recipe" in fields:
        fields["recipe"] = load_recipe(Path(fields["recipe"]), fields.pop("set", []))
    result = train(TrainRequest(accelerator="cpu", **fields))
    if result.is_main:
        assert result.score is not None or result.interrupted
        print(json.dumps({"updates": result.updates, "run": str(result.run)}))
    sys.exit(result.exit_code)

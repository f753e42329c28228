"""The emitted file that a NAME stands for, for commands that run a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from relgraph.cli.naming import find
from relgraph.files import write_atomically


@dataclass(frozen=True)
class ModelFile:
    """An emitted file, the spec files it was made from, and the resolved spec as text."""

    model: Path
    sources: tuple[Path, ...] = ()
    resolved: str = ""


def model_file(name: str, folder: Path) -> ModelFile:
    """The .py file `name` itself, or a fresh one in `folder` compiled from the backbone `name`.

    A model that is trained or exported by the name of its spec is always what the spec says now,
    whatever lies in `generated/`; a file edited by hand is used by naming the file.
    """
    if name.endswith(".py"):
        return ModelFile(Path(name))
    from relgraph.pipeline import compile_backbone
    from relgraph.resolve.literal import dump

    compiled = compile_backbone(find(name, ["backbones"]).word)
    path = folder / f"{compiled.name}.py"
    write_atomically(path, compiled.text)
    resolved = json.dumps(dump(compiled.program.source), indent=2) + "\n"
    return ModelFile(path, compiled.sources, resolved)

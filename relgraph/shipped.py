"""Where the specs that ship with relgraph lie: listed from their folder, never registered."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

Kind = Literal["operators", "backbones", "recipes"]
KINDS: tuple[Kind, ...] = ("operators", "backbones", "recipes")


@cache
def specs_folder() -> Path:
    """The folder with `operators/`, `backbones/` and `recipes/`: inside an installed package,
    beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def shipped(kind: Kind) -> dict[str, Path]:
    """The shipped specs of one kind, by name, sorted."""
    folder = specs_folder() / kind
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return {}
    return dict(_listed(folder, changed))


@lru_cache(maxsize=16)
def _listed(folder: Path, changed: int) -> dict[str, Path]:
    """Read once for as long as no file comes or goes: every spec that is read asks for it."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}

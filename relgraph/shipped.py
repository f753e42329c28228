"""Where the specs that ship with relgraph lie: listed from their folder, never registered."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["operators", "backbones", "recipes"]
KINDS: tuple[Kind, ...] = ("operators", "backbones", "recipes")


def specs_folder() -> Path:
    """The folder with `operators/`, `backbones/` and `recipes/`: inside an installed package,
    beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def shipped(kind: Kind) -> dict[str, Path]:
    """The shipped specs of one kind, by name, sorted."""
    return {path.stem: path for path in sorted((specs_folder() / kind).glob("*.yaml"))}

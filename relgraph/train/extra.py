"""What training needs beyond the core install, and what to say where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from relgraph.errors import Problem, RelgraphError

_MODULES = ("torch", "torchvision", "timm", "lightning_fabric", "safetensors", "PIL", "numpy")


def require_training_extra() -> None:
    """Raise RelgraphError naming the modules of the `train` extra that are not installed."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise RelgraphError(
            Problem(
                "missing-extra",
                found=f"{', '.join(missing)} not installed",
                expected="what training, evaluation and prediction run on",
                hint="pip install 'relgraph[train]'",
            )
        )

"""What a command needs that may not be installed: said in one line, with the way to get it."""

from __future__ import annotations

from importlib.util import find_spec

from relgraph.errors import Problem, RelgraphError


def require(package: str, extra: str, purpose: str) -> None:
    """Raise RelgraphError where `package`, a part of relgraph's optional `extra`, is missing."""
    if find_spec(package) is not None:
        return
    raise RelgraphError(
        Problem(
            "missing-extra",
            found=f"{package} is not installed",
            expected=f"it, to {purpose}",
            hint=f"pip install 'relgraph[{extra}]'",
        )
    )

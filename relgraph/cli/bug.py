"""The report file of a bug: everything we need, in the working directory, nothing sent anywhere."""

from __future__ import annotations

import platform
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from relgraph import __version__
from relgraph.errors import RelgraphError
from relgraph.files import write_atomically

_PACKAGES = ("torch", "timm", "pydantic", "click", "rich", "lightning-fabric", "onnx")


def report(error: BaseException, arguments: Sequence[str]) -> str:
    """What to send us: the path of `relgraph-bug-DATE.txt`, which holds traceback, arguments and
    versions.

    It falls back to the folder of temporary files where the working directory can't be written,
    and to the text itself where neither can.
    """
    name = time.strftime("relgraph-bug-%Y%m%d-%H%M%S.txt")
    text = _text(error, arguments)
    for folder in (Path(), Path(tempfile.gettempdir())):
        try:
            write_atomically(folder / name, text)
        except RelgraphError:
            continue
        return str(folder / name)
    return f"this:\n{text}"


def _text(error: BaseException, arguments: Sequence[str]) -> str:
    lines = [
        "A bug of relgraph. Nothing was sent; please attach this file, and the spec if you can.",
        "",
        f"command: relgraph {shlex.join(arguments)}",
        f"relgraph {__version__}, Python {sys.version.split()[0]}, {platform.platform()}",
        *(f"{package} {_version(package)}" for package in _PACKAGES),
        "",
        *traceback.format_exception(error),
    ]
    return "\n".join(line.rstrip("\n") for line in lines) + "\n"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is not installed"

"""Options and types that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
"""A path as it was written; whether it is there is for the command to say."""
AT_LEAST_ONE = click.IntRange(min=1)

as_json = click.option("--json", is_flag=True, help="Print JSON.")
spec_name = click.argument("name", help="A shipped spec, or a path to one.")

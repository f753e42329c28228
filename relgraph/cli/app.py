"""The commands in one literal table, in the order of a researcher's day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from relgraph import __version__
from relgraph.cli import building, checking, demo, exporting, listing, proving, showing, training


class _InOrder(TyperGroup):
    """Commands are listed as written, and Ctrl-C leaves every one of them with 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None


COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("list", listing.list_specs),
    ("show", showing.show),
    ("check", checking.check),
    ("cost", showing.cost),
    ("generate", building.generate),
    ("verify", proving.verify),
    ("train", training.train),
    ("evaluate", training.evaluate),
    ("predict", training.predict),
    ("export", exporting.export),
    ("new", building.new),
    ("schema", listing.schema),
    ("demo", demo.demo),
)

app = typer.Typer(
    cls=_InOrder,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"relgraph {__version__}")
        raise typer.Exit


@app.callback()
def relgraph(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Vision operators as points of one algebra: specs are checked, proved and compiled to
    readable PyTorch. NAME is a shipped spec or a path to your own YAML file."""


for _name, _command in COMMANDS:
    app.command(_name)(_command)

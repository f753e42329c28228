"""The commands in one literal table, in the order of a researcher's day.

A command's module is imported when the command is asked for, so that the start of one never grows
with the number of others.
"""

from __future__ import annotations

from importlib import import_module

import click

from relgraph import __version__

COMMANDS = {
    "list": "listing.list_specs",
    "show": "showing.show",
    "check": "checking.check",
    "cost": "showing.cost",
    "graph": "graphing.graph",
    "path": "questions.path",
    "neighbours": "questions.neighbours",
    "common": "questions.common",
    "holes": "questions.holes",
    "where": "questions.where",
    "probe": "probing.probe",
    "derive": "deriving.derive",
    "generate": "building.generate",
    "verify": "proving.verify",
    "train": "training.train",
    "evaluate": "training.evaluate",
    "predict": "training.predict",
    "export": "exporting.export",
    "transfer": "transferring.transfer",
    "optimize": "optimizing.optimize",
    "bench": "benching.bench",
    "new": "building.new",
    "schema": "listing.schema",
    "demo": "demo.demo",
}
"""A command's name, and the module and function in `relgraph.cli` that it is."""


class _Commands(click.Group):
    """The table as a group: listed in its order, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names as written above; click would sort them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of this name, or a usage error that names the nearest."""
        if cmd_name not in COMMANDS:
            raise click.exceptions.NoSuchCommand(cmd_name, possibilities=COMMANDS, ctx=ctx)
        module, function = COMMANDS[cmd_name].split(".")
        command = getattr(import_module(f"relgraph.cli.{module}"), function)
        assert isinstance(command, click.Command), f"{function} is decorated with click.command"
        return command


@click.group(cls=_Commands, context_settings={"show_default": True})
@click.version_option(__version__, message="relgraph %(version)s", help="Print it.")
def app() -> None:
    """Vision operators as points of one algebra: specs are checked, proved and compiled to
    readable PyTorch. NAME is a shipped spec or a path to your own YAML file."""

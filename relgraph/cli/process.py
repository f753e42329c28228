"""From arguments to an exit code.

0 fine · 1 the thing checked is false · 2 the user's mistake · 130 interrupted · 70 our bug. A
person never sees a traceback: a bug leaves one line and a report file.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

from relgraph.cli import output
from relgraph.errors import RelgraphError

FALSE = 1
"""Exit code where the thing checked is false: `verify`, `generate --check`."""
MISTAKE = 2
"""Exit code of a user's mistake, as of a spec that `check` refuses."""
BUG = 70
"""Exit code of a bug of relgraph's own (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED = 130
"""Exit code after Ctrl-C (128 + SIGINT), and after SIGTERM, which ends a command as Ctrl-C does:
temporary folders are removed, trainings save."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Prints problems, never raises."""
    try:
        return _command(arguments)
    except RelgraphError as error:
        _report_mistake(error, as_json="--json" in arguments)
        return MISTAKE
    except KeyboardInterrupt:
        output.remark("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has left (`relgraph list | head -1`). Python would complain again when it
        # flushes at exit, so nothing is left to flush.
        sys.stdout = None
        return 0
    except Exception as error:
        from relgraph.cli.bug import report

        found = type(error).__name__
        output.remark(f"relgraph has a bug: {found}; please send us {report(error, arguments)}")
        return BUG


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _command(arguments: Sequence[str]) -> int:
    """The command itself. Not by click's own `main`, which has other exit codes than ours for
    Ctrl-C and for a reader that left."""
    import click

    from relgraph.cli.app import app

    try:
        with app.make_context("relgraph", list(arguments)) as context:
            app.invoke(context)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as mistake:
        mistake.show()
        return mistake.exit_code
    return 0


def _report_mistake(error: RelgraphError, as_json: bool) -> None:
    if as_json:
        output.print_json({"problems": [problem.to_json() for problem in error.problems]})
        return
    output.print_problems(error.problems)

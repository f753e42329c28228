"""`probe`: a module that nobody described, measured and placed in the relation graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relgraph.cli import output
from relgraph.cli.naming import known_operators
from relgraph.cli.options import PATH, as_json
from relgraph.errors import Problem, RelgraphError

if TYPE_CHECKING:
    from relgraph.probe.probed import Placed, Probed

_LAYOUTS = ("NCHW", "NHWC", "BNC", "BCN", "BC")


@click.command
@click.argument("module", help="package.module:NAME, file.py:NAME, or timm:MODEL#layer.")
@click.option(
    "--args", "arguments", metavar="YAML", help="What the constructor takes, as {…} or […]."
)
@click.option("--shape", metavar="1x64x14x14", help="Of the input; a timm layer's own by default.")
@click.option(
    "--layout", type=click.Choice(_LAYOUTS), help="Of the input; by its sizes by default."
)
@click.option("--grid", metavar="7x14", help="The map of an input whose positions are in a row.")
@click.option("--tokens", type=click.IntRange(min=0), default=0, help="Extra tokens in front.")
@click.option(
    "--call", "further", metavar="YAML", help="Further arguments of forward, as […] or {…}."
)
@click.option("--turn", type=int, multiple=True, help="Freeze the other operand of this product.")
@click.option("--part", type=click.IntRange(min=1), help="The operator, from 1, that OUT is of.")
@click.option("-o", "--out", type=PATH, help="Write the operator as a spec, a draft.")
@click.option("--force", is_flag=True, help="Replace OUT.")
@as_json
def probe(
    module: str,
    arguments: str | None,
    shape: str | None,
    layout: str | None,
    grid: str | None,
    tokens: int,
    further: str | None,
    turn: tuple[int, ...],
    part: int | None,
    out: Path | None,
    force: bool,
    json: bool,
) -> None:
    """Measure a torch module and place it in the relation graph.

    This runs the module's own code. What is measured holds for the products that are held fixed,
    which are named; what could not be decided is said to be undecided.
    """
    output.remark(f"running the code of {module}")
    found = _probed(
        module,
        arguments,
        shape,
        further,
        {"layout": layout, "grid": _pair(grid), "tokens": tokens, "turn": turn},
    )
    files = () if out is None else _write(found, part, out, force)
    if json:
        output.print_json(found.to_json())
        return
    _print(found)
    if files:
        output.say(f"\nwritten: {', '.join(map(str, files))}")


def _probed(
    word: str, arguments: str | None, shape: str | None, further: str | None, told: dict[str, Any]
) -> Probed:
    from relgraph.probe import probe as measure
    from relgraph.probe.target import find

    target = find(word, _yaml("--args", arguments), watch=shape is None)
    sizes = target.shape if shape is None else _sizes("--shape", shape)
    if sizes is None:
        found = "the shape of the input is not known"
        raise RelgraphError(Problem("no-shape", found, "--shape, the batch first: 1x64x14x14"))
    extra, named = target.extra, dict(target.named)
    given = _yaml("--call", further)
    if isinstance(given, dict):
        named = given
    elif given is not None:
        extra = tuple(tuple(one) if isinstance(one, list) else one for one in given)
    return measure(
        target.module, sizes, call=extra, named=named, name=word, names=known_operators(), **told
    )


def _yaml(option: str, text: str | None) -> Any:
    """What is written after an option; JSON is YAML too. Raises RelgraphError."""
    import yaml

    if text is None:
        return None
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _bad(option, f"{text!r} is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(found, dict | list):
        raise _bad(option, f"{text!r} is neither a list nor a mapping")
    return found


def _pair(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    sizes = _sizes("--grid", text)
    if len(sizes) != 2:
        raise _bad("--grid", f"{text!r} are {len(sizes)} sizes")
    return sizes[0], sizes[1]


def _sizes(option: str, text: str) -> tuple[int, ...]:
    words = text.lower().replace("×", "x").replace(",", "x").split("x")
    if not all(word.strip().isdigit() and int(word) > 0 for word in words):
        raise _bad(option, f"{text!r} are no sizes")
    return tuple(int(word) for word in words)


def _bad(option: str, found: str) -> RelgraphError:
    expected = {
        "--shape": "sizes such as 1x64x14x14",
        "--grid": "rows and columns, such as 7x14",
        "--args": "arguments such as {dim: 64, num_heads: 4} or [64, 4]",
        "--call": "arguments such as [14, 14] or {mask: null}",
    }
    return RelgraphError(Problem("bad-option", f"{option}: {found}", expected[option]))


def _print(found: Probed) -> None:
    for line in found.lines():
        output.say(line)
    several = len(found.operators) > 1
    for number, placed in enumerate(found.operators, 1):
        output.say()
        for at, line in enumerate(placed.lines()):
            output.say(f"{number}. {line}" if several and at == 0 else line)
        table = placed.table()
        output.print_table(table.headers, table.rows)


def _write(found: Probed, part: int | None, out: Path, force: bool) -> tuple[Path, ...]:
    """The draft of one operator, whose name is the file's; a term's parts stand beside it."""
    from relgraph.files import write_atomically
    from relgraph.probe.draft import draft

    chosen = _chosen(found, part)
    if out.suffix != ".yaml":
        raise RelgraphError(Problem("bad-option", f"--out {out}", "a file that ends in .yaml"))
    texts = draft(chosen.part, out.stem, found.module)
    files = tuple(out.with_name(name) for name in texts)
    for file in files:
        if file.exists() and not force:
            said = f"{file} is there already"
            raise RelgraphError(Problem("file-exists", said, "a new file", "--force replaces it"))
    for file, text in zip(files, texts.values(), strict=True):
        write_atomically(file, text)
    return files


def _chosen(found: Probed, part: int | None) -> Placed:
    """The operator that was asked for, or the only one that mixes places."""
    count = len(found.operators)
    if part is not None and part <= count:
        return found.operators[part - 1]
    mixing = [one for one in found.operators if not one.family.startswith("point")]
    chosen = mixing if len(mixing) == 1 else list(found.operators)
    if part is None and len(chosen) == 1:
        return chosen[0]
    listed = "; ".join(f"{n}: {one.family}" for n, one in enumerate(found.operators, 1))
    said = f"{count} operators" if part is None else f"no operator {part}"
    raise RelgraphError(Problem("which-part", said, "--part, the number of one", listed))

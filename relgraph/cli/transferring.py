"""`transfer`: trained weights from one backbone to another, along the relation graph's edges."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relgraph.cli import output
from relgraph.cli.naming import find
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json

if TYPE_CHECKING:
    from relgraph.transfer import Transferred
    from relgraph.transfer.layer import Layer
    from relgraph.transfer.request import Objective


@click.command
@click.argument("checkpoint", type=PATH, help="A run, one of its checkpoints, or .safetensors.")
@click.option("--from", "before", metavar="NAME", help="What was trained; a run's own by default.")
@click.option("--to", "after", required=True, metavar="NAME", help="A backbone, or a .py file.")
@click.option("-o", "--out", type=PATH, required=True, help="A new folder, or a .safetensors file.")
@click.option("--fresh", is_flag=True, help="Go on where no operator that differs can be carried.")
@click.option("--seed", type=int, default=0, help="Of what starts fresh.")
@click.option(
    "--outputs/--no-outputs",
    default=None,
    help="Compare each layer's outputs on images; by default on a few, where a run has some.",
)
@click.option(
    "--calibrate", is_flag=True, help="Use images to project weights that change with them."
)
@click.option(
    "--objective",
    type=click.Choice(["outputs", "weights"]),
    help="What --calibrate brings nearest: the outputs on the images (its default), or W.",
)
@click.option("--recalibrate-norms", is_flag=True, help="Count batch norms' statistics anew.")
@click.option("--images", type=AT_LEAST_ONE, default=256, help="How many training images to use.")
@click.option("--recipe", help="The recipe that names the images; a run's own by default.")
@click.option("--all", "everything", is_flag=True, help="List layers that were only copied too.")
@as_json
def transfer(
    checkpoint: Path,
    before: str | None,
    after: str,
    out: Path,
    fresh: bool,
    seed: int,
    outputs: bool | None,
    calibrate: bool,
    objective: Objective | None,
    recalibrate_norms: bool,
    images: int,
    recipe: str | None,
    everything: bool,
    json: bool,
) -> None:
    """Carry trained weights to another backbone.

    The same function where that is possible (embedding), else the nearest (projection), else fresh,
    with the reason for every layer. OUT goes into `train --init`, `evaluate` and `predict`.
    """
    from relgraph.spec.recipe import find_recipe
    from relgraph.transfer import TransferRequest
    from relgraph.transfer import transfer as carry

    request = TransferRequest(
        checkpoint=checkpoint,
        before=None if before is None else _word(before),
        after=_word(after),
        out=out,
        fresh=fresh,
        seed=seed,
        recipe=None if recipe is None else find_recipe(recipe),
        images=images,
        calibrate=calibrate or objective is not None,
        objective=objective or "outputs",
        recalibrate_norms=recalibrate_norms,
        outputs=outputs,
    )
    with output.progress("reading") as progress:
        done = carry(request, progress)
    if json:
        output.print_json(done.to_json())
        return
    _print(done, everything)


def _word(name: str) -> str:
    return name if name.endswith(".py") else find(name, ["backbones"]).word


def _print(done: Transferred, everything: bool) -> None:
    rows = [one for one in done.layers if everything or one.method != "copy"]
    if rows:
        headers = ("layers", "path", "from", "to", "how", "ΔW", "Δy", "why")
        groups = [(one,) for one in rows] if everything else _groups(rows)
        output.print_table(headers, [_row(layers) for layers in groups])
        output.say()
    counts = Counter(layer.method for layer in done.layers)
    output.say(", ".join(f"{count} {method}" for method, count in counts.items()))
    same = "computes the same function" if done.exact else "does not compute the same function"
    output.say(f"{done.out}: {done.after} {same} as {done.before}")
    if done.logits is not None:
        output.say(f"largest difference of a logit: {done.logits:.1e}")
    for note in done.notes:
        output.remark(note)


def _groups(layers: list[Layer]) -> list[tuple[Layer, ...]]:
    """Layers that differ in nothing but the block that they stand in, in order of the first."""
    groups: dict[tuple[str, ...], list[Layer]] = {}
    for layer in layers:
        key = (_pattern(layer.path), layer.before, layer.after, layer.method, layer.reason)
        groups.setdefault(key, []).append(layer)
    return [tuple(group) for group in groups.values()]


def _pattern(path: str) -> str:
    return re.sub(r"\.\d+", ".*", path)


def _row(layers: tuple[Layer, ...]) -> tuple[object, ...]:
    first = layers[0]
    path = first.path if len(layers) == 1 else _pattern(first.path)
    errors = [layer.error_w for layer in layers], [layer.error_outputs for layer in layers]
    shown = (_range(column) for column in errors)
    return (len(layers), path, *_differing(first), first.method, *shown, first.reason)


def _differing(layer: Layer) -> tuple[str, str]:
    """The two descriptions without the properties that are the same in both."""
    before, after = layer.before.split("; "), layer.after.split("; ")
    one = "; ".join(part for part in before if part not in after)
    other = "; ".join(part for part in after if part not in before)
    return (one, other) if one or other else (layer.before, layer.after)


def _range(errors: list[float | None]) -> str:
    known = [error for error in errors if error is not None]
    if not known:
        return "-"
    low, high = _number(min(known)), _number(max(known))
    return low if low == high else f"{low} to {high}"


def _number(error: float) -> str:
    return "0" if error == 0 else f"{error:.2g}"

"""`show` and `cost`: what a spec means, and what it costs, without a tensor; what a certificate
says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from relgraph.cli import certificates, output
from relgraph.cli.naming import find
from relgraph.cli.options import AT_LEAST_ONE, as_json, spec_name


@click.command
@click.argument("name", help="A shipped spec, or a path to one, or to a certificate (.json).")
@as_json
def show(name: str, json: bool) -> None:
    """Show what a spec means, its equations and its cost; or what a certificate says."""
    if name.endswith(".json"):
        certificates.show(Path(name), json)
        return
    spec = find(name)
    if spec.kind == "recipes":
        from relgraph.spec.recipe import dump_recipe, load_recipe

        recipe = load_recipe(spec.path)
        if json:
            output.print_json(recipe.model_dump(mode="json"))
        else:
            output.say(dump_recipe(recipe).rstrip())
        return
    from relgraph.cli import facts

    found = facts.operator(spec) if spec.kind == "operators" else facts.backbone(spec)
    if json:
        output.print_json(found.to_json())
        return
    for line in found.lines():
        output.say(line)
    for table in found.tables():
        output.say()
        output.print_table(table.headers, table.rows)


@click.command
@spec_name
@click.option("--size", type=AT_LEAST_ONE, help="Side of the image; the spec's by default.")
@as_json
def cost(name: str, size: int | None, json: bool) -> None:
    """Count parameters and multiply-adds, exactly."""
    from relgraph.assemble.cost import cost as count
    from relgraph.understanding import understand

    word = find(name, ["backbones"]).word
    program = understand(word, None if size is None else (size, size)).program
    total = count(program)
    grid = program.input.grid or (1, 1)
    if json:
        output.print_json({"name": program.source.name, "size": grid, **asdict(total)})
        return
    rows = [
        ("input", f"{program.input.channels} × {grid[0]} × {grid[1]}"),
        ("parameters", f"{total.parameters:,}"),
        ("multiply-adds", f"{total.macs:,}"),
        ("activations kept", f"{total.activation_elements:,}"),
    ]
    output.print_table((program.source.name, ""), rows)

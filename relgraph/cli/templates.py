"""What `new` writes: a commented spec that is valid as it stands, or one like another spec.

A new file is checked where it will live, so a name that is taken or that Python could not carry is
refused, and nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from relgraph.cli.checking import check_spec
from relgraph.cli.naming import Named, find
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import write_atomically
from relgraph.resolve.library import Library, find_spec
from relgraph.resolved import Backbone, Body, Branches, Node, OperatorUse, Residual, Scope, Split
from relgraph.shipped import Kind

_BEGIN = Path(__file__).resolve().parent / "begin"


def begin(what: str, name: str, like: str | None, folder: Path) -> Path:
    """Write `folder/NAME.yaml`, an operator or backbone, and return its path.

    Raises RelgraphError where the file is there already, where `like` is unknown, or where the
    result would be no valid spec (a name that is taken, or not a name).
    """
    path = folder / f"{name}.yaml"
    if path.exists():
        place = Place(str(path), 1, 1)
        raise RelgraphError(Problem("file-exists", "this file is there already", place=place))
    kind: Kind = "operators" if what == "operator" else "backbones"
    write_atomically(path, _text(kind, name, like))
    try:
        _accept(kind, name, path)
    except RelgraphError:
        path.unlink()
        raise
    return path


def _accept(kind: Kind, name: str, path: Path) -> None:
    """Raise RelgraphError where the new file is no valid spec, or has the name of another."""
    find_spec(kind, name, Library(), path.parent)
    outcome = check_spec(Named(kind, path, str(path)))
    if not outcome.ok:
        raise RelgraphError(outcome.problems)


def _text(kind: Kind, name: str, like: str | None) -> str:
    if like is None:
        example = _BEGIN / ("operator.yaml" if kind == "operators" else "backbone.yaml")
        return example.read_text("utf-8").replace("NAME", name)
    model = find(like, [kind])
    return _operator_like(name, model) if kind == "operators" else _backbone_like(name, model)


def _operator_like(name: str, model: Named) -> str:
    """The other file under a new name: operators have no `extends`, so its text is the start."""
    from relgraph.spec.document import MapNode, load

    document = load(model.path)
    assert isinstance(document.root, MapNode), "a spec that was found is a map"
    named = document.root.get("operator")
    assert named is not None, "an operator file has its name"
    lines = document.text.splitlines()
    lines[named.place.line - 1] = f"operator: {name}"
    return f"# {name}: begun as a copy of {model.path.stem}.\n" + "\n".join(lines) + "\n"


def _backbone_like(name: str, model: Named) -> str:
    from relgraph.resolve import resolve_backbone

    backbone = resolve_backbone(model.word).backbone
    columns = "[" + ", ".join(str(len(stage.blocks)) for stage in backbone.stages) + "]"
    parts = [
        f"# {name}: {backbone.name}, with what stands below changed.",
        f"backbone: {name}",
        '# cite: "Authors, Title, Venue and year"',
        f"extends: {backbone.name}",
        "",
        "# Columns of the stage rows: a list has one value for each stage, one value is for all.",
        f"# stages: {{depth: {columns}}}",
        "",
        "# `replace` puts another item where the addressed one stands, `set` changes arguments and",
        "# keeps the item. An address is a word, a label or a definition, with a place before it",
        "# where it must be told apart: `local_attention`, `channel_mixer.layer_norm`,",
        "# `stage3.spatial`. Addresses here:",
        *_wrapped(sorted(set(_addresses(backbone)))),
        "# replace: {ADDRESS: {depthwise_conv: 7}}",
        "# set: {ADDRESS: {bias: false}}",
    ]
    return "\n".join(parts) + "\n"


def _addresses(backbone: Backbone) -> Iterable[str]:
    for body in (backbone.stem, backbone.head):
        yield from _within(body)
    for stage in backbone.stages:
        for body in (stage.downsample, stage.after, *stage.blocks):
            yield from _within(body)


def _within(body: Body) -> Iterable[str]:
    for node in body:
        if node.label is not None:
            yield node.label
        if isinstance(node, OperatorUse | Scope):
            yield node.name
        for inner in _bodies(node):
            yield from _within(inner)


def _bodies(node: Node) -> tuple[Body, ...]:
    if isinstance(node, Residual):
        shortcut = node.shortcut if isinstance(node.shortcut, tuple) else ()
        return node.body, shortcut
    if isinstance(node, Branches | Split):
        return node.branches
    # An operator file's inside has no addresses: it is used whole.
    return (node.body,) if isinstance(node, Scope) and node.kind == "definition" else ()


def _wrapped(words: Iterable[str], width: int = 96) -> list[str]:
    lines = ["#  "]
    for word in words:
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("#  ")
        lines[-1] += f" {word}"
    return lines

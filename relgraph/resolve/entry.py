"""The two questions that the rest asks: what does this backbone, this operator, resolve to?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from relgraph.errors import Place, Problem, RelgraphError
from relgraph.resolve.backbone import resolve_merged
from relgraph.resolve.bodies import build_body
from relgraph.resolve.chain import chain_of, extends_of, merge
from relgraph.resolve.context import Context, Spot
from relgraph.resolve.edits import Hit
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.items import Item
from relgraph.resolve.library import Library, find_spec
from relgraph.resolve.operator_file import OperatorFile
from relgraph.resolve.operators import build_operator, operator_file
from relgraph.resolve.scope import Env, Home, Section
from relgraph.resolve.use import Use
from relgraph.resolved import Backbone, OperatorUse, Scope
from relgraph.spec.nodes import ListNode, MapNode, Node, Plain, ScalarNode

COMMAND_LINE = Place("<arguments>", 1, 1)


@dataclass(frozen=True)
class Resolution:
    """A resolved backbone with what a person wants to know beside it: how often each `replace`
    and `set` hit, warnings and notes in file order, the files that were read, its own first, and
    where `extends` asks for them, its own first too."""

    backbone: Backbone
    hits: tuple[Hit, ...]
    problems: tuple[Problem, ...]
    files: tuple[Path, ...]
    extends: tuple[Place, ...] = ()


@dataclass(frozen=True)
class ResolvedUse:
    """One use of an operator, with the warnings and notes of its file."""

    use: OperatorUse | Scope
    problems: tuple[Problem, ...]


class RefusedSpecError(RelgraphError):
    """Problems of a backbone's files, with what is left of it: `rest` has an `Unknown` wherever an
    item was refused, or is None. `covered` are `assemble`'s problems, by code and place, that
    would only repeat the ones told here; `extends` as in `Resolution`."""

    def __init__(
        self,
        problems: Iterable[Problem],
        rest: Backbone | None,
        covered: frozenset[tuple[str, Place | None]],
        extends: tuple[Place, ...] = (),
    ) -> None:
        super().__init__(problems)
        self.rest = rest
        self.covered = covered
        self.extends = extends


class RefusedOperatorError(RelgraphError):
    """Problems of an operator's file, with what is left of its use; see `RefusedSpecError`."""

    def __init__(
        self,
        problems: Iterable[Problem],
        rest: OperatorUse | Scope | None,
        covered: frozenset[tuple[str, Place | None]],
    ) -> None:
        super().__init__(problems)
        self.rest = rest
        self.covered = covered


def resolve_backbone(name: str | Path) -> Resolution:
    """Resolve the backbone `name`: a shipped one, one in the current folder, or a path.

    Raises RelgraphError with all problems of its files that show before anything has a size
    (`relgraph.pipeline.understand` finds those of sizes too).
    """
    library, findings = Library(), Findings()
    path = find_spec("backbones", str(name), library, Path())
    files = chain_of(path, library)
    findings.using = extends_of(files)
    merged = merge(files, library, findings)
    backbone, hits = resolve_merged(merged, library, findings)
    if errors := findings.errors():
        covered = frozenset(findings.covered)
        told = (*errors, *_reasons(errors, findings))
        raise RefusedSpecError(told, backbone, covered, extends_of(files))
    assert backbone is not None, "no problem was reported, yet there is no backbone"
    read = (path, *(other for other in library.documents if other != path))
    return Resolution(backbone, hits, findings.told(), read, extends_of(files))


def _reasons(errors: Iterable[Problem], findings: Findings) -> tuple[Problem, ...]:
    """Warnings that say why a number does not divide the channels: they are others than meant."""
    divides = any(error.code.endswith(("-divide", "-divides")) for error in errors)
    return findings.warned("stage-width") if divides else ()


def resolve_operator(
    name: str | Path,
    in_channels: int,
    out_channels: int | None = None,
    params: Mapping[str, Plain] | None = None,
) -> OperatorUse | Scope:
    """The use of an operator alone; see `resolve_use`."""
    return resolve_use(name, in_channels, out_channels, params).use


def resolve_use(
    name: str | Path,
    in_channels: int,
    out_channels: int | None = None,
    params: Mapping[str, Plain] | None = None,
) -> ResolvedUse:
    """Resolve one use of the operator `name` from `in_channels` to `out_channels` channels (as
    many as come in, where not given).

    `params` are its arguments as plain values. Raises RelgraphError with all problems that show
    before anything has a size.
    """
    library, findings = Library(), Findings()
    path = find_spec("operators", str(name), library, Path())
    context = Context(findings, library)
    arguments = dict(params or {})
    if out_channels not in (None, in_channels):
        arguments.setdefault("channels", out_channels)
    try:
        file = operator_file(path, context)
        _note_file_name(file, findings)
        home = Home(path, "operator", 0, {}, {})
        env = Env(home, Section("", None, None, {}), in_channels, {})
        item = Item(file.name, file.place, _node(arguments) if arguments else None)
        use = Use(item, env, in_channels, Spot(), context, build_body)
        with findings.leaving_sizes():
            built = build_operator(use, file)
    except RefusedError:
        built = None
    made = built.nodes[0] if built is not None else None
    if errors := findings.errors():
        left = made if findings.sized and isinstance(made, OperatorUse | Scope) else None
        raise RefusedOperatorError(errors, left, frozenset(findings.covered))
    assert isinstance(made, OperatorUse | Scope), "no problem was reported, yet no operator"
    return ResolvedUse(made, findings.told())


def _note_file_name(file: OperatorFile, findings: Findings) -> None:
    """By its path a file is found under any name; where specs name it, it is looked up."""
    if file.name != file.path.stem:
        found = f"the operator {file.name} in the file {file.path.name}"
        expected = f"specs that name it look for {file.name}.yaml"
        findings.warn("name-differs", file.place, found, expected)


def _node(value: object) -> Node:
    """A plain value as nodes without a file."""
    if isinstance(value, Mapping):
        entries = tuple((ScalarNode(str(k), COMMAND_LINE), _node(v)) for k, v in value.items())
        return MapNode(entries, COMMAND_LINE)
    if isinstance(value, list | tuple):
        return ListNode(tuple(_node(item) for item in value), COMMAND_LINE)
    if value is None or isinstance(value, int | float | bool | str):
        return ScalarNode(value, COMMAND_LINE)
    problem = Problem("bad-value", f"an argument of type {type(value).__name__}", "plain data")
    raise RelgraphError(problem)

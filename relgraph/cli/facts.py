"""What `show` tells of an operator or a backbone: gathered once, said as lines, tables and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from relgraph.algebra.operator import Operator
from relgraph.assemble.cost import Cost
from relgraph.assemble.cost import cost as count
from relgraph.assemble.walking import nodes
from relgraph.cli.alone import alone
from relgraph.cli.equations import equation, property_rows
from relgraph.cli.listing import about
from relgraph.cli.naming import Named
from relgraph.emit.equation import equations
from relgraph.program import Connect, Program, Scope, Stage
from relgraph.resolve import Hit
from relgraph.resolved import OperatorUse
from relgraph.spec.document import MapNode, load, plain
from relgraph.understanding import understand


@dataclass(frozen=True)
class Table:
    """Rows under headers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


class Facts(Protocol):
    """What can be shown."""

    def lines(self) -> Iterable[str]:
        """Sentences and equations, in reading order."""

    def tables(self) -> Iterable[Table]:
        """What is best read in columns."""

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""


@dataclass(frozen=True)
class Point:
    """An operator written as properties: its equation and its point in the algebra."""

    equation: str
    properties: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, operator: Operator) -> Point:
        """The point of one operator."""
        return cls(equation(operator), property_rows(operator))


@dataclass(frozen=True)
class OperatorFacts:
    """`point` is None where the operator is a body of others; `steps` says what that body does.
    The cost is of one use with its defaults, `where` says on how many channels and which map."""

    name: str
    about: str
    cite: str
    path: str
    params: dict[str, object]
    steps: tuple[str, ...]
    where: str
    cost: Cost
    point: Point | None = None

    def lines(self) -> Iterable[str]:
        """Name, source, equation or steps, parameters of the spec."""
        yield from _heading(self.name, self.about, self.cite, self.path)
        if self.point is not None:
            yield f"  {self.point.equation}"
        else:
            yield from (f"  {step}" for step in self.steps)
        if self.params:
            written = ", ".join(f"{name}: {_yaml(value)}" for name, value in self.params.items())
            yield f"params: {written}"

    def tables(self) -> Iterable[Table]:
        """The four properties on both axes, and the cost."""
        if self.point is not None:
            yield Table(("", "space", "channels"), self.point.properties)
        yield _cost_table(self.cost, f"with defaults, {self.where}")

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {"kind": "operator", **asdict(self)}


@dataclass(frozen=True)
class BackboneFacts:
    """A backbone: its stages as assembled, each operator that it uses, and what it costs."""

    name: str
    about: str
    cite: str
    path: str
    input: tuple[int, ...]
    sizes: str
    stages: tuple[tuple[int, int, int, str, str], ...]
    operators: tuple[tuple[str, int, str], ...]
    edits: tuple[str, ...]
    cost: Cost
    blocks: tuple[str, ...] = field(default=())

    def lines(self) -> Iterable[str]:
        """Name, source, input, what edits hit, what each kind of block does."""
        yield from _heading(self.name, self.about, self.cite, self.path)
        yield f"input: {' × '.join(map(str, self.input))}; {self.sizes}"
        yield from (f"edit: {edit}" for edit in self.edits)
        yield from self.blocks

    def tables(self) -> Iterable[Table]:
        """Stages, operators, cost."""
        yield Table(("stage", "blocks", "channels", "map", "block"), self.stages)
        yield Table(("operator", "uses", "equation of the first"), self.operators)
        yield _cost_table(self.cost, "one image")

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {"kind": "backbone", **asdict(self)}


def operator(spec: Named) -> OperatorFacts:
    """The facts of an operator spec. Raises RelgraphError with its problems."""
    made = alone(spec.word)
    document = load(spec.path)
    assert isinstance(document.root, MapNode), "it was resolved, so it is a map"
    params = document.root.get("params")
    defaults = {} if params is None else plain(params)
    use = made.use
    return OperatorFacts(
        name=use.name,
        about=about(document.text),
        cite=use.cite,
        path=str(spec.path),
        params=dict(defaults) if isinstance(defaults, dict) else {},
        steps=tuple(_steps(made.program)),
        where=made.where,
        cost=count(made.program),
        point=Point.of(use.operator) if isinstance(use, OperatorUse) else None,
    )


def backbone(spec: Named) -> BackboneFacts:
    """The facts of a backbone spec. Raises RelgraphError with its problems."""
    understood = understand(spec.word)
    resolution, program = understood.resolution, understood.program
    return BackboneFacts(
        name=resolution.backbone.name,
        about=about(load(spec.path).text),
        cite=resolution.backbone.cite,
        path=str(spec.path),
        input=(program.input.channels, *(program.input.grid or ())),
        sizes=_sizes(program),
        stages=tuple(_stage(number, s) for number, s in enumerate(program.stages, 1)),
        operators=_operators(program),
        edits=tuple(_edit(hit) for hit in resolution.hits),
        cost=count(program),
        blocks=tuple(_blocks(program)),
    )


def _steps(program: Program) -> Iterable[str]:
    """What a composite operator does, from the inside."""
    for node in program.stages[0].blocks[0].body:
        if isinstance(node, Scope):
            yield from equations(node.body)


def _heading(name: str, sentence: str, cite: str, path: str) -> Iterable[str]:
    yield name + (f": {sentence}" if sentence else "")
    if cite:
        yield f"from: {cite}"
    yield f"file: {path}"


def _cost_table(cost: Cost, where: str) -> Table:
    rows = (
        ("parameters", cost.parameters),
        ("multiply-adds", cost.macs),
        ("activations kept", cost.activation_elements),
    )
    return Table(("cost", where), rows)


def _sizes(program: Program) -> str:
    contract = program.contract
    if contract.fixed:
        return "this size only"
    multiple = "×".join(map(str, contract.multiple))
    return f"any multiple of {multiple} from {'×'.join(map(str, contract.minimum))} on"


def _stage(number: int, stage: Stage) -> tuple[int, int, int, str, str]:
    names = ", ".join(dict.fromkeys(block.name for block in stage.blocks))
    grid = "×".join(map(str, stage.output.grid or ("pooled",)))
    return number, len(stage.blocks), stage.output.channels, grid, names


def _operators(program: Program) -> tuple[tuple[str, int, str], ...]:
    uses: dict[str, list[Connect]] = {}
    for _, node in nodes(program):
        if isinstance(node, Connect):
            uses.setdefault(node.name, []).append(node)
    return tuple(
        (name, len(found), equation(found[0].connection.operator)) for name, found in uses.items()
    )


def _blocks(program: Program) -> Iterable[str]:
    """What each kind of block does, said once."""
    said: set[tuple[str, ...]] = set()
    for block in (block for stage in program.stages for block in stage.blocks):
        steps = tuple(equations(block.body))
        if steps not in said:
            said.add(steps)
            yield f"{block.name}:"
            yield from (f"  {step}" for step in steps)


def _edit(hit: Hit) -> str:
    return f"{hit.kind} {hit.address} ({hit.count} item{'s' if hit.count != 1 else ''})"


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return "none" if value is None else str(value)

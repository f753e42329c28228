"""The program of the inference version: what falls away, and what takes its place.

In: a program. Out: the rewritten one, whose attributes keep their names, and the steps that make
its tensors. A batch norm, a learned scale or an `affine` goes into the layer before it, else into
the one behind; the factor and shift of a layer or RMS norm can only go into the one behind. What
finds no layer stays as it is. Nothing is known here of tensors.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from relgraph.algebra.operator import HIDDEN
from relgraph.inference.accepts import Taken, before, behind, is_passed
from relgraph.inference.steps import Bake, IntoColumns, IntoRows, Source, Step, Tabulate
from relgraph.lower.attention import accepts_window_attention
from relgraph.lower.baked import bakes
from relgraph.lower.pointwise import POINTWISE_CONV, accepts_pointwise_conv
from relgraph.program import (
    Body,
    Branches,
    Connect,
    Element,
    Node,
    Program,
    Residual,
    Scope,
    Split,
)
from relgraph.program import Stage as ProgramStage

ASLEEP = frozenset(("dropout", "drop_path"))
NORMALISING = frozenset(("layer_norm", "rms_norm"))


@dataclass(frozen=True)
class Rewritten:
    """`program` computes what the one before computed, with the tensors that `steps` make, done in
    order. `folded` counts the norms and scales that are gone or lost their parameters, `kept` those
    that stay whole, `baked` the attentions with a stored table."""

    program: Program
    steps: tuple[Step, ...]
    folded: int
    kept: int
    baked: int


def for_inference(program: Program) -> Rewritten:
    """The inference version of `program`."""
    work = _Rewriting()
    stem = work.scope(program.stem, "stem")
    stages = tuple(work.stage(stage, f"stages.{at}") for at, stage in enumerate(program.stages))
    head = work.body(program.head, "")
    baked = sum(isinstance(step, Bake | Tabulate) for step in work.steps)
    contract = program.contract
    if any(isinstance(step, Bake) for step in work.steps):
        contract = replace(contract, fixed=True)
    made = replace(program, stem=stem, stages=stages, head=head, contract=contract, inference=True)
    folded = len(work.steps) - baked
    return Rewritten(made, tuple(work.steps), folded, work.kept, baked)


@dataclass
class _Rewriting:
    """One pass over a program; `steps` grow in the order in which tensors must be changed."""

    steps: list[Step] = field(default_factory=list)
    kept: int = 0

    def stage(self, stage: ProgramStage, path: str) -> ProgramStage:
        blocks = tuple(
            self.scope(block, f"{path}.blocks.{at}") for at, block in enumerate(stage.blocks)
        )
        first = stage.downsample and self.scope(stage.downsample, f"{path}.downsample")
        last = stage.after and self.scope(stage.after, f"{path}.after")
        return replace(stage, blocks=blocks, downsample=first, after=last)

    def scope(self, scope: Scope, path: str) -> Scope:
        return replace(scope, body=self.body(scope.body, path))

    def body(self, body: Body, path: str) -> Body:
        """The body of one class, or a part of it: `path` is the class's."""
        nodes = [self._inner(node, path) for node in body if not _is_asleep(node)]
        nodes = self._backwards(nodes, path)
        return tuple(self._baked(node, path) for node in self._forwards(nodes, path))

    def _inner(self, node: Node, path: str) -> Node:
        if isinstance(node, Scope):
            return self.scope(node, _join(path, node.attr))
        if isinstance(node, Connect) and node.reduce is not None:
            inner = self.scope(node.reduce, f"{_join(path, node.attr)}.reduce")
            return replace(node, reduce=inner)
        if isinstance(node, Residual):
            scale = () if node.scale is None else (node.scale,)
            inside = self.body((*node.body, *scale), path)
            shortcut = None if node.shortcut is None else self.body(node.shortcut, path)
            return replace(node, body=inside, shortcut=shortcut, scale=None, drop_path=None)
        if isinstance(node, Branches | Split):
            return replace(node, branches=tuple(self.body(one, path) for one in node.branches))
        return node

    def _backwards(self, nodes: list[Node], path: str) -> list[Node]:
        """Elements into the layer that stands before them."""
        made: list[Node] = []
        for node in nodes:
            taken = None
            if made and _is_per_channel(node):
                source = _source(node, path)
                taken = self._behind(made[-1], path, source)
            if taken is None:
                made.append(node)
            else:
                made[-1] = taken
        return made

    def _behind(self, node: Node, path: str, element: Source) -> Node | None:
        if isinstance(node, Scope) and node.body:
            inner = self._behind(node.body[-1], _join(path, node.attr), element)
            return None if inner is None else replace(node, body=(*node.body[:-1], inner))
        if not isinstance(node, Connect):
            return None
        taken = behind(node, element.shifts)
        if taken is None:
            return None
        self.steps.append(IntoRows(element, *_names(taken, path)))
        return taken.node

    def _forwards(self, nodes: list[Node], path: str) -> list[Node]:
        """Elements into the layer that reads what they make; from the last to the first."""
        made: list[Node] = []
        for node in reversed(nodes):
            wanted = _is_per_channel(node) or _is_normalising(node)
            rest = self._before(made, path, _source(node, path)) if wanted else None
            if rest is None:
                self.kept += wanted
                made.insert(0, node)
                continue
            made = rest if _is_per_channel(node) else [_without_parameters(node), *rest]
        return made

    def _before(self, nodes: list[Node], path: str, element: Source) -> list[Node] | None:
        for at, node in enumerate(nodes):
            if isinstance(node, Element) and is_passed(node):
                continue
            taken = self._taken_before(node, path, element)
            return None if taken is None else [*nodes[:at], taken, *nodes[at + 1 :]]
        return None

    def _taken_before(self, node: Node, path: str, element: Source) -> Node | None:
        if isinstance(node, Scope):
            inner = self._before(list(node.body), _join(path, node.attr), element)
            return None if inner is None else replace(node, body=tuple(inner))
        if not isinstance(node, Connect | Element):
            return None
        taken = before(node, element.shifts)
        if taken is None:
            return None
        self.steps.append(IntoColumns(element, *_names(taken, path), taken.groups))
        return taken.node

    def _baked(self, node: Node, path: str) -> Node:
        """Attention with its table; linear layers of maps in the form that is faster forward. Last:
        the weights that it changes have taken all else."""
        if not isinstance(node, Connect):
            return node
        if accepts_pointwise_conv(node):
            return replace(node, form=POINTWISE_CONV)
        if not bakes(node):
            return self._tabulated(node, path)
        self.steps.append(Bake(_join(path, node.attr), node))
        weight = replace(node.connection.operator.weight, position="none", hidden=HIDDEN)
        weight = replace(weight, key_bias=True)  # of 0, where keys had none
        operator = replace(node.connection.operator, weight=weight)
        return replace(node, connection=replace(node.connection, operator=operator), baked=True)

    def _tabulated(self, node: Connect, path: str) -> Node:
        """Window attention whose bias a network makes, with a table of what it gives. Not of maps
        that are completed: on one smaller than the window the network gives something else."""
        space, weight = node.connection.operator.space, node.connection.operator.weight
        if weight.position != "continuous" or space.pad or not accepts_window_attention(node):
            return node
        self.steps.append(Tabulate(_join(path, node.attr), node))
        weight = replace(weight, position="relative", hidden=HIDDEN)
        operator = replace(node.connection.operator, weight=weight)
        return replace(node, connection=replace(node.connection, operator=operator))


def _names(taken: Taken, path: str) -> tuple[str, str]:
    own = _join(path, taken.node.attr)
    return f"{own}.{taken.weight}", f"{own}.{taken.bias}"


def _join(path: str, attr: str) -> str:
    return ".".join(part for part in (path, attr) if part)


def _is_asleep(node: Node) -> bool:
    return isinstance(node, Element) and node.word in ASLEEP


def _is_per_channel(node: Node) -> bool:
    """Whether the element is a factor and a shift per channel, once its statistics are known."""
    if not isinstance(node, Element):
        return False
    return node.word in ("batch_norm", "affine") or (node.word == "scale" and bool(node["learned"]))


def _is_normalising(node: Node) -> bool:
    return isinstance(node, Element) and node.word in NORMALISING


def _source(node: Node, path: str) -> Source:
    assert isinstance(node, Element)
    arguments = dict(node.arguments)
    eps = arguments.get("eps", 0.0)
    assert isinstance(eps, int | float)
    shifts = node.word in ("batch_norm", "affine") or arguments.get("bias") is True
    return Source(_join(path, node.attr), node.word, shifts, float(eps))


def _without_parameters(node: Node) -> Node:
    assert isinstance(node, Element)
    arguments = {**dict(node.arguments), "affine": False}
    return replace(node, arguments=tuple(sorted(arguments.items())))

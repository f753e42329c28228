"""A whole network as wide as another, where stages are wider by whole factors: the same function.

In: two programs, the source's tensors. Out: the source with every channel of such a stage several
times (`copies`), as wide as the target and otherwise as it was, so that what else differs goes item
by item as always. Inside a block each space between layers is as many times wider as the target's.
Refused where some width is no multiple of the source's, or an item cannot be made of copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from relgraph.program import (
    Body,
    Branches,
    Connect,
    Element,
    Node,
    Program,
    Residual,
    Scope,
    Shape,
    Split,
    Stage,
    Tap,
)
from relgraph.transfer.align import align
from relgraph.transfer.carried import Refused, Tensors
from relgraph.transfer.copies import Factors, copied_connection, copied_element
from relgraph.transfer.layer import Outcome, words
from relgraph.verify.oracle_channels import unit_count
from relgraph.verify.values import join, under

WIDER = "every channel {0} times; what reads them takes a part of each copy"
MORE_HEADS = "every channel {0} times, {1} heads for one, each with keys as wide as before"


class _NoCopiesError(Exception):
    """What stands there cannot be made of copies."""


@dataclass(frozen=True, eq=False)
class Wider:
    """The source at the target's width. By path: what was done there, the item as it was in words,
    and how many copies of each channel enter."""

    program: Program
    tensors: Tensors
    reasons: dict[str, str]
    before: dict[str, str]
    entering: dict[str, int]

    def told(self, outcome: Outcome) -> Outcome:
        """The rows as those of the source that was."""
        layers = []
        for layer in outcome.layers:
            reason = self.reasons.get(layer.source, "")
            if reason and layer.method == "copy":
                layer = replace(layer, method="embedding", reason=reason)
            if reason and layer.before:
                layer = replace(layer, before=self.before[layer.source])
            layers.append(layer)
        return replace(outcome, layers=tuple(layers))


def wider(source: Program, target: Program, tensors: Tensors) -> Wider | Refused | None:
    """The source as wide as the target; None where no stage of that is wider."""
    if len(source.stages) != len(target.stages):
        return None
    widths = [(source.stem.output.channels, target.stem.output.channels)]
    for one, other in zip(source.stages, target.stages, strict=True):
        widths.append((one.output.channels, other.output.channels))
    if all(one >= other for one, other in widths):
        return None
    odd = next((ends for ends in widths if ends[1] % ends[0]), None)
    if odd is not None:
        return Refused(f"{odd[1]} is no multiple of {odd[0]}")
    walk = _Walk(dict(tensors))
    try:
        program = walk.program(source, target)
    except _NoCopiesError as error:
        return Refused(str(error))
    return Wider(program, walk.tensors, walk.reasons, walk.before, walk.entering)


@dataclass(eq=False)
class _Walk:
    """Through the source, item by item; `tensors` are changed on the way."""

    tensors: dict[str, Tensor]
    reasons: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    entering: dict[str, int] = field(default_factory=dict)
    taps: dict[str, int] = field(default_factory=dict)

    def program(self, source: Program, target: Program) -> Program:
        stem, k = self.scope(source.stem, target.stem, "", 1)
        stages = []
        for at, (one, other) in enumerate(zip(source.stages, target.stages, strict=True)):
            stage, k = self.stage(f"stages.{at}", one, other, k)
            stages.append(stage)
        head, _ = self.body(source.head, target.head, "", k, None)
        return replace(source, stem=stem, stages=tuple(stages), head=head)

    def stage(self, path: str, source: Stage, target: Stage, k: int) -> tuple[Stage, int]:
        downsample, after = source.downsample, source.after
        if downsample is not None:
            downsample, k = self.scope(downsample, target.downsample, path, k)
        blocks = []
        for at, block in enumerate(source.blocks):
            partner = target.blocks[min(at, len(target.blocks) - 1)] if target.blocks else None
            wide, k = self.scope(block, partner, f"{path}.blocks", k)
            blocks.append(wide)
        if after is not None:
            after, k = self.scope(after, target.after, path, k)
        output = _times(source.output, k)
        made = replace(source, blocks=tuple(blocks), output=output)
        return replace(made, downsample=downsample, after=after), k

    def scope(self, source: Scope, target: Scope | None, path: str, k: int) -> tuple[Scope, int]:
        """A class that is as wide behind as the target's."""
        made, k = self.node(source, target, path, k, _quotient(source, target, k))
        assert isinstance(made, Scope)
        return made, k

    def body(
        self, source: Body, target: Body | None, path: str, k: int, end: int | None
    ) -> tuple[Body, int]:
        """Items in order; behind the last one `end` copies of each channel, where it is said."""
        pairs: Sequence[tuple[Node | None, Node | None]]
        pairs = [(node, None) for node in source] if target is None else align(source, target)
        own = [(node, other) for node, other in pairs if node is not None]
        last = max((at for at, (node, _) in enumerate(own) if _mixes(node)), default=-1)
        made = []
        for at, (node, other) in enumerate(own):
            wanted = _quotient(node, other, k) if k > 1 else 1
            wanted = end if at == last and end is not None else wanted
            wide, k = self.node(node, other, path, k, wanted if _mixes(node) else k)
            made.append(wide)
        if end is not None and k != end:
            raise _NoCopiesError("branches that meet are not as many times wider")
        return tuple(made), k

    def node(
        self, source: Node, target: Node | None, path: str, k: int, wanted: int
    ) -> tuple[Node, int]:
        """One item that gets `k` copies of each channel and hands on `wanted`, if it can choose."""
        own = join(path, source.attr) if source.attr else path
        shapes = {"input": _times(source.input, k), "output": _times(source.output, wanted)}
        if source.attr:
            self.entering[own] = k
        if isinstance(source, Connect):
            made = self.connect(source, target, own, Factors(k, wanted))
            return replace(made, **shapes), wanted  # type: ignore[arg-type]
        if isinstance(source, Element):
            wanted = self.element(source, own, k)
            output = _times(source.output, wanted)
            return replace(source, input=shapes["input"], output=output), wanted
        if isinstance(source, Tap):
            k = self.taps.setdefault(source.name, k) if source.word == "from" else k
            if source.word == "tap":
                self.taps[source.name] = k
            return replace(source, output=_times(source.output, k)), k
        if isinstance(source, Scope):
            inside = target.body if isinstance(target, Scope) else None
            body, _ = self.body(source.body, inside, own, k, wanted)
            return replace(source, body=body, **shapes), wanted  # type: ignore[arg-type]
        if isinstance(source, Residual):
            residual = self.residual(source, target, path, k, wanted)
            return replace(residual, **shapes), wanted  # type: ignore[arg-type]
        branched = self.branches(source, target, path, k, wanted)
        return replace(branched, **shapes), wanted  # type: ignore[arg-type]

    def connect(self, source: Connect, target: Node | None, path: str, factors: Factors) -> Connect:
        factors = replace(factors, heads=_more_heads(source, target, factors.entering))
        own = {n: t for n, t in under(self.tensors, path).items() if not n.startswith("reduce.")}
        made = copied_connection(source.connection, own, factors)
        if isinstance(made, Refused):
            raise _NoCopiesError(made.reason)
        connection, tensors = made
        self.keep(path, source, tensors, max(factors.entering, factors.leaving), factors.heads)
        reduce = source.reduce
        if reduce is not None:
            theirs = target.reduce if isinstance(target, Connect) else None
            inside, k = join(path, reduce.attr or "reduce"), factors.entering
            body, _ = self.body(reduce.body, theirs.body if theirs else None, inside, k, k)
            ends = {"input": _times(reduce.input, k), "output": _times(reduce.output, k)}
            reduce = replace(reduce, body=body, **ends)  # type: ignore[arg-type]
        return replace(source, connection=connection, reduce=reduce)

    def element(self, source: Element, path: str, k: int) -> int:
        made = copied_element(source, under(self.tensors, path) if source.attr else {}, k)
        if isinstance(made, Refused):
            raise _NoCopiesError(made.reason)
        tensors, leaving = made
        if source.attr:
            self.keep(path, source, tensors, k, 1)
        return leaving

    def keep(
        self, path: str, source: Node, tensors: dict[str, Tensor], copies: int, heads: int
    ) -> None:
        self.tensors |= {join(path, name): tensor for name, tensor in tensors.items()}
        self.before[path] = words(source)
        if copies > 1:
            reason = MORE_HEADS if heads > 1 else WIDER
            self.reasons[path] = reason.format(copies, heads)

    def residual(
        self, source: Residual, target: Node | None, path: str, k: int, wanted: int
    ) -> Residual:
        other = target if isinstance(target, Residual) else None
        body, _ = self.body(source.body, other.body if other else None, path, k, wanted)
        shortcut = source.shortcut
        if shortcut:
            theirs = (other.shortcut if other else None) or None
            shortcut, _ = self.body(shortcut, theirs, path, k, wanted)
        ends = [None, None]
        for at, end in enumerate((source.scale, source.drop_path)):
            if end is not None:
                ends[at], _ = self.node(end, None, path, wanted, wanted)  # type: ignore[call-overload]
        made = replace(source, body=body, shortcut=shortcut)
        return replace(made, scale=ends[0], drop_path=ends[1])

    def branches(
        self, source: Branches | Split, target: Node | None, path: str, k: int, wanted: int
    ) -> Branches | Split:
        theirs: tuple[Body | None, ...] = (None,) * len(source.branches)
        if isinstance(target, Branches | Split) and len(target.branches) == len(source.branches):
            theirs = target.branches
        made = []
        for branch, other in zip(source.branches, theirs, strict=True):
            # One channel that is multiplied with all of them stays one.
            one = source.combine == "product" and branch and branch[-1].output.channels == 1
            alone = bool(one) and source.output.channels > 1
            made.append(self.body(branch, other, path, k, 1 if alone else wanted)[0])
        if isinstance(source, Split):
            sizes = tuple(size * k for size in source.sizes)
            return replace(source, branches=tuple(made), sizes=sizes)
        return replace(source, branches=tuple(made))


def _times(shape: Shape, k: int) -> Shape:
    return replace(shape, channels=shape.channels * k)


def _quotient(source: Node, target: Node | None, k: int) -> int:
    """How many times wider the target's item is behind; `k` where there is none, or no whole
    factor."""
    if target is None or target.output.channels % source.output.channels:
        return k
    return target.output.channels // source.output.channels


def _mixes(node: Node) -> bool:
    """Whether it can hand on another number of copies than it gets."""
    if isinstance(node, Connect):
        operator = node.connection.operator
        return operator.channel.connect != "separate" or operator.frame.output
    if isinstance(node, Element | Tap):
        return False
    if isinstance(node, Scope):
        return any(map(_mixes, node.body))
    if isinstance(node, Residual):
        return node.shortcut != () and any(map(_mixes, node.body))
    return all(any(map(_mixes, branch)) for branch in node.branches)


def _more_heads(source: Connect, target: Node | None, k: int) -> int:
    """Heads of query · key for one, where the target has so many times as many."""
    if source.connection.operator.weight.source != "pair":
        return 1
    if source.connection.operator.channel.share == "none":
        return k
    if not isinstance(target, Connect) or target.connection.operator.weight.source != "pair":
        return 1
    heads, wanted = unit_count(source.connection), unit_count(target.connection)
    more = wanted // heads
    return more if wanted % heads == 0 and more and k % more == 0 else 1

"""The reading: which way the value goes through recorded operations, and what is held fixed.

In: a tape and its values at one input. Out: for every operation on the way a `Step`: linear, an
element (norm or activation, taken as the identity), or a product of two operands that both depend
on x, of which one is frozen: the one that carries weights. That is the one that went through a
normalisation or has no linear way to x, else a convolution's kernel, else what was pooled, else the
left factor of a matrix product. Every property that is measured afterwards is relative to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from torch import Tensor, fx

from relgraph.probe import operations as ops
from relgraph.probe.tape import Tape, Values

Kind = Literal["linear", "element", "product"]


@dataclass(frozen=True, eq=False)
class Step:
    """How one operation passes the value on: from which operands, and what it is called. `frozen`
    is the operand of a product that is held fixed, at argument `place`."""

    kind: Kind
    sources: tuple[fx.Node, ...]
    name: str = ""
    frozen: fx.Node | None = None
    place: int = -1
    through: str = ""
    tie: bool = False


@dataclass(frozen=True, eq=False)
class Reading:
    """A tape with its values at one input. `turned` lists products, by their number, in which the
    other operand than usual is frozen."""

    tape: Tape
    values: Values
    turned: frozenset[str] = frozenset()

    @cached_property
    def _steps(self) -> dict[fx.Node, Step]:
        return {}

    @cached_property
    def _ancestors(self) -> dict[fx.Node, frozenset[fx.Node]]:
        """What each dependent node is made of, of what depends on x, itself included."""
        found: dict[fx.Node, frozenset[fx.Node]] = {self.tape.x: frozenset((self.tape.x,))}
        for node in self.tape.nodes:
            if node in self.tape.dependent:
                own = [found[arg] for arg in node.all_input_nodes if arg in found]
                found[node] = frozenset((node,)).union(*own)
        return found

    def step(self, node: fx.Node) -> Step:
        """How `node` passes the value on."""
        if node not in self._steps:
            self._steps[node] = self._made(node)
        return self._steps[node]

    def _made(self, node: fx.Node) -> Step:
        operands = tuple(arg for arg in node.all_input_nodes if self._carries(arg))
        called = ops.name(node)
        if called in ops.NORMS:
            return Step("element", operands[:1], ops.NORMS[called])
        if called in ops.SOFTMAX:
            return Step("element", operands[:1], ops.SOFTMAX[called])
        if ops.is_activation(node):
            return Step("element", operands[:1], called.strip("_"))
        if called in ops.PRODUCTS:
            return self._product(node, called, operands)
        return Step("linear", operands)

    def _carries(self, node: fx.Node) -> bool:
        """Whether a node depends on x by numbers that can carry a value: indices and masks do
        not."""
        if node not in self.tape.dependent:
            return False
        value = self.values.get(node)
        if not isinstance(value, Tensor):
            return True
        return value.is_floating_point() or value.is_complex()

    def _product(self, node: fx.Node, called: str, operands: tuple[fx.Node, ...]) -> Step:
        at = ops.PRODUCTS[called]
        factors = [node.args[place] if place < len(node.args) else None for place in at]
        live = [one for one in factors if isinstance(one, fx.Node) and self._carries(one)]
        if len(live) < 2:
            if called == "div" and live == [factors[1]]:
                return Step("element", (live[0],), "reciprocal")
            return Step("linear", operands)
        left, right = live
        own = self._own_activation(left, right) or self._own_norm(left, right)
        if own is not None:
            return own
        marks = [
            self._weightlike(node, called, one, other, place)
            for one, other, place in ((left, right, 0), (right, left, 1))
        ]
        chosen = 0 if marks[0] >= marks[1] else 1
        tie = marks[0][:-1] == marks[1][:-1] and called != "div"
        if node.name in self.turned:
            chosen = 1 - chosen
        frozen, kept = (left, right) if chosen == 0 else (right, left)
        rest = tuple(one for one in operands if one not in (left, right))
        through = self._through(frozen, kept)
        return Step("product", (kept, *rest), called, frozen, at[chosen], through, tie)

    def _own_activation(self, left: fx.Node, right: fx.Node) -> Step | None:
        """x · f(x), entry by entry, is an activation; x / |x| of own statistics is a norm."""
        for value, factor in ((left, right), (right, left)):
            between = self._ancestors[factor] - self._ancestors[value]
            if value is factor:
                return Step("element", (value,), "square")
            if not between or not all(value in self._ancestors[one] for one in between):
                continue
            entrywise = all(
                ops.is_activation(one)
                or ops.name(one) in (*ops.SUMS, "mul", "div")
                or ops.name(one) in ("clone", "alias")
                for one in between
            )
            if entrywise and not any(self.has_parameters(one) for one in between):
                names = [ops.name(one) for one in self.tape.nodes if one in between]
                return Step("element", (value,), f"x · {names[0]}(x)")
        return None

    def _own_norm(self, value: fx.Node, factor: fx.Node) -> Step | None:
        """x divided by a root of its own statistics is a norm; the mean that was taken off before
        belongs to it."""
        between = self._ancestors[factor] - self._ancestors[value]
        rooted = any(ops.name(one) in ops.ROOTS for one in between)
        if (
            not rooted
            or not self._by_roots(factor, between)
            or any(self.has_parameters(one) for one in between)
        ):
            return None
        return Step("element", (self._before_mean(value),), "norm")

    def _by_roots(self, node: fx.Node, between: frozenset[fx.Node]) -> bool:
        """Whether every way back from `node` meets a root: others bring more than statistics."""
        if node not in between or ops.name(node) in ops.ROOTS:
            return node in between
        before = [arg for arg in node.all_input_nodes if arg in self.tape.dependent]
        return all(self._by_roots(one, between) for one in before)

    def _before_mean(self, value: fx.Node) -> fx.Node:
        """What the mean was taken off, where `value` is that."""
        if ops.name(value) != "sub" or len(value.all_input_nodes) != 2:
            return value
        base, mean = value.all_input_nodes
        taken = self._ancestors.get(mean, frozenset()) - self._ancestors.get(base, frozenset())
        names = {ops.name(one) for one in taken}
        return base if names and names <= {*ops.POOLING, *ops.LAYOUT} else value

    def made_of(self, node: fx.Node) -> frozenset[fx.Node]:
        """What of all that depends on x the node is made of, itself included."""
        return self._ancestors.get(node, frozenset())

    def has_parameters(self, node: fx.Node) -> bool:
        """Whether an operand of the node is made of parameters, and not of x."""
        return any(
            arg in self._of_parameters and arg not in self.tape.dependent
            for arg in node.all_input_nodes
        )

    def is_learned(self, node: fx.Node) -> bool:
        """Whether the node multiplies by parameters."""
        return ops.name(node) in ops.PRODUCTS and self.has_parameters(node)

    def inputs_behind(self, nodes: Iterable[fx.Node]) -> list[fx.Node]:
        """The parameters and buffers that the nodes read, directly or through what is made of them
        alone."""
        todo = [arg for node in nodes for arg in node.all_input_nodes]
        seen: set[fx.Node] = set()
        while todo:
            node = todo.pop()
            if node not in seen and node not in self.tape.dependent:
                seen.add(node)
                todo += node.all_input_nodes
        return [node for node in seen if node.op == "placeholder"]

    @cached_property
    def _of_parameters(self) -> frozenset[fx.Node]:
        """What is made of parameters or buffers."""
        inputs = [node for node in self.tape.graph.graph.nodes if node.op == "placeholder"]
        found = set(inputs) - {self.tape.x}
        for node in self.tape.nodes:
            if any(arg in found for arg in node.all_input_nodes):
                found.add(node)
        return frozenset(found)

    def _weightlike(
        self, node: fx.Node, called: str, one: fx.Node, other: fx.Node, place: int
    ) -> tuple[int, ...]:
        """How much `one` looks like weights beside `other`; the first difference decides."""
        own = self._ancestors[one] - self._ancestors[other]
        bent = not self._has_linear_way(one, own)
        normalised = any(ops.normaliser(n) for n in own)
        kernel = called == "convolution" and place == 1
        divides = called == "div" and place == 1
        pooled = any(ops.name(n) in ops.POOLING for n in own)
        squashed = self.last_bend(one) in ("softmax", "sigmoid")
        # What parameters made stands for weights beside what is only laid out anew.
        entrywise = called in ("mul", "addcmul")
        learned = entrywise and any(map(self.has_parameters, own))
        # Of equals the left factor of a matrix product, and of gates the longer way.
        last = len(own) if entrywise else int(place == 0)
        marks = (divides, squashed, bent, normalised, kernel, pooled, learned)
        return (*map(int, marks), last)

    def _has_linear_way(self, node: fx.Node, own: frozenset[fx.Node]) -> bool:
        """Whether a way from `node` back to what both operands share meets nothing that bends."""
        if node not in own:
            return True
        if ops.is_nonlinear(node):
            return False
        arguments = [arg for arg in node.all_input_nodes if arg in self.tape.dependent]
        return any(self._has_linear_way(arg, own) for arg in arguments)

    def _through(self, frozen: fx.Node, kept: fx.Node) -> str:
        """The last normalisation on the way to the frozen operand; empty where there is none."""
        own = self._ancestors[frozen] - self._ancestors[kept]
        words = [ops.normaliser(node) for node in self.tape.nodes if node in own]
        return next((word for word in reversed(words) if word), "")

    def last_bend(self, node: fx.Node) -> str:
        """What normalises the entries of `node` themselves: only layout, scaling by constants and
        sums stand after it; empty where something else does."""
        while node in self.tape.dependent and node is not self.tape.x:
            called = ops.name(node)
            if ops.is_nonlinear(node):
                return ops.normaliser(node)
            arguments = [arg for arg in node.all_input_nodes if arg in self.tape.dependent]
            mixes = called in ops.MATRIX or called in ("convolution", *ops.POOLING)
            if len(arguments) != 1 or mixes:
                return ""
            node = arguments[0]
        return ""

    def is_scaled(self, node: fx.Node) -> bool:
        """Whether parameters are multiplied to the entries of `node` behind their last bend."""
        while node in self.tape.dependent and not ops.is_nonlinear(node):
            if self.is_learned(node):
                return True
            arguments = [arg for arg in node.all_input_nodes if arg in self.tape.dependent]
            if len(arguments) != 1 or node is self.tape.x:
                return False
            node = arguments[0]
        return False

    def mixes_kernels(self, node: fx.Node, learned: bool = False) -> bool:
        """Whether every softmax before `node` is one of what was pooled, and a product with
        parameters stands behind it (`learned`: it stands on the value's way): of kernels that are
        mixed, whose sums may be any numbers."""
        if learned or (
            ops.name(node) in (*ops.MATRIX, "convolution") and self.has_parameters(node)
        ):
            own = [one for one in self.made_of(node) if ops.name(one) in ops.SOFTMAX]
            return all(any(ops.name(n) in ops.POOLING for n in self.made_of(one)) for one in own)
        if ops.name(node) in ops.SOFTMAX:
            return False
        before = [arg for arg in node.all_input_nodes if arg in self.tape.dependent]
        return all(map(self.mixes_kernels, before))

    def between(self, start: fx.Node, end: fx.Node) -> tuple[fx.Node, ...]:
        """The nodes on the value's ways from `start` to `end`, both included, in order."""
        after, needed = self.tape.after(start), {end}
        for node in reversed(self.tape.nodes):
            if node in needed and node is not start:
                needed.update(one for one in self.step(node).sources if one in after)
        return tuple(n for n in (self.tape.x, *self.tape.nodes) if n in needed and n in after)

    def cuts(self, start: fx.Node, end: fx.Node) -> tuple[fx.Node, ...]:
        """The nodes that every way from `start` to `end` passes, both included, in order."""
        nodes = self.between(start, end)
        number = {node: at for at, node in enumerate(nodes)}
        reach, found = 0, []
        leaves: dict[fx.Node, int] = {}
        for node in nodes:
            for source in self._within(node, start, number):
                leaves[source] = max(leaves.get(source, 0), number[node])
        for at, node in enumerate(nodes):
            if reach <= at:
                found.append(node)
            reach = max(reach, leaves.get(node, 0))
        return tuple(found)

    def _within(
        self, node: fx.Node, start: fx.Node, number: dict[fx.Node, int]
    ) -> Iterator[fx.Node]:
        if node is not start:
            yield from (one for one in self.step(node).sources if one in number)

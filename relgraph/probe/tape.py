"""What a module does, recorded as a list of torch's own operations that can be run again.

In: a module in float64 and eval mode, an input, further arguments. Out: a `Tape`, a graph of aten
operations without side effects, whose parameters and input are free: with other parameters and
other values in the middle it is evaluated again. Attention is recorded as products and a softmax
(the MATH backend). What cannot be recorded, or does not repeat, is a RelgraphError.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call, functionalize
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from relgraph.errors import Problem, RelgraphError
from relgraph.probe.draws import Tensors, noise
from relgraph.probe.places import said

Values = dict[fx.Node, Any]

INPUT = "x"
"""Among further arguments: the input once more, as queries, keys and values are."""

# Two runs of one function in float64, and a replay that adds in another order.
SAME = 1e-9
# Keeps a division from zero, and changes nothing else.
TINY = 1e-30
# Views of foreign code may not fit the strides that batches of probes have; their meaning does.
_RESHAPES = (torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default)


def _is_input(argument: Any) -> bool:
    return isinstance(argument, str) and argument == INPUT


@dataclass(frozen=True, eq=False)
class Call:
    """A module with what stands beside its input: `forward(x, *extra, **named)`."""

    module: nn.Module
    extra: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()

    def __call__(self, tensors: Tensors, x: Tensor) -> Tensor:
        """The first tensor of what the module gives. Raises RelgraphError where it gives none."""
        extra, named = self._beside(x)
        with _plainly():
            # A copy: buffers that the module replaces while it runs are written back.
            made = functional_call(self.module, dict(tensors), (x, *extra), named)
        return _first(made)

    def once(self, x: Tensor) -> None:
        """Run the module as it is, so that it makes what waits for an input. Raises RelgraphError
        where it refuses the input."""
        extra, named = self._beside(x)
        _run(lambda _, image: self.module(image, *extra, **named), {}, x)

    def _beside(self, x: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Further arguments, the input once more among them."""
        extra = tuple(x if _is_input(one) else one for one in self.extra)
        return extra, {name: x if _is_input(one) else one for name, one in self.named}


@dataclass(frozen=True, eq=False)
class Tape:
    """`nodes` in order of execution; `x` and `y` are the input and the output. Those of `passing`
    hand an operand on as it is; of `guards` the number that they add is next to nothing.
    """

    graph: fx.GraphModule
    names: tuple[str, ...]
    x: fx.Node
    y: fx.Node
    nodes: tuple[fx.Node, ...]
    passing: frozenset[fx.Node] = frozenset()
    guards: frozenset[fx.Node] = frozenset()

    @cached_property
    def dependent(self) -> frozenset[fx.Node]:
        """What depends on x, x itself included."""
        return self.after(self.x)

    def after(self, start: fx.Node) -> frozenset[fx.Node]:
        """What depends on `start`, itself included."""
        found = {start}
        for node in self.nodes:
            if any(arg in found for arg in node.all_input_nodes):
                found.add(node)
        return frozenset(found)

    def values(self, tensors: Tensors, given: Mapping[fx.Node, Any]) -> Values:
        """Every node's value, those of `given` as told and x among them."""
        inputs = [node for node in self.graph.graph.nodes if node.op == "placeholder"]
        found: Values = {
            node: tensors[name] for node, name in zip(inputs, self.names, strict=False)
        }
        found.update(given)
        with torch.no_grad():
            for node in self.nodes:
                if node not in given:
                    found[node] = self.value(node, found.__getitem__)
        return found

    def passed(self, node: fx.Node) -> fx.Node:
        """What a node of `passing` hands on: its first operand that depends on x, if one does."""
        operands = node.all_input_nodes
        return next((one for one in operands if one in self.dependent), operands[0])

    def value(self, node: fx.Node, of: Callable[[fx.Node], Any]) -> Any:
        """One node's value from those of its arguments."""
        if node.op == "get_attr":
            return operator.attrgetter(str(node.target))(self.graph)
        if node in self.passing:
            return of(self.passed(node))
        args: tuple[Any, ...] = tuple(fx.map_arg(node.args, of))
        named: dict[str, Any] = dict(fx.map_arg(node.kwargs, of))
        if node in self.guards:
            args = (args[0], TINY, *args[2:])
        if node.target in _RESHAPES:
            return args[0].reshape(args[1])
        if node.target is torch.ops.aten.copy.default:
            return args[1].expand_as(args[0])
        if node.target is torch.ops.aten.slice_scatter.default:
            return _slice_scattered(*args, **named)
        assert callable(node.target), "a recorded call"
        return node.target(*args, **named)


def record(call: Call, tensors: Tensors, shape: Sequence[int]) -> Tape:
    """The tape of the call on one image of `shape`.

    Raises RelgraphError where the module refuses the input, does not repeat, has no gradient, mixes
    the images of a batch, or decides by values what it does.
    """
    x, other = noise(tuple(shape), 1), noise(tuple(shape), 2)
    y = _run(call, tensors, x)
    _check(call, tensors, x, y)
    tape = _tape(call, tensors, x)
    _check_replay(tape, call, tensors, ((x, y), (other, call(tensors, other))))
    _check_batch(call, tensors, x, y)
    return tape


def _check_replay(
    tape: Tape, call: Call, tensors: Tensors, runs: Sequence[tuple[Tensor, Tensor]]
) -> None:
    for image, wanted in runs:
        replayed = tape.values(tensors, {tape.x: image})[tape.y]
        if not same(replayed, wanted):
            raise _refused(
                "not-replayable",
                f"run again from its recorded operations, the output is off by "
                f"{apart(replayed, wanted):.1g} of the largest",
                "operations that do not depend on the values of the input",
            )


def _tape(call: Call, tensors: Tensors, x: Tensor) -> Tape:
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = make_fx(call)(tensors, x)
            if any(map(_mutates, traced.graph.nodes)):
                # What is inside composite operations too is seen as operations only once recorded.
                traced = make_fx(functionalize(traced))(tensors, x)
    except RelgraphError:
        raise
    except Exception as error:  # foreign code under a tracer: anything may come out of it
        raise _refused(
            "not-recordable",
            f"its operations cannot be recorded: {first_line(error)}",
            "a forward without decisions that depend on values of the input",
        ) from error
    traced.graph.eliminate_dead_code()
    everything = list(traced.graph.nodes)
    inputs = [node for node in everything if node.op == "placeholder"]
    output = everything[-1].args[0]
    y = output[0] if isinstance(output, list | tuple) else output
    assert isinstance(y, fx.Node), "a call gives one tensor"
    nodes = tuple(n for n in everything if n.op not in ("placeholder", "output"))
    tape = Tape(traced, tuple(tensors), inputs[len(tensors)], y, nodes)
    if y not in tape.dependent:
        raise _refused("no-dependence", "the output does not depend on the input", "that it does")
    return tape


def _slice_scattered(
    x: Tensor,
    source: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """`x` with a slice of it replaced. torch's own has no batched form for ends beyond the last."""
    places = torch.arange(x.shape[dim])
    index = places.clone()
    chosen = places[slice(start, end, step)]
    index[chosen] = x.shape[dim] + torch.arange(len(chosen))
    return torch.cat([x, source], dim).index_select(dim, index)


def _mutates(node: fx.Node) -> bool:
    """Whether an operation writes into one of its operands."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.is_mutable)


def _run(call: Callable[[Tensors, Tensor], Tensor], tensors: Tensors, x: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            return call(tensors, x)
    except RelgraphError:
        raise
    except Exception as error:  # foreign code: anything may come out of it
        raise _refused(
            "wrong-input",
            f"called with an input of {said(x.shape)}, it raises {first_line(error)}",
            "a module that takes this input",
            "tell the right --shape, and --call '[…]' where it takes further arguments",
        ) from error


def _check(call: Call, tensors: Tensors, x: Tensor, y: Tensor) -> None:
    if not y.is_floating_point() or not bool(y.isfinite().all()):
        found = f"an output of {y.dtype}" if not y.is_floating_point() else "numbers not finite"
        raise _refused("wrong-output", found, "finite floating-point numbers")
    again = _run(call, tensors, x)
    if not same(again, y):
        found = (
            f"two runs on one input differ by {apart(again, y):.1g} of the largest, in eval mode"
        )
        raise _refused("not-deterministic", found, "the same output every time")
    if not _is_differentiable(call, tensors, x):
        found = "the output has no gradient by the input (rounding, argmax, no_grad, …)"
        raise _refused("not-differentiable", found, "a module that autograd can follow")
    if len(y) != 1:
        raise _refused("wrong-output", f"one image gives {len(y)} outputs", "one output an image")


def _is_differentiable(call: Call, tensors: Tensors, x: Tensor) -> bool:
    """Whether the output has a derivative by the input that is not 0. What is written for inference
    may overwrite what a gradient needs: its derivative is taken forwards, along a direction."""
    leaf = x.clone().requires_grad_()
    try:
        with torch.enable_grad():
            made = call(tensors, leaf)
            # Plain sums are blind to what has a mean of 0.
            level = (made * noise(tuple(made.shape), 4)).sum()
            slopes = torch.autograd.grad(level, leaf) if made.requires_grad else ()
    except RuntimeError as error:
        if "inplace operation" not in str(error):
            return False
        slopes = (_forwards(call, tensors, x),)
    return any(bool(slope.any()) for slope in slopes)


def _forwards(call: Call, tensors: Tensors, x: Tensor) -> Tensor:
    with warnings.catch_warnings():
        # torch scripts its own rules when the first is asked for.
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=FutureWarning)
        along = (noise(tuple(x.shape), 4),)
        slope: Tensor = torch.func.jvp(lambda image: call(tensors, image), (x,), along)[1]
    return slope


def _check_batch(call: Call, tensors: Tensors, x: Tensor, y: Tensor) -> None:
    """Images must not see each other. A module that takes one image only has none beside it."""
    try:
        with torch.no_grad():
            both = call(tensors, torch.cat([x, noise(tuple(x.shape), 3)]))
    except Exception:
        return
    if len(both) != 2 or not same(both[:1], y):
        found = "an image's output changes with the other images of its batch"
        raise _refused("mixes-images", found, "images that do not see each other in eval mode")


def _first(made: Any) -> Tensor:
    found: Tensor | None = next(_tensors(made), None)
    if found is None:
        raise _refused("wrong-output", f"it gives {type(made).__name__}", "a tensor")
    return found


def _tensors(made: Any) -> Iterator[Tensor]:
    if isinstance(made, Tensor):
        yield made
    elif isinstance(made, Mapping):
        for value in made.values():
            yield from _tensors(value)
    elif isinstance(made, list | tuple):
        for value in made:
            yield from _tensors(value)


@contextmanager
def _plainly() -> Iterator[None]:
    """Fused kernels hide their products: attention as matrix products and a softmax."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def apart(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest entry of `other`."""
    if one.shape != other.shape:
        return float("inf")
    scale = float(other.abs().max())
    gap = float((one - other).abs().max())
    return gap / scale if scale else (float("inf") if gap else 0.0)


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two values are equal as far as float64 can tell."""
    return apart(one, other) <= SAME


def first_line(error: Exception) -> str:
    """The kind of an error of foreign code, and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__


def _refused(code: str, found: str, expected: str, hint: str = "") -> RelgraphError:
    return RelgraphError(Problem(code, found, expected, hint))

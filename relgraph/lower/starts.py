"""The start of weights as text: lines that follow a rule of `init`, after modules are made.

Goes in: a node with a name, and the backbone's rule, which the classes of linear layers follow by
themselves. Comes out: statements for `reset_parameters` of the class around it, where children are
reset first. Nodes that say nothing need none.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.starts import Start, StartedWeight, started_weights, zeroed
from relgraph.lower.module import Definition
from relgraph.program import Connect, Element

TABLE = "nn.init.trunc_normal_({}, std=0.02)"  # the compiler's table, for linear layers
_PHRASE = "W starts truncated normal (0.02)"
_TABLES = StartedWeight("weight", "none", linear=False)


def start_lines(node: Connect | Element, default: Start, module: str = "") -> list[str]:
    """Statements that start the weights of `module`, or of `self.attr`, as its item says."""
    module = module or f"self.{node.attr}"
    if node.init is None:
        return []
    if node.init == "zeros":
        return [f"nn.init.zeros_({module}.{name})" for name in _zeroed(node)]
    lines: list[str] = []
    for weight in _weights(node):
        if node.init != (default if weight.linear else "default"):
            lines += _lines(weight, module, node.init)
    return lines


def _weights(node: Connect | Element) -> tuple[StartedWeight, ...]:
    if isinstance(node, Connect):
        return started_weights(node.connection)
    if node.word == "classifier":
        return (StartedWeight("weight"),)
    is_fourier = node.word == "position" and node["kind"] == "fourier"
    return (StartedWeight("projection.weight"),) if is_fourier else (_TABLES,)


def _zeroed(node: Connect | Element) -> tuple[str, ...]:
    if isinstance(node, Connect):
        return zeroed(node.connection)
    return tuple(weight.name for weight in _weights(node))


def _lines(weight: StartedWeight, module: str, init: Start) -> list[str]:
    """One statement, or a loop over the matrices or kernels that a tensor holds."""
    own = f"{module}.{weight.name}"
    if not _asks_fans(init) or weight.fans == "whole":
        return [_statement(own, init)]
    if weight.fans == "none":
        return []
    parts = {
        "groups": f"{own}.chunk({module}.groups)",
        "units": f"{own}.split(1)",
        "stack": f"{own}.flatten(0, -3)",
    }[weight.fans]
    return [f"for part in {parts}:", f"    {_statement('part', init)}"]


def _asks_fans(init: Start) -> bool:
    return (init if isinstance(init, str) else init[0]) in ("xavier", "kaiming")


def _statement(tensor: str, init: Start) -> str:
    if isinstance(init, str):
        return {"default": TABLE, "xavier": "nn.init.xavier_uniform_({})"}[init].format(tensor)
    rule, value = init
    if rule == "kaiming":
        mode = "" if value == "fan_in" else ', mode="fan_out"'
        return f"nn.init.kaiming_normal_({tensor}{mode})"
    return f"nn.init.{rule}_({tensor}, std={value!r})"


def following(definition: Definition, default: Start) -> Definition:
    """A linear layer's class that starts as the backbone says; every other class as it is."""
    if not definition.follows_init or default == "default":
        return definition
    lines = _lines(definition.follows_init, "self", default)
    written = "\n        ".join(lines)
    text = definition.text.replace(TABLE.format("self.weight"), written)
    return replace(definition, text=text.replace(_PHRASE, f"W starts {_said(default)}"))


def _said(init: Start) -> str:
    """The rule as a docstring says it."""
    if isinstance(init, str):
        return "as Glorot and Bengio (2010) say"
    rule, value = init
    words = {
        "kaiming": f"normal with variance 2 / {str(value).replace('_', '-')}",
        "trunc_normal": f"truncated normal ({value})",
        "normal": f"normal ({value})",
    }
    return words[rule]

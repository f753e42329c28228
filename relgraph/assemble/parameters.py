"""All parameters of a program by their names in the state dict, in closed form."""

from __future__ import annotations

from relgraph.algebra import parameters as connections
from relgraph.algebra.parameters import Parameter
from relgraph.assemble import elements
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Program


def parameters(program: Program) -> dict[str, Parameter]:
    """Path → parameter, in the order of the data. Norm statistics are no parameters."""
    found: dict[str, Parameter] = {}
    for path, node in nodes(program):
        if isinstance(node, Connect):
            own = connections.parameters(node.connection)
        elif isinstance(node, Element):
            own = elements.parameters(node)
        else:
            continue
        for parameter in own:
            name = f"{path}.{parameter.name}"
            assert name not in found, f"two parameters are called {name}"
            found[name] = parameter
    return found

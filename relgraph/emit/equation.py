"""A body in words: one line per step, in the spec's own words, for docstrings."""

from __future__ import annotations

from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split, Tap

NESTED = 3  # Calls nested into each other before a chain is written as a list.


def equations(body: Body) -> list[str]:
    """What a body does, a line for each residual step or chain: `x = x + mixer(layer_norm(x))`."""
    lines: list[str] = []
    chain: list[Node] = []
    for node in body:
        if isinstance(node, Residual | Tap):
            lines += _chained(chain)
            chain = []
            lines.append(_step(node))
        else:
            chain.append(node)
    return lines + _chained(chain)


def _chained(chain: list[Node]) -> list[str]:
    return [f"x = {_applied(tuple(chain), 'x')}"] if chain else []


def _step(node: Residual | Tap) -> str:
    if isinstance(node, Tap):
        return f"{node.name} = x" if node.word == "tap" else f"x = {node.name}"
    return f"x = {_residual(node, 'x')}"


def _residual(node: Residual, value: str) -> str:
    inside = _applied(node.body, value)
    if node.shortcut is None:
        return inside
    scale = "gamma * " if node.scale is not None else ""
    return f"{_applied(node.shortcut, value)} + {scale}{inside}"


def _applied(body: Body, value: str) -> str:
    words = [node for node in body if isinstance(node, Connect | Scope | Element)]
    if len(words) == len(body) > NESTED:
        # Long chains read in the order of the work: [f, g](x) = g(f(x)).
        return f"[{', '.join(_name(node) for node in words)}]({value})"
    for node in body:
        value = _word(node, value)
    return value


def _name(node: Connect | Scope | Element) -> str:
    return node.word if isinstance(node, Element) else node.name


def _word(node: Node, value: str) -> str:
    if isinstance(node, Connect | Scope | Element):
        return f"{_name(node)}({value})"
    if isinstance(node, Residual):
        return f"({_residual(node, value)})"
    if isinstance(node, Branches):
        joined = {"sum": " + ", "product": " * ", "concat": ", "}[node.combine]
        inside = joined.join(_applied(branch, value) for branch in node.branches)
        return f"concat({inside})" if node.combine == "concat" else f"({inside})"
    if isinstance(node, Split):
        parts = ", ".join(_applied(b, f"part{i}") for i, b in enumerate(node.branches, 1))
        return f"{node.combine}(split({value}): {parts})"
    return node.name if node.word == "from" else value

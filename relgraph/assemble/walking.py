"""Every node of a program with its path, in the order of the data."""

from __future__ import annotations

from collections.abc import Iterator

from relgraph.program import Body, Branches, Connect, Node, Program, Residual, Scope, Split


def nodes(program: Program) -> Iterator[tuple[str, Node]]:
    """(path, node) for all nodes. The path of a module is its name in the state dict; structure
    and inline items carry the path of the class that they stand in."""
    yield from _scope("stem", program.stem)
    for at, stage in enumerate(program.stages):
        if stage.downsample is not None:
            yield from _scope(f"stages.{at}.downsample", stage.downsample)
        for number, block in enumerate(stage.blocks):
            yield from _scope(f"stages.{at}.blocks.{number}", block)
        if stage.after is not None:
            yield from _scope(f"stages.{at}.after", stage.after)
    yield from _body("", program.head)


def within(body: Body) -> Iterator[Node]:
    """All nodes of a body, those inside of others too."""
    return (node for _, node in _body("", body))


def _scope(path: str, scope: Scope) -> Iterator[tuple[str, Node]]:
    yield path, scope
    yield from _body(path, scope.body)


def _body(path: str, body: Body) -> Iterator[tuple[str, Node]]:
    for node in body:
        yield from _node(path, node)


def _node(path: str, node: Node) -> Iterator[tuple[str, Node]]:
    own = ".".join(part for part in (path, node.attr) if part)
    if isinstance(node, Scope):
        yield from _scope(own, node)
        return
    yield own, node
    if isinstance(node, Connect) and node.reduce is not None:
        yield from _scope(f"{own}.reduce", node.reduce)
    if isinstance(node, Residual):
        yield from _body(path, node.body)
        ends = tuple(item for item in (node.scale, node.drop_path) if item is not None)
        yield from _body(path, ends + (node.shortcut or ()))
    if isinstance(node, Branches | Split):
        for branch in node.branches:
            yield from _body(path, branch)

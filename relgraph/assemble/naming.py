"""Attribute names of an emitted class, hence parameter names: one pass over an assembled body.

A label names its item; otherwise the word does (`norm` for every norm). A name used several times
in one class is numbered in reading order. What is written inline gets none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split, Tap

NORMS = frozenset({"layer_norm", "batch_norm", "group_norm", "rms_norm"})
MODULE_WORDS = NORMS | {
    "add_token",
    "affine",
    "classifier",
    "drop_path",
    "dropout",
    "position",
    "scale",
}
# Attributes of nn.Module and of the model class that an item must not shadow.
RESERVED = frozenset(
    "add_module apply bfloat16 buffers call children compile cpu cuda double dump_patches eval "
    "extra_repr float forward forward_features forward_head forward_intermediates feature_info "
    "get_buffer get_parameter grad_checkpointing half img_size in_chans load_state_dict modules "
    "named_modules no_weight_decay num_classes num_features parameters register_buffer "
    "reset_classifier reset_parameters share_memory stages state_dict stem to to_empty train "
    "training type xpu zero_grad".split()
)
N = TypeVar("N", bound=Node)


def named(body: Body) -> Body:
    """The body of one class with every module-bearing item named, structure descended into."""
    wanted = [_wanted(node) for node in modules(body)]
    repeated = {name for name, count in Counter(wanted).items() if count > 1}
    seen: Counter[str] = Counter()

    def give(node: N) -> N:
        name = _wanted(node)
        seen[name] += 1
        return replace(node, attr=f"{name}{seen[name]}" if name in repeated else name)

    return _mapped(body, give)


def is_module(node: Node) -> bool:
    """Whether the node itself becomes an attribute (its structure aside)."""
    if isinstance(node, Element):
        return node.word in MODULE_WORDS and not _is_fixed_scale(node)
    return isinstance(node, Connect | Scope)


def modules(body: Body) -> Iterator[Node]:
    """The attributes that a class with this body has, in reading order; scopes not entered."""
    for node in body:
        if is_module(node):
            yield node
        for inner in _inner(node):
            yield from modules(inner)


def _is_fixed_scale(node: Element) -> bool:
    return node.word == "scale" and node["learned"] is False


def _inner(node: Node) -> tuple[Body, ...]:
    if isinstance(node, Residual):
        own = tuple(item for item in (node.scale, node.drop_path) if item is not None)
        return (node.body, own, node.shortcut or ())
    return node.branches if isinstance(node, Branches | Split) else ()


def _wanted(node: Node) -> str:
    name = node.label or _word(node)
    return f"{name}_layer" if name in RESERVED else name


def _word(node: Node) -> str:
    if isinstance(node, Connect | Scope):
        return node.name
    assert isinstance(node, Element)
    if node.word == "add_token":
        return f"{node['kind']}_token"
    return "norm" if node.word in NORMS else node.word


def _mapped(body: Body, give: Callable[[N], N]) -> Body:
    return tuple(_mapped_node(node, give) for node in body)


def _mapped_node(node: Node, give: Callable[[N], N]) -> Node:
    # The order must be that of `modules`, which numbers repeated names.
    if is_module(node):
        return give(node)  # type: ignore[type-var]
    if isinstance(node, Residual):
        inner = _mapped(node.body, give)
        scale = give(node.scale) if node.scale else None  # type: ignore[type-var]
        drop = give(node.drop_path) if node.drop_path else None  # type: ignore[type-var]
        shortcut = None if node.shortcut is None else _mapped(node.shortcut, give)
        return replace(node, body=inner, scale=scale, drop_path=drop, shortcut=shortcut)
    if isinstance(node, Branches | Split):
        return replace(node, branches=tuple(_mapped(branch, give) for branch in node.branches))
    assert isinstance(node, Element | Tap)
    return node

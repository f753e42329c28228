"""Attribute names of an emitted class, hence parameter names: one pass over an assembled body.

A label names its item; otherwise the word does (`norm` for every norm). A name used several times
in one class is numbered in reading order. What is written inline gets none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar

from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split

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
    [
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "forward_features",
        "forward_head",
        "forward_intermediates",
        "feature_info",
        "get_buffer",
        "get_parameter",
        "grad_checkpointing",
        "half",
        "img_size",
        "in_chans",
        "load_state_dict",
        "modules",
        "named_modules",
        "no_weight_decay",
        "num_classes",
        "num_features",
        "parameters",
        "register_buffer",
        "reset_classifier",
        "init_head",
        "reset_parameters",
        "share_memory",
        "stages",
        "state_dict",
        "stem",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
Named: TypeAlias = Connect | Element | Scope
N = TypeVar("N", Connect, Element, Scope)


def named(body: Body) -> Body:
    """The body of one class with every module-bearing item named, structure descended into."""
    wanted = [_wanted(node) for node in modules(body)]
    return _Namer({name for name, count in Counter(wanted).items() if count > 1}).body(body)


def is_module(node: Node) -> bool:
    """Whether the node itself becomes an attribute (its structure aside)."""
    if isinstance(node, Element):
        return (node.word in MODULE_WORDS and not _is_fixed_scale(node)) or _leaves_tokens(node)
    return isinstance(node, Connect | Scope)


def modules(body: Body) -> Iterator[Named]:
    """The attributes that a class with this body has, in reading order; scopes not entered."""
    for node in body:
        if isinstance(node, Connect | Element | Scope) and is_module(node):
            yield node
        for inner in _inner(node):
            yield from modules(inner)


def _leaves_tokens(node: Element) -> bool:
    """Whether a sequence becomes a map, for which a module keeps the map's size."""
    return node.word == "select" and node["kind"] == "map" and bool(node.input.tokens)


def _is_fixed_scale(node: Element) -> bool:
    return node.word == "scale" and node["learned"] is False


def _inner(node: Node) -> tuple[Body, ...]:
    if isinstance(node, Residual):
        own = tuple(item for item in (node.scale, node.drop_path) if item is not None)
        return (node.body, own, node.shortcut or ())
    return node.branches if isinstance(node, Branches | Split) else ()


def _wanted(node: Named) -> str:
    name = node.label or _word(node)
    return f"{name}_layer" if name in RESERVED else name


def _word(node: Named) -> str:
    if isinstance(node, Connect | Scope):
        return node.name
    if node.word == "add_token":
        return f"{node['kind']}_token"
    return "norm" if node.word in NORMS else node.word


class _Namer:
    """Gives names in the order of `modules`, numbering the repeated ones."""

    def __init__(self, repeated: set[str]) -> None:
        self._repeated = repeated
        self._seen: Counter[str] = Counter()

    def body(self, body: Body) -> Body:
        return tuple(self._node(node) for node in body)

    def _give(self, node: N) -> N:
        name = _wanted(node)
        self._seen[name] += 1
        number = self._seen[name] if name in self._repeated else ""
        return replace(node, attr=f"{name}{number}")

    def _node(self, node: Node) -> Node:
        if isinstance(node, Connect):
            return self._give(node)
        if isinstance(node, Scope):
            return self._give(node)
        if isinstance(node, Element):
            return self._give(node) if is_module(node) else node
        if isinstance(node, Residual):
            inner = self.body(node.body)
            scale = self._give(node.scale) if node.scale else None
            drop = self._give(node.drop_path) if node.drop_path else None
            shortcut = None if node.shortcut is None else self.body(node.shortcut)
            return replace(node, body=inner, scale=scale, drop_path=drop, shortcut=shortcut)
        if isinstance(node, Branches | Split):
            return replace(node, branches=tuple(self.body(branch) for branch in node.branches))
        return node

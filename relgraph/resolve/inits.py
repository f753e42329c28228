"""`init`: reads a rule, and lets a body of several items end at zero.

In: a closure that holds a rule as written, or resolved nodes. Out: a `Start`, or nodes whose last
layer starts at zero. Which weights of an item a rule speaks of is not known here.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.starts import Start
from relgraph.errors import Place, nearest
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.scope import Closure, force
from relgraph.resolved import Body, Element, OperatorUse, Scope, Started, Unknown
from relgraph.spec.field import Field, named
from relgraph.spec.inits import RULES
from relgraph.spec.nodes import MapNode, Node, ScalarNode

RULE = named(RULES)
# Words of torch and of papers, for hints.
ALSO_CALLED = {
    "fan_in": "{kaiming: fan_in}",
    "fan_out": "{kaiming: fan_out}",
    "glorot": "xavier",
    "he": "kaiming",
    "kaiming_normal": "kaiming",
    "msra": "kaiming",
    "xavier_uniform": "xavier",
    "zero": "zeros",
}


def read_start(field: Field, written: Closure, findings: Findings) -> Start:
    """The rule that `written` holds. Raises RefusedError."""
    closure = force(written, findings)
    node = closure.node
    if isinstance(node, ScalarNode):
        return _word(node, findings)
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        shown = f"{len(node.entries)} rules" if isinstance(node, MapNode) else "a list"
        raise _refuse(node, f"{field.name} is {shown}", findings)
    key, value = node.entries[0]
    if key.value not in RULE:
        raise _refuse(key, f"{key.value} is no rule", findings)
    return _valued(RULE[str(key.value)], Closure(value, closure.env), findings)


def _word(node: ScalarNode, findings: Findings) -> Start:
    rule = RULE.get(node.value) if isinstance(node.value, str) else None
    if rule is None:
        shown = "nothing" if node.value is None else node.value
        raise _refuse(node, f"init is {shown}", findings)
    if rule.required:
        raise findings.refuse(
            "bad-value",
            node.place,
            f"init is {rule.name} without a deviation",
            "expected a number",
            f"write {rule.example}",
        )
    return rule.name if rule.kind == "alone" else (rule.name, str(rule.default))


def _valued(rule: Field, written: Closure, findings: Findings) -> Start:
    closure = force(written, findings)
    value = closure.node.value if isinstance(closure.node, ScalarNode) else None
    if rule.kind == "alone":
        raise findings.refuse(
            "bad-value",
            closure.place,
            f"{rule.name} with a value",
            "expected the word alone",
            f"write init: {rule.name}",
        )
    if rule.kind == "choice":
        if value in rule.choices:
            return rule.name, str(value)
        expected = f"expected one of {', '.join(rule.choices)}"
        raise findings.refuse("bad-value", closure.place, f"{rule.name} is {value}", expected)
    assert rule.minimum is not None and rule.maximum is not None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not rule.minimum <= float(str(value)) <= rule.maximum:
        raise findings.refuse(
            "bad-value",
            closure.place,
            f"{rule.name} is {value}",
            f"expected a deviation above 0, at most {rule.maximum:g}",
            "to start at 0, write init: zeros" if number and float(str(value)) == 0 else "",
        )
    return rule.name, float(str(value))


def _refuse(node: Node, found: str, findings: Findings) -> RefusedError:
    value = node.value if isinstance(node, ScalarNode) else None
    meant = ALSO_CALLED.get(str(value)) or ("zeros" if value in (0, 0.0) else None)
    near = nearest(str(value), RULE) if isinstance(value, str) else ""
    hint = f"write init: {meant}" if meant else near if near.startswith("did you") else ""
    expected = f"expected one of {', '.join(RULE)}"
    return findings.refuse("bad-value", node.place, found, expected, hint)


def ending_at_zero(body: Body, what: str, place: Place, findings: Findings) -> Body:
    """`body` with its last layer starting at zero. Refused where its last item is no layer: then
    the whole would not start as nothing."""
    last = body[-1] if body else None
    if isinstance(last, Unknown):
        return body
    if isinstance(last, Scope):
        inner = ending_at_zero(last.body, last.name, place, findings)
        return (*body[:-1], replace(last, body=inner))
    if isinstance(last, OperatorUse) or (isinstance(last, Element) and last.word == "classifier"):
        return (*body[:-1], started(last, "zeros", place))
    norm = last.word if isinstance(last, Element) and last.word == "layer_norm" else "batch_norm"
    findings.refuse(
        "init-no-last-layer",
        place,
        f"init: zeros for {what}, which does not end with a layer",
        "expected a last item with weights",
        f"write it on the layer itself; a norm at the end of a branch has {norm}: {{init: 0}}",
    )
    return body


def started(node: Started, rule: Start, place: Place | None) -> OperatorUse | Element:
    """`node` with the rule that it was told, and where."""
    assert isinstance(node, OperatorUse | Element)
    return replace(node, init=rule, init_place=place)

"""The weight properties: where the values come from (dynamism), and what normalises them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relgraph.algebra.operator import Predictor, Weight
from relgraph.resolve.arguments import default_value
from relgraph.resolve.findings import Findings
from relgraph.resolve.scope import Closure
from relgraph.resolve.sections import Section, section_at
from relgraph.resolve.values import show
from relgraph.spec.field import named
from relgraph.spec.nodes import ScalarNode
from relgraph.spec.properties import PREDICTOR, WEIGHT

ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "reduction": ("pooled", "center"),
    "experts": ("pooled", "center"),
    "predictor": ("pooled", "center"),
    "qkv_bias": ("pair", "channels"),
    "score": ("pair", "channels"),
    "kv_heads": ("pair",),
    "key_bias": ("pair",),
    "talking_heads": ("pair",),
}

READ_BY: Mapping[str, str] = {"hidden": "continuous", "temperature": "rotary"}
"""Numbers that one position alone reads."""


def check_weight_word(closure: Closure, findings: Findings) -> None:
    """`weight: static`: the one source that needs no map. Raises RefusedError for another word."""
    if isinstance(closure.node, ScalarNode) and closure.node.value == "static":
        return
    raise findings.refuse(
        "bad-value",
        closure.place,
        f"weight is {show(closure.node)}",
        "expected static, {fixed: average} or {dynamic: pooled}",
    )


def read_weight(section: Section) -> Weight:
    """The source of the weights and what normalises them. Raises RefusedError."""
    section.read_all(WEIGHT)
    values: dict[str, Any] = section.values
    if values["dynamic"] and values["fixed"]:
        raise section.findings.refuse(
            "contradiction",
            section.where("fixed"),
            "weights both dynamic and fixed",
            "expected one source",
            related=(section.where("dynamic"),),
        )
    source: Any = values["dynamic"] or ("fixed" if values["fixed"] else "static")
    _refuse_other_sources(section, source)
    _refuse_other_positions(section)
    return Weight(
        source=source,
        normalize=values["normalize"],
        position=values["position"],
        predictor=_predictor(section, source),
        extent=values["extent"],
        qkv_bias=values["qkv_bias"],
        fixed=values["fixed"],
        score=values["score"],
        kv_heads=values["kv_heads"],
        key_bias=values["key_bias"],
        hidden=values["hidden"],
        temperature=float(values["temperature"]),
        offset=values["offset"],
        talking_heads=values["talking_heads"],
    )


def _refuse_other_sources(section: Section, source: str) -> None:
    for name, sources in ONLY_FOR.items():
        value, default = section.values[name], default_value(named(WEIGHT)[name])
        if name not in section.written or source in sources or value == default:
            continue
        written = section.where("dynamic" if "dynamic" in section.written else "fixed")
        section.findings.refuse(
            "says-nothing",
            section.where(name),
            f"{name} with {source} weights",
            f"{name} says something for {' and '.join(sources)} weights",
            related=(written,),
        )


def _refuse_other_positions(section: Section) -> None:
    """Numbers of a position that another one, or none, does not read."""
    position: Any = section.values["position"]
    for name, reader in READ_BY.items():
        value, default = section.values[name], default_value(named(WEIGHT)[name])
        if name not in section.written or position == reader or value == default:
            continue
        section.findings.refuse(
            "says-nothing",
            section.where(name),
            f"{name} with position {position}",
            f"{name} says something for position: {reader}",
            related=(section.where("position"),) if "position" in section.written else (),
        )


def _predictor(weight: Section, source: str) -> Predictor | None:
    if source not in ("pooled", "center"):
        return None
    if weight.values["experts"] is not None:
        return _mixture(weight)
    table = weight.values["predictor"]
    section = Section("predictor", {}, weight.place, weight.findings)
    if isinstance(table, Closure):
        section = section_at("predictor", table, PREDICTOR, weight.findings)
    section.read_all(PREDICTOR)
    values: dict[str, Any] = section.values
    reduction: Any = weight.values["reduction"]
    hidden = next((n for n in ("norm", "bias") if section.values[n] not in ("none", False)), None)
    if reduction is None and hidden is not None:
        weight.findings.refuse(
            "says-nothing",
            section.where(hidden),
            f"{hidden} of a hidden layer, and no reduction",
            "reduction: n makes a hidden layer of channels / n",
        )
    return Predictor(reduction, values["bias"], values["norm"], values["act"])


def _mixture(weight: Section) -> Predictor:
    """Experts with their gates, which say the whole predictor."""
    for name in ("reduction", "predictor"):
        if weight.values[name] is not None:
            weight.findings.refuse(
                "contradiction",
                weight.where(name),
                f"{name} beside experts",
                "expected experts alone, mixed with gates sigmoid(linear(context))",
                "gates through a hidden layer and softmax gates are not supported yet",
                related=(weight.where("experts"),),
            )
    experts: Any = weight.values["experts"]
    return Predictor(bias=True, act="sigmoid", experts=experts)

"""Where the models that the published figure names really stand: by the shipped specs of them.

In: a call-out and the node at which it is drawn. Out: the node of the operator that the shipped
backbone uses, and the edits that lie between. Most stand where they are drawn.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from relgraph.graph.named import without_frame
from relgraph.graph.published.drawn import CallOut
from relgraph.graph.uses import uses
from relgraph.relations.derivation import path
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.relation import Edit
from relgraph.resolve import resolve_backbone


@dataclass(frozen=True)
class Placed:
    """A model of the figure. `node` is the family that its shipped spec uses, `apart` the edits
    that lead there from where the figure draws it; None and nothing where no spec of it ships."""

    model: str
    backbone: str | None = None
    node: Node | None = None
    apart: tuple[Edit, ...] = ()

    @property
    def words(self) -> str:
        """`ResMLP (resmlp_12, one edit from here: share channel: none → all)`."""
        if self.backbone is None:
            return self.model
        if not self.apart:
            return f"{self.model} ({self.backbone})"
        count = "one edit" if len(self.apart) == 1 else f"{len(self.apart)} edits"
        edits = "; ".join(edit.words for edit in self.apart)
        return f"{self.model} ({self.backbone}, {count} from here: {edits})"

    def to_json(self) -> dict[str, object]:
        """The same as plain data."""
        apart = [edit.words for edit in self.apart]
        return {"model": self.model, "backbone": self.backbone, "edits_from_here": apart}


def placed(call_out: CallOut, drawn_at: Node) -> Placed:
    """The model with the node that most of the operator's uses in it have."""
    if call_out.backbone is None:
        return Placed(call_out.model)
    backbone = resolve_backbone(call_out.backbone).backbone
    own = [used.node for used in uses(backbone) if used.use.name == call_out.operator]
    (node, _), *_ = Counter(family(without_frame(use)) for use in own).most_common(1)
    between = path(drawn_at, node)
    assert between, "families with default borders are connected"
    return Placed(call_out.model, call_out.backbone, node, between[0])

"""The same model called in the other ways that its users have: by parts, in other batches.

In: a subject, and what the reference makes of its two images. Out: one check: one image and three,
`forward_features` and `forward_head`, `pre_logits`, every predicted connection by its two halves,
and the images themselves left as they were. It is made last, so that a model which changes from
call to call is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol, cast
from unittest import mock

import torch
from torch import Tensor, nn

from relgraph.assemble.walking import nodes
from relgraph.program import Connect
from relgraph.verify.compare import Difference, difference, said, spread
from relgraph.verify.report import Check
from relgraph.verify.runs import Run
from relgraph.verify.subject import Subject


class Parts(Protocol):
    """The two methods that `forward` is made of."""

    def forward_features(self, x: Tensor) -> Tensor:
        """The value after the last stage."""

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits, or what the classifier reads."""


def check_calls(subject: Subject, wanted: Run) -> Check:
    """Logits and their forerunners by every way of calling, against the reference's."""
    worst, worst_way = Difference(0.0), ""
    with torch.no_grad():
        for way, gap in _gaps(subject, wanted):
            worst, worst_way = max((worst, worst_way), (gap, way), key=lambda one: one[0].relative)
            if not gap.ok:
                break  # The next way may be handed what is wrong here, and break on it.
    example = "" if worst.ok else f"{worst_way}: {worst}"
    declared = "the same by every way of calling"
    return Check("calls", "model", declared, said(worst), worst.ok, example)


def _gaps(subject: Subject, wanted: Run) -> Iterator[tuple[str, Difference]]:
    model, parts = subject.model, cast(Parts, subject.model)
    scale, images = spread(wanted.logits), subject.images.clone()
    one, three = images[:1], torch.cat([images, images[1:]])
    last = parts.forward_features(one)
    yield "forward_features", difference(last, wanted.last[:1])
    yield "forward_head", difference(parts.forward_head(last), wanted.logits[:1], scale)
    read = parts.forward_head(last, pre_logits=True)
    yield "forward_head with pre_logits", difference(read, wanted.pre_logits[:1])
    if any(_halves(subject)):
        found = _by_halves(subject, one)
        yield "aggregate(weights(x), x)", difference(found, wanted.logits[:1], scale)
    if subject.program.contract.fixed:  # else the second size is asked for with one image
        yield "one image", difference(model(one), wanted.logits[:1], scale)
    again = torch.cat([wanted.logits, wanted.logits[1:]])
    # Strides of the image are its owner's affair too.
    found = model(three.to(memory_format=torch.channels_last))
    yield "three images", difference(found, again, scale)
    yield "the images afterwards", difference(images, subject.images)


def _halves(subject: Subject) -> Iterator[nn.Module]:
    """The modules with predicted weights, at their places in the model."""
    for path, node in nodes(subject.program):
        if isinstance(node, Connect) and node.connection.operator.weight.source != "static":
            module = subject.model.get_submodule(path)
            if hasattr(module, "weights") and hasattr(module, "aggregate"):
                yield module


def _by_halves(subject: Subject, images: Tensor) -> Tensor:
    """Logits where every such module is `aggregate(weights(x), x)`, at its real size."""
    with ExitStack() as stack:
        for module in _halves(subject):
            stack.enter_context(mock.patch.object(module, "forward", _composed(module)))
        logits: Tensor = subject.model(images)
    return logits


def _composed(module: nn.Module) -> object:
    weights, aggregate = getattr(module, "weights"), getattr(module, "aggregate")  # noqa: B009
    return lambda x: aggregate(weights(x), x)

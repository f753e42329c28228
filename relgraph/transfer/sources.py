"""The two ends of a transfer: what a spec or an emitted file means for a model that was built.

In: the name of a backbone, or an emitted file; the arguments that its builder was given. Out: its
text and the program of exactly that model: its classes, its input channels, its size.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from relgraph.assemble import assemble
from relgraph.emitted import load_text, read_source
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.pipeline import compile_backbone
from relgraph.program import Program
from relgraph.resolve.literal import dump, parse
from relgraph.resolved import Backbone
from relgraph.train.model import Architecture
from relgraph.transfer.widths import with_input_channels
from relgraph.verify.inference import is_inference


@dataclass(frozen=True)
class End:
    """A model at one end: its resolved spec, the text of its file, and the specs it was made of."""

    name: str
    backbone: Backbone
    text: str
    sources: tuple[Path, ...] = ()

    @property
    def resolved(self) -> str:
        """The resolved spec as text."""
        return json.dumps(dump(self.backbone), indent=2) + "\n"

    def program(self, architecture: Architecture) -> Program:
        """What a model built with these arguments is. Raises RelgraphError for a size that the
        spec cannot have."""
        backbone = with_input_channels(self.backbone, architecture.in_chans)
        backbone = replace(backbone, classes=architecture.num_classes)
        return assemble(backbone, architecture.img_size or backbone.size)

    def architecture(self) -> Architecture:
        """The arguments that the spec itself stands for."""
        backbone = self.backbone
        return Architecture(
            num_classes=backbone.classes, in_chans=backbone.in_chans, img_size=backbone.size
        )


def read_end(word: str) -> End:
    """A shipped backbone, a spec file or an emitted .py file. Raises RelgraphError, also for an
    inference version: its spec is that of the model that it was made of, its weights are not."""
    if not word.endswith(".py"):
        compiled = compile_backbone(word)
        return End(compiled.name, compiled.program.source, compiled.text, compiled.sources)
    text = read_source(Path(word))
    module = load_text(text, word)
    try:
        backbone = parse(module.SPEC)
    except (AttributeError, KeyError, TypeError, ValueError):
        found = "no SPEC that a backbone reads as"
        place = Place(word, 1, 1)
        expected = "a file that relgraph emitted"
        raise RelgraphError(Problem("not-emitted", found, expected, place=place)) from None
    if is_inference(module):
        found = "an inference version, whose weights are folded"
        hint = "name the model that it was made of, or its run"
        place = Place(word, 1, 1)
        raise RelgraphError(Problem("inference-version", found, hint=hint, place=place))
    return End(backbone.name, backbone, text)

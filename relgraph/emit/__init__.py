"""Text of a whole file from a program: the only place that knows what an emitted file looks like.

Goes in: an assembled program. Comes out: the bytes of `NAME.py`, the same for the same resolved
spec. Nothing is written to disk here, and nothing outside the program is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from relgraph.assemble.cost import cost
from relgraph.assemble.naming import modules
from relgraph.emit.classes import classes
from relgraph.emit.data import data_constant
from relgraph.emit.docs import builder_sentence, module_docstring
from relgraph.emit.draft import Draft, draft, member_of
from relgraph.emit.header import with_header
from relgraph.emit.methods import head_functions
from relgraph.emit.model import Parts, builder_text, model_text
from relgraph.emit.stages import STAGE, stage_drafts
from relgraph.emit.text import camel
from relgraph.lower.module import Definition, in_reading_order
from relgraph.lower.starts import following
from relgraph.program import Program
from relgraph.resolve.literal import digest, dump

__all__ = ["emit"]

TAKEN = ("F", "Iterable", "Iterator", "Stage", "Tensor", "checkpoint", "math", "nn", "torch")


def emit(program: Program) -> str:
    """The emitted file of `program`, as text."""
    name = model_name(program)
    parts = _parts(program, name)
    total = cost(program)
    roots = [
        *parts.made.definitions,
        *(m.module.definition for m in parts.head if m.module and m.module.definition),
        *head_functions(program),
    ]
    default = program.source.init
    definitions = [following(one, default) for one in in_reading_order(roots)]
    model = model_text(program, name, parts)
    body = [
        "\n".join(module_docstring(program, total)),
        "\n".join(_imports(definitions, model)),
        *(definition.text for definition in definitions),
        STAGE,
        model,
        builder_text(program, name, builder_sentence(program, total)),
        _constants(program),
    ]
    text = "\n\n".join(body[:2]) + "\n\n\n" + "\n\n\n".join(body[2:]) + "\n"
    return with_header(program.source.name, digest(program.source), text)


def model_name(program: Program) -> str:
    """The class name of the model."""
    name = camel(program.source.name)
    return f"{name}Model" if name in TAKEN else name


def _parts(program: Program, name: str) -> Parts:
    default = program.source.init
    stem = draft(program.stem, default, image=True)
    stages = tuple(stage_drafts(stage, default) for stage in program.stages)
    head = tuple(member_of(node, default) for node in modules(program.head))
    inner = [d for member in head for d in (member.nested, member.reduce) if d is not None]
    roots = [stem, *(part for stage in stages for part in stage.all()), *inner]
    lowered = _lowered_names(roots)
    return Parts(stem, stages, head, classes(roots, {*TAKEN, name, *lowered}))


def _lowered_names(roots: Sequence[Draft]) -> set[str]:
    found: list[Definition] = []
    for root in roots:
        for one in root.within():
            found += one.uses
            found += [m.module.definition for m in one.members if m.module and m.module.definition]
    return {definition.name for definition in in_reading_order(found)}


def _imports(definitions: Sequence[Definition], model: str) -> list[str]:
    """Standard library, then torch; each line once."""
    wanted = {
        "from __future__ import annotations",
        "import torch",
        "import torch.nn.functional as F",
        "from collections.abc import Iterable, Iterator",
        "from torch import Tensor, nn",
        "from torch.utils.checkpoint import checkpoint",
    }
    wanted |= {line for definition in definitions for line in definition.imports}
    # The head's element-wise functions are called by the model itself.
    if not any("F." in text for text in (*(one.text for one in definitions), model)):
        wanted.discard("import torch.nn.functional as F")
    future = "from __future__ import annotations"
    lines = _merged(wanted - {future})
    torch = sorted((line for line in lines if " torch" in line), key=_import_key)
    standard = sorted((line for line in lines if " torch" not in line), key=_import_key)
    return [future, "", *standard, "", *torch]


def _merged(lines: set[str]) -> list[str]:
    """Import lines with one line for each module that names are taken from."""
    names: dict[str, set[str]] = {}
    plain = []
    for line in lines:
        module, _, taken = line.partition(" import ")
        if taken:
            names.setdefault(module, set()).update(taken.split(", "))
        else:
            plain.append(line)
    joined = [f"{module} import {', '.join(sorted(taken))}" for module, taken in names.items()]
    return [*plain, *joined]


def _import_key(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _constants(program: Program) -> str:
    inference = "INFERENCE = True\n" if program.inference else ""
    return (
        "# What this file was made from: the spec with nothing left to look up.\n"
        f'BUILDER = "{program.source.name}"\n{inference}'
        f"{data_constant('SPEC', dump(program.source))}"
    )

"""The model class and its builder: stem, stages, head, and what users of vision models expect.

Goes in: a program and the classes of its parts. Comes out: source text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relgraph.algebra.operator import Size
from relgraph.emit.classes import Call, Classes, call_of
from relgraph.emit.draft import Draft, Member
from relgraph.emit.methods import (
    classifier_width,
    classifiers,
    head_constants,
    head_starts,
    method_texts,
)
from relgraph.emit.sizes import built_guard
from relgraph.emit.stage_rows import given, make_stages
from relgraph.emit.stages import MapSizes, StageDrafts, map_sizes
from relgraph.emit.text import WIDTH, call, literal, statement
from relgraph.lower.module import Argument, DropPathRate
from relgraph.program import Program

SIZE_TYPE = "int | tuple[int, int]"


@dataclass(frozen=True)
class Parts:
    """What a model is made of: its drafts, and how each is constructed."""

    stem: Draft
    stages: tuple[StageDrafts, ...]
    head: tuple[Member, ...]
    made: Classes

    def arguments(self) -> Iterator[Argument]:
        """Every value that the model's own `__init__` hands on."""
        for made in (*self.made.calls.values(), *(call_of(one, self.made) for one in self.head)):
            yield from (value for _, value in made.arguments)


def model_text(program: Program, name: str, parts: Parts) -> str:
    """The class `name`."""
    sizes = map_sizes(program, parts.arguments())
    stages = make_stages(program.stages, parts.stages, parts.made, sizes)
    texts = [_class_line(program, name), _init(program, parts, stages, sizes), stages]
    return "\n\n".join([*texts, *method_texts(program)])


def builder_text(program: Program, name: str, sentence: str) -> str:
    """The function named like the spec."""
    source = program.source
    head = call(f"def {source.name}", _arguments(program), 0, f" -> {name}:")
    forwarded = ", ".join(
        f"{word}={word}" for word in ("num_classes", "in_chans", "img_size", "drop_path_rate")
    )
    inner = call(f"return {name}", forwarded.split(", "), 4)
    return "\n".join([head, f'    """{sentence}"""', inner])


def _arguments(program: Program) -> list[str]:
    source = program.source
    return [
        f"num_classes: int = {source.classes}",
        f"in_chans: int = {source.in_chans}",
        f"img_size: {SIZE_TYPE} = {_size_literal(program)}",
        f"drop_path_rate: float = {literal(source.drop_path)}",
    ]


def _size_literal(program: Program) -> str:
    grid = program.input.grid
    assert grid is not None
    return literal(grid[0]) if grid[0] == grid[1] else literal(grid)


def _class_line(program: Program, name: str) -> str:
    return (
        f"class {name}(nn.Module):\n"
        f'    """Images (B, in_chans, H, W) -> logits (B, num_classes). {_contract(program)}"""'
    )


def _contract(program: Program) -> str:
    contract = program.contract
    if contract.unique:
        return f"H, W must be {contract.minimum[0]}, {contract.minimum[1]}."
    if contract.fixed:
        return "H, W must be img_size."
    rows, columns = contract.multiple
    start = ""
    if contract.minimum != contract.multiple:
        start = f" from {contract.minimum[0]} x {contract.minimum[1]} on"
    if (rows, columns) == (1, 1):
        return f"Any H, W{start}."
    both = f"H and W: multiples of {rows}" if rows == columns else f"H: {rows}·n, W: {columns}·n"
    return f"{both}{start}."


def _init(program: Program, parts: Parts, stages: str, sizes: MapSizes) -> str:
    made = parts.made
    built = [
        _stem_line(program, made.call(parts.stem), sizes),
        f"        self.stages = nn.ModuleList(self.make_stages({', '.join(given(stages))}))",
        *(_head_line(member, parts, sizes, program) for member in parts.head),
        *(f"        self.{name} = {literal(of)}" for name, of in head_constants(program).items()),
    ]
    lines = [
        call("def __init__", ["self", *_arguments(program)], 4, " -> None:"),
        "        super().__init__()",
        "        self.num_classes = num_classes",
        "        self.in_chans = in_chans",
        "        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size",
        *_feature_info(program),
        *_size_lines(program, sizes, "\n".join([*built, stages])),
        *(_rate_lines(program, parts) if "rates" in stages else ()),
        *built,
        *(("        self.init_head()",) if head_starts(program) else ()),
    ]
    return "\n".join(lines)


def _stem_line(program: Program, made: Call, sizes: MapSizes) -> str:
    near = program.stages[0].reduction
    texts = {name: sizes.text(value, near) for name, value in made.arguments}
    texts |= {"in_chans": "in_chans"} if "in_chans" in texts else {}
    return call(f"self.stem = {made.constructor}", made.text(texts), 8)


def _head_line(member: Member, parts: Parts, sizes: MapSizes, program: Program) -> str:
    made = call_of(member, parts.made)
    near = program.stages[-1].reduction
    texts = {name: sizes.text(value, near) for name, value in made.arguments}
    if member.attr in classifiers(program):
        # The only width that the builder's caller chooses.
        texts |= {name: "num_classes" for name in texts if name.startswith("out_")}
        return call(f"self.{member.attr}: nn.Module = {made.constructor}", made.text(texts), 8)
    extra: tuple[str, ...] = ()
    if member.reduce is not None:
        inner = parts.made.call(member.reduce)
        given_texts = {name: sizes.text(value, near) for name, value in inner.arguments}
        extra = (f"reduce={inner.constructor}({', '.join(inner.text(given_texts))})",)
    return call(f"self.{member.attr} = {made.constructor}", made.text(texts, extra), 8)


def _feature_info(program: Program) -> list[str]:
    rows = [
        f'{{"num_chs": {stage.output.channels}, "reduction": {_reduction(stage.reduction)}, '
        f'"module": "stages.{at}"}}'
        for at, stage in enumerate(program.stages)
    ]
    inner = "".join(f"            {row},\n" for row in rows)
    pooled = classifier_width(program)
    return [
        f"        self.num_features = {pooled}  # Channels that the classifier reads.",
        f"        self.feature_info = [\n{inner}        ]",
    ]


def _reduction(reduction: Size) -> str:
    return literal(reduction[0]) if reduction[0] == reduction[1] else literal(reduction)


def _size_lines(program: Program, sizes: MapSizes, built: str) -> list[str]:
    lines = built_guard(program.contract)
    if "map_sizes[" not in built:
        return lines
    return [*lines, *_map_lines(sizes)]


def _map_lines(sizes: MapSizes) -> list[str]:
    """`map_sizes`, computed from the image's size as far as it can be."""
    steps = literal(tuple(_flat(reduction) for reduction in sizes.reductions))
    division = "(-(-self.img_size[0] // step), -(-self.img_size[1] // step))"
    loop = f"for step in {steps}"
    if any(reduction[0] != reduction[1] for reduction in sizes.reductions):
        division = "(-(-self.img_size[0] // r), -(-self.img_size[1] // c))"
        loop = f"for r, c in {literal(sizes.reductions)}"
    comment = (
        "        # The map of every stage: the image's sides over the stride so far, rounded up."
    )
    flat = f"        map_sizes = [{division} {loop}]"
    if len(flat) > WIDTH:
        inner = f"            {division} {loop}"
        if len(inner) > WIDTH:
            inner = f"            {division}\n{statement(loop, 12)}"
        flat = f"        map_sizes = [\n{inner}\n        ]"
    if not sizes.irregular:
        return [comment, flat]
    own = " x ".join(map(str, sizes.input))
    return [
        comment,
        flat,
        f"        # Maps that are no such part, as images of {own} have them.",
        statement(f"map_sizes += [{', '.join(map(literal, sizes.irregular))}]", 8),
    ]


def _flat(reduction: Size) -> object:
    return reduction[0] if reduction[0] == reduction[1] else reduction


def _rate_lines(program: Program, parts: Parts) -> list[str]:
    """`rates`: one for each block that takes one; a block without a sum has none to drop."""
    blocks = [block for stage in parts.stages for block in stage.blocks]
    takers = [at for at, block in enumerate(blocks) if _takes_rate(parts.made.call(block))]
    if program.source.schedule == "constant":
        return [f"        rates = iter([drop_path_rate] * {len(takers)})"]
    last, what = max(1, len(blocks) - 1), "rises linearly from block to block"
    if len(takers) == len(blocks):
        return [
            f"        # Stochastic depth: the rate {what}.",
            f"        rates = iter([drop_path_rate * i / {last} for i in range({len(blocks)})])",
        ]
    numbers = [str(at) for at in takers] if len(takers) > 1 else [f"{takers[0]},"]
    return [
        f"        # Stochastic depth: the rate {what}; these blocks have a sum.",
        call("numbers = ", numbers, 8),
        f"        rates = iter([drop_path_rate * i / {last} for i in numbers])",
    ]


def _takes_rate(made: Call) -> bool:
    return any(isinstance(value, DropPathRate) for _, value in made.arguments)

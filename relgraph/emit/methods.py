"""The methods of the model class, `__init__` aside: forward, features, classifier, housekeeping.

Goes in: a program. Comes out: method texts at four spaces of indent, in reading order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relgraph.assemble.naming import modules
from relgraph.assemble.parameters import parameters
from relgraph.emit.forward import Writer, write_body
from relgraph.emit.sizes import called_guard
from relgraph.emit.text import literal, statement
from relgraph.lower import lower
from relgraph.lower.module import Definition, Module
from relgraph.lower.starts import start_lines
from relgraph.program import Body, Branches, Element, Node, Program, Residual, Scope, Split


def method_texts(program: Program) -> list[str]:
    """All methods."""
    return [
        _forward_features(program),
        _forward_head(program),
        FORWARD,
        _intermediates(program),
        *_classifier_methods(program),
        _no_weight_decay(program),
        CHECKPOINTING,
        *_reset(program),
    ]


FORWARD = """\
    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))"""

FORWARD_FEATURES = '''\
    def forward_features(self, x: Tensor) -> Tensor:
        """The value after the last stage."""
        x = self.forward_stem(x)
        for stage in self.stages:
            x = stage(x)
        return x'''

CHECKPOINTING = '''\
    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Trade time for memory: blocks compute their inside again in the backward."""
        for stage in self.stages:
            stage.grad_checkpointing = enable'''

RESET = '''\
    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Fresh weights, statistics and index tables; also after `to_empty` from meta."""
        for module in reversed(list(self.modules())):  # What contains others comes after them.
            if module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()'''


def head_starts(program: Program) -> list[str]:
    """Statements that start the head's weights otherwise than their classes do. A classifier may
    have been taken away (`reset_classifier(0)`)."""
    lines: list[str] = []
    for node in modules(program.head):
        own = [] if isinstance(node, Scope) else start_lines(node, program.source.init)
        if own and _is_classifier(node):
            lines.append(f"if isinstance(self.{node.attr}, Linear):")
            own = [f"    {line}" for line in own]
        lines += own
    return lines


def _reset(program: Program) -> list[str]:
    """`reset_parameters`, and `init_head` where the spec has a word in it."""
    lines = head_starts(program)
    if not lines:
        return [RESET]
    head = [
        "    def init_head(self) -> None:",
        '        """What the spec starts otherwise than its class does by itself."""',
        *(statement(line, 8) for line in lines),
    ]
    return [f"{RESET}\n        self.init_head()", "\n".join(head)]


def classifiers(program: Program) -> list[str]:
    """The attribute names of the classifiers, at the model's top level."""
    return [node.attr for node in modules(program.head) if _is_classifier(node)]


def classifier_width(program: Program) -> int:
    """Channels that the classifier reads; without one, what the head makes."""
    found = [node.input.channels for node in modules(program.head) if _is_classifier(node)]
    last = program.head[-1] if program.head else None
    made = last.output.channels if last is not None else program.stages[-1].output.channels
    return found[0] if found else made


def _is_classifier(node: Node) -> bool:
    return isinstance(node, Element) and node.word == "classifier"


def head_constants(program: Program) -> dict[str, tuple[int, ...]]:
    """What the head's forward reads of the model besides its modules: the sizes of its splits."""
    return _head_texts(program)[-1].writer.constants


def head_functions(program: Program) -> tuple[Definition, ...]:
    """The definitions that the head's forward calls by name."""
    return tuple(use for part in _head_texts(program) for use in part.writer.uses)


@dataclass(frozen=True)
class _Statements:
    """A body as statements, the text of its value, and the writer that made them."""

    lines: list[str]
    value: str
    writer: Writer


def _head_texts(program: Program) -> tuple[_Statements, _Statements]:
    """The head before and from its classifier on; constants are numbered through both."""
    before, after = split_head(program)
    first = _statements(before, Writer())
    return first, _statements(after, Writer(constants=dict(first.writer.constants)))


def _statements(body: Body, writer: Writer) -> _Statements:
    value = write_body(writer, body, "x")
    return _Statements([statement(line, 8) for line in writer.lines], value, writer)


def _forward_features(program: Program) -> str:
    return "\n\n".join([_forward_stem(program), FORWARD_FEATURES])


def _forward_stem(program: Program) -> str:
    lines = [
        "    def forward_stem(self, x: Tensor) -> Tensor:",
        '        """The value before the first stage."""',
    ]
    lines += called_guard(program.contract)
    lines += [
        "        # One memory layout for the whole net: see the classes' permutations.",
        "        return self.stem(x.contiguous(memory_format=torch.channels_last))",
    ]
    return "\n".join(lines)


def _forward_head(program: Program) -> str:
    first, last = _head_texts(program)
    lines, features = first.lines, first.value
    more, logits = last.lines, last.value
    text = [
        "    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:",
        '        """Logits from what `forward_features` gives, or what the classifier reads."""',
        *lines,
    ]
    if not more and features == "x":
        return "\n".join([*text, statement(f"return x if pre_logits else {logits}", 8)])
    text += [] if features == "x" else [statement(f"x = {features}", 8)]
    if not more:
        return "\n".join([*text, statement(f"return x if pre_logits else {logits}", 8)])
    text += ["        if pre_logits:", "            return x", *more]
    return "\n".join([*text, statement(f"return {logits}", 8)])


def split_head(program: Program) -> tuple[Body, Body]:
    """The head before its first item that holds a classifier, and from there on."""
    for at, node in enumerate(program.head):
        if _holds_classifier(node):
            return program.head[:at], program.head[at:]
    return program.head, ()


def _holds_classifier(node: Node) -> bool:
    if isinstance(node, Branches | Split):
        return any(_holds_classifier(item) for branch in node.branches for item in branch)
    if isinstance(node, Residual):
        return any(_holds_classifier(item) for item in node.body)
    return _is_classifier(node)


def _intermediates(program: Program) -> str:
    lines = [
        "    def forward_intermediates(self, x: Tensor) -> list[Tensor]:",
        '        """The map after every stage, (B, num_chs, H, W) each; see `feature_info`."""',
        "        maps = []",
    ]
    if any(stage.output.layout == "sequence" for stage in program.stages):
        lines += ["        height, width = x.shape[-2:]"]
    lines += [
        "        x = self.forward_stem(x)",
        "        for stage in self.stages:",
        "            x = stage(x)",
    ]
    return "\n".join([*lines, *_map_lines(program), "        return maps"])


def _map_lines(program: Program) -> list[str]:
    outputs = {stage.output.layout for stage in program.stages}
    if outputs == {"map"}:
        return ["            maps.append(x)"]
    tokens = {len(stage.output.tokens) for stage in program.stages}
    reductions = {stage.reduction for stage in program.stages}
    if outputs == {"sequence"} and len(tokens) == 1 and len(reductions) == 1:
        rows, columns = reductions.pop()
        return [
            "            # The extra tokens in front are no part of the map.",
            f"            positions = x[:, {tokens.pop()}:].transpose(1, 2)",
            f"            maps.append(positions.unflatten(2, (-(-height // {rows}), "
            f"-(-width // {columns}))))",
        ]
    steps = literal(tuple((len(s.output.tokens), *s.reduction) for s in program.stages))
    return [
        statement(f"steps = {steps}", 12),
        "            tokens, rows, columns = steps[len(maps)]",
        "            if x.ndim == 4:",
        "                maps.append(x)",
        "                continue",
        "            # The extra tokens in front are no part of the map.",
        "            positions = x[:, tokens:].transpose(1, 2)",
        "            size = (-(-height // rows), -(-width // columns))",
        "            maps.append(positions.unflatten(2, size))",
    ]


def _classifier_methods(program: Program) -> list[str]:
    nodes = [node for node in modules(program.head) if isinstance(node, Element)]
    found = [node for node in nodes if _is_classifier(node)]
    if not found:
        return []
    get = f"    def get_classifier(self) -> nn.Module:\n        return self.{found[0].attr}"
    reset = [
        "    def reset_classifier(self, num_classes: int) -> None:",
        '        """A fresh classifier; with 0 classes the model gives what it would read."""',
        "        like = next(self.parameters())",
        "        self.num_classes = num_classes",
    ]
    for node in found:
        reset += [
            "        if num_classes == 0:",
            f"            self.{node.attr} = nn.Identity()",
            "        else:",
            statement(f"fresh = {_classifier_call(node)}", 12),
            *(statement(line, 12) for line in start_lines(node, program.source.init, "fresh")),
            f"            self.{node.attr} = fresh.to(like.device, like.dtype)",
        ]
    return [get, "\n".join(reset)]


def _classifier_call(node: Element) -> str:
    lowered = lower(node)
    assert isinstance(lowered, Module)
    printed = []
    for at, (name, value) in enumerate(lowered.arguments):
        assert isinstance(value, bool | int)
        text = "num_classes" if name.startswith("out_") else literal(value)
        printed.append(text if at < lowered.positional else f"{name}={text}")
    return f"{lowered.constructor}({', '.join(printed)})"


def _no_weight_decay(program: Program) -> str:
    """Tables and tokens decay as little as biases and norms do."""
    names = _spared(program)
    head = [
        "    def no_weight_decay(self) -> set[str]:",
        '        """Parameters of two and more dimensions that weight decay should leave alone."""',
    ]
    if not names:
        return "\n".join([*head, "        return set()"])
    return "\n".join(
        [
            *head,
            statement(f"spared = {literal(tuple(names))}", 8),
            "        return {n for n, _ in self.named_parameters() if n.endswith(spared)}",
        ]
    )


_IN_A_BLOCK = re.compile(r"stages\.\d+\.blocks\.\d+\.")


def _spared(program: Program) -> dict[str, None]:
    """Endings of the names of parameters that do not decay though they have two dimensions: told
    once for all blocks, unless something else is called so, too."""
    names: dict[str, None] = {}
    known = parameters(program)
    tables = [path for path, one in known.items() if not one.decay and len(one.shape) > 1]
    others = known.keys() - set(tables)
    for path in tables:
        last = path.rsplit(".", 1)[-1]
        ending = _IN_A_BLOCK.sub("", path) if last in ("weight", "bias") else last
        names[path if any(other.endswith(ending) for other in others) else ending] = None
    return names

"""A class about to be written: the members and the forward of one scope instance.

Goes in: a scope of the program. Comes out: a draft whose `key` is equal for scopes that differ only
in sizes, and whose numbers stand apart, ready to become arguments (`classes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from relgraph.algebra.starts import Start
from relgraph.assemble.naming import modules
from relgraph.emit.forward import Writer, write_body
from relgraph.emit.image import Reach, image_reach
from relgraph.lower import lower
from relgraph.lower.module import Argument, Definition, Module
from relgraph.lower.starts import start_lines
from relgraph.program import Body, Connect, Element, Scope

AWAY = Reach()
"""Of what does not read the image."""


@dataclass(frozen=True)
class Member:
    """One line of `__init__`: `self.attr = constructor(...)`, or a constant tuple of widths.

    `nested` is the draft that makes it where it is a scope; `reduce` the draft of the module that
    a reduced attention takes. `reach` says whether the member reads the image itself.
    """

    attr: str
    module: Module | None = None
    nested: Draft | None = None
    reduce: Draft | None = None
    constant: tuple[int, ...] | None = None
    reach: Reach = AWAY

    @property
    def key(self) -> object:
        """What must agree for two members to stand in one class: everything but numbers."""
        inner = tuple(draft.key for draft in (self.nested, self.reduce) if draft is not None)
        if self.module is None:
            return (self.attr, inner, self.constant and len(self.constant))
        # Numbers may be left out where they are the constructor's defaults: they do not count.
        words = tuple((name, value) for name, value in self.module.arguments if _is_word(value))
        return (self.attr, inner, self.module.constructor, self.module.definition, words)


@dataclass(frozen=True)
class Draft:
    """One scope instance as members and statements; `image` says that it reads the image, `starts`
    are statements that start members' weights otherwise than their classes do."""

    scope: Scope
    members: tuple[Member, ...]
    lines: tuple[str, ...]
    result: str
    uses: tuple[Definition, ...]
    imports: tuple[str, ...] = ()
    image: bool = False
    starts: tuple[str, ...] = ()

    @cached_property
    def key(self) -> object:
        """Equal for instances of one class."""
        layouts = (self.scope.input.layout, self.scope.output.layout)
        words = (self.scope.role, self.scope.name, self.lines, self.result, self.starts)
        return (words, layouts, tuple(member.key for member in self.members))

    def within(self) -> Iterator[Draft]:
        """The drafts that this one constructs, inner ones first, itself last."""
        for member in self.members:
            for draft in (member.nested, member.reduce):
                if draft is not None:
                    yield from draft.within()
        yield self


def draft(scope: Scope, default: Start, image: bool = False) -> Draft:
    """The draft of a scope. `image` says that its input is the image: its width is `in_chans`.
    `default` is how the classes of linear layers start by themselves."""
    writer = Writer()
    result = write_body(writer, scope.body, "x")
    if result == "x" and writer.lines and writer.lines[-1].startswith("x = "):
        result = writer.lines.pop().removeprefix("x = ")
    reaches = image_reach(scope.body) if image else {}
    members = [
        member_of(node, default, reaches.get(id(node), AWAY)) for node in modules(scope.body)
    ]
    members += [Member(attr=name, constant=sizes) for name, sizes in writer.constants.items()]
    return Draft(
        scope=scope,
        members=tuple(members),
        lines=tuple(writer.lines),
        result=result,
        uses=tuple(writer.uses),
        imports=tuple(writer.imports),
        image=image,
        starts=tuple(starts_of(scope.body, default)),
    )


def starts_of(body: Body, default: Start) -> Iterator[str]:
    """The statements that start the weights of a body's own modules."""
    for node in modules(body):
        if isinstance(node, Connect | Element):
            yield from start_lines(node, default)


def member_of(node: Connect | Element | Scope, default: Start, reach: Reach = AWAY) -> Member:
    """The member that a named node becomes; `reach` says what it has to do with the image."""
    if isinstance(node, Scope):
        nested = draft(node, default, image=reach.reads > 0)
        return Member(attr=node.attr, nested=nested, reach=reach)
    lowered = lower(node)
    assert isinstance(lowered, Module), f"{node.attr} has a name but no module"
    reduce = node.reduce if isinstance(node, Connect) else None
    inner = draft(reduce, default) if reduce else None
    return Member(attr=node.attr, module=lowered, reduce=inner, reach=reach)


def _is_word(value: Argument) -> bool:
    """Whether an argument is structure (a flag or a name) and no size."""
    return isinstance(value, bool | str) or value is None

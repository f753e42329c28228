"""Classes from drafts: instances that differ only in sizes share one class.

Goes in: all drafts of a model. Comes out: one definition per class, used ones first, and for every
draft the call that constructs it. How arguments are found is `signature`'s affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relgraph.emit.defaults import constructor_defaults
from relgraph.emit.draft import Draft, Member
from relgraph.emit.names import class_names
from relgraph.emit.scope_text import scope_text
from relgraph.emit.signature import Signature
from relgraph.emit.text import call, literal
from relgraph.lower.module import Argument, Definition


@dataclass(frozen=True)
class Call:
    """A constructor call with values: how one instance of a class is made."""

    constructor: str
    arguments: tuple[tuple[str, Argument], ...]
    positional: int = 1

    def text(self, texts: Mapping[str, str], extra: tuple[str, ...] = ()) -> list[str]:
        """The printed arguments, each given by `texts` or as a literal."""
        printed = []
        for at, (name, value) in enumerate(self.arguments):
            text = texts[name] if name in texts else literal(value)
            printed.append(text if at < self.positional else f"{name}={text}")
        return [*printed, *extra]


@dataclass(frozen=True)
class Classes:
    """The classes of a file, and how each draft is constructed."""

    definitions: tuple[Definition, ...]
    calls: Mapping[int, Call]

    def call(self, draft: Draft) -> Call:
        """How `draft` is constructed."""
        return self.calls[id(draft)]


def classes(roots: Iterable[Draft], taken: Iterable[str]) -> Classes:
    """One class for every group of equal drafts. `taken` are names that classes must not have."""
    groups: dict[object, list[Draft]] = {}
    for root in roots:
        for draft in root.within():
            groups.setdefault(draft.key, []).append(draft)
    names = class_names(list(groups.values()), taken)
    calls: dict[int, Call] = {}
    made: dict[str, Definition] = {}
    # `within` yields inner drafts first, so the classes a class constructs are known before it.
    for drafts, name in zip(groups.values(), names, strict=True):
        made[name] = _class(name, drafts, calls, made)
    return Classes(tuple(made.values()), calls)


def _class(
    name: str, drafts: list[Draft], calls: dict[int, Call], made: Mapping[str, Definition]
) -> Definition:
    signature = Signature(drafts)
    lines: list[str] = []
    uses: list[Definition] = list(drafts[0].uses)
    for at, member in enumerate(drafts[0].members):
        siblings = [draft.members[at] for draft in drafts]
        lines += _member_line(member, siblings, signature, calls).splitlines()
        uses += _used(member, calls, made)
    arguments = signature.arguments()
    for at, draft in enumerate(drafts):
        values = tuple((argument, signature.values[argument][at]) for argument in arguments)
        calls[id(draft)] = Call(name, values, _positional(arguments))
    text = scope_text(name, drafts, signature, lines)
    return Definition(name, text, tuple(dict.fromkeys(uses)), drafts[0].imports)


def _positional(arguments: list[str]) -> int:
    return sum(argument in ("in_chans", "dim", "out_dim") for argument in arguments)


def _member_line(
    member: Member, siblings: list[Member], signature: Signature, calls: Mapping[int, Call]
) -> str:
    if member.constant is not None:
        widths = [sibling.constant for sibling in siblings if sibling.constant is not None]
        return f"        self.{member.attr} = {signature.express_tuple(widths, member)}"
    made = _aligned([_made(sibling, calls) for sibling in siblings], member)
    texts = {
        name: signature.express(name, [dict(one.arguments)[name] for one in made], member)
        for name, _ in made[0].arguments
    }
    extra: tuple[str, ...] = ()
    if member.reduce is not None:
        extra = (f"reduce={_nested(siblings, signature, calls)}",)
    return call(f"self.{member.attr} = {made[0].constructor}", made[0].text(texts, extra), 8)


def _aligned(made: list[Call], member: Member) -> list[Call]:
    """The calls with the same arguments each: what one leaves out gets its default."""
    names = list(dict.fromkeys(name for call in made for name, _ in call.arguments))
    if all(len(call.arguments) == len(names) for call in made):
        return made
    assert member.module is not None, "classes of this file have no defaults to leave out"
    defaults = constructor_defaults(member.module)
    return [
        Call(
            one.constructor,
            tuple((name, dict(one.arguments).get(name, defaults.get(name))) for name in names),
            one.positional,
        )
        for one in made
    ]


def _nested(siblings: list[Member], signature: Signature, calls: Mapping[int, Call]) -> str:
    drafts = [sibling.reduce for sibling in siblings if sibling.reduce is not None]
    made = [calls[id(draft)] for draft in drafts]
    texts = {
        name: signature.express(name, [dict(one.arguments)[name] for one in made], siblings[0])
        for name, _ in made[0].arguments
    }
    return f"{made[0].constructor}({', '.join(made[0].text(texts))})"


def call_of(member: Member, made: Classes) -> Call:
    """How a member is constructed."""
    return _made(member, made.calls)


def _made(member: Member, calls: Mapping[int, Call]) -> Call:
    if member.nested is not None:
        return calls[id(member.nested)]
    assert member.module is not None
    return Call(member.module.constructor, member.module.arguments, member.module.positional)


def _used(
    member: Member, calls: Mapping[int, Call], made: Mapping[str, Definition]
) -> list[Definition]:
    drafts = [draft for draft in (member.nested, member.reduce) if draft is not None]
    inner = [made[calls[id(draft)].constructor] for draft in drafts]
    own = member.module.definition if member.module is not None else None
    return [*inner, own] if own is not None else inner

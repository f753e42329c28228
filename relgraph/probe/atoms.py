"""Links measured one by one, and cut further where together they are nothing of the algebra.

In: a lab, a link. Out: `Atom`s: links with what they were measured as.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from torch import fx

from relgraph.algebra.operator import TOGETHER, Channel, Operator, Space, Weight
from relgraph.algebra.rules import check
from relgraph.probe import operations as ops
from relgraph.probe import talking
from relgraph.probe.arrays import Arrays, visible
from relgraph.probe.bands import gate
from relgraph.probe.carry import Way
from relgraph.probe.findings import Measured, Property, size
from relgraph.probe.frames import framed
from relgraph.probe.freedom import freedom, stored
from relgraph.probe.items import Link
from relgraph.probe.lab import Lab
from relgraph.probe.measure import additivity, measure, weights_of
from relgraph.probe.owners import is_real
from relgraph.probe.places import Places, like
from relgraph.probe.shared_keys import copies
from relgraph.probe.splits import apart
from relgraph.probe.tape import Values
from relgraph.relations.composite import composed
from relgraph.relations.node import IDENTITY, Node, core

ADDITIVE = 1e-9
_UNREAD = "with what is frozen held fixed the output does not change with the input"
_NOTHING = Measured(IDENTITY, (Property("W", "", _UNREAD, False),), False, "", (_UNREAD,))


@dataclass(frozen=True, eq=False)
class Atom:
    """A link with what it was measured as; several where they were put together. `term` is its node
    where it is a term of several operators, of which `measured` tells all properties: `band` is
    what predicts a gate, `parts` stand side by side."""

    link: Link
    measured: Measured
    term: Node | None = None
    band: Operator | None = None
    parts: tuple[Atom, ...] = ()

    @property
    def node(self) -> Node:
        """Its node of the relation graph."""
        return core(self.operator) if self.term is None else self.term

    @property
    def operator(self) -> Operator:
        """Its operator."""
        return self.measured.operator

    @property
    def widths(self) -> tuple[int, int]:
        """Channels that come in and go out."""
        return _widths(self.link)

    @property
    def is_point(self) -> bool:
        """Whether it mixes the channels of each place by one static matrix."""
        if self.term is not None:
            return False
        own, plain = self.operator, Operator(Space("point", share="positions"), Channel("full"))
        return core(replace(own, channel=replace(own.channel, rank=None))) == core(plain)

    @property
    def stays_separate(self) -> bool:
        """Whether it mixes places and leaves channels apart."""
        separate = self.operator.channel.connect == "separate" and self.term is None
        return separate and not self.is_point

    @property
    def is_static(self) -> bool:
        """Whether no image changes its weights."""
        return self.operator.weight.source in ("static", "fixed")


def pieces(lab: Lab, link: Link) -> list[Atom]:
    """The link, or where it is nothing of the algebra what it does one after the other, where each
    is: zeros outside the map make no kernel of two kernels."""
    whole = measured(lab, link)
    if whole.measured.exact:
        return [_banded(lab, whole)]
    parts = _parted(lab, link)
    if parts is not None:
        return [parts]
    if not whole.is_static:
        return _in_two(lab, link) or [whole]
    links = list(_at_products(lab, link))
    if len(links) < 2:
        return [whole]
    made = [measured(lab, one) for one in links]
    return made if all(one.measured.exact for one in made) else [whole]


def _in_two(lab: Lab, link: Link) -> list[Atom] | None:
    """The pieces of what stands before and behind a value in the middle, where each is a point of
    the algebra: a gate behind attention, an average before keys and values are made."""
    context = Arrays(lab, link).context
    for node, places in _middles(lab, link, context):
        start, end = link.way.start, link.way.end
        first = replace(link, way=Way.of(lab.reading, start, node), out=places)
        second = replace(link, way=Way.of(lab.reading, node, end), into=places)
        made = [measured(lab, one) for one in framed(first, context) if not one.takes]
        if not all(atom.measured.exact for atom in made):
            continue
        behind = [a for one in framed(second, context) if not one.takes for a in pieces(lab, one)]
        if all(atom.measured.exact for atom in behind):
            same = places.count == link.into.count
            return [*made, *(map(_from_before, behind) if same else behind)]
    return None


def _from_before(atom: Atom) -> Atom:
    """The atom, with whence its weights are told where they are not made of what it reads."""
    if atom.is_static:
        return atom
    said = "its weights are made of what stands before the operator in front of it"
    return replace(atom, measured=replace(atom.measured, remarks=(*atom.measured.remarks, said)))


def _middles(lab: Lab, link: Link, context: Values) -> Iterator[tuple[fx.Node, Places]]:
    """Where it may be cut: before the second frozen product, and before the first where there are
    fewer places."""
    reading, way = lab.reading, link.way
    cuts = [node for node in reading.cuts(way.start, way.end)[1:-1] if is_real(context[node])]
    order = {node: at for at, node in enumerate(way.nodes)}
    products = [order[n] for n in way.nodes[1:] if reading.step(n).kind == "product"]
    made = [(node, like(tuple(context[node].shape), link.into, lab.layout)) for node in cuts]
    known = [(node, places) for node, places in made if places is not None]
    for first, second in pairwise(products[:2]):
        between = [one for one in known if first <= order[one[0]] < second]
        yield from [one for one in between[-1:] if one[1].count == link.into.count]
    before = [one for one in known if products and order[one[0]] < products[0]]
    yield from [one for one in before if one[1].count < link.into.count][:1]


def _parted(lab: Lab, link: Link) -> Atom | None:
    """Parts of the channels side by side, where each is a point of the algebra."""
    found = [measured(lab, one) for one in apart(Arrays(lab, link))]
    if not found or not all(one.measured.exact for one in found):
        return None
    node = composed("split", [one.node for one in found])
    return Atom(link, side_by_side(found), node, parts=tuple(found))


def side_by_side(found: Sequence[Atom]) -> Measured:
    """What is known of parts, each property by the part that it is of."""
    properties = tuple(
        replace(one, name=f"part {number}: {one.name}")
        for number, atom in enumerate(found, 1)
        for one in atom.measured.properties
    )
    widths = [atom.widths[1] for atom in found]
    said = Property("split", f"{len(found)} parts", f"of {', '.join(map(str, widths))} channels")
    proof = "; ".join(atom.measured.proof for atom in found)
    stands = found[0].measured.operator
    return Measured(stands, (said, *properties), True, proof)


def _banded(lab: Lab, atom: Atom) -> Atom:
    """A gate by the mean over all places, where its predictor reads a band of channels: a term."""
    found = gate(Arrays(lab, atom.link), atom.operator)
    if found is None:
        return atom
    own = atom.measured
    read = replace(own, properties=(*own.properties, found.property))
    node = composed("product", [IDENTITY, core(found.operator)]) if found.operator else None
    return Atom(atom.link, read, node, found.operator)


def _at_products(lab: Lab, link: Link) -> Iterator[Link]:
    """The link cut behind every convolution, matrix product and average of neighbours."""
    reading, context = link.way.reading, Arrays(lab, link).context
    start, into = link.way.start, link.into
    for node in reading.cuts(start, link.way.end)[1:-1]:
        if ops.name(node) not in (*ops.MATRIX, "convolution", "avg_pool2d"):
            continue
        out = like(tuple(context[node].shape), link.into, lab.layout)
        if out is None:
            return
        yield replace(link, way=Way.of(reading, start, node), into=into, out=out)
        start, into = node, out
    yield replace(link, way=Way.of(reading, start, link.way.end), into=into)


def measured(lab: Lab, link: Link) -> Atom:
    """The link as it was measured."""
    arrays = Arrays(lab, link)
    if not bool(visible(arrays.by_channel).any()):
        return Atom(link, _NOTHING)
    mixing = talking.mixing(arrays)
    heard = _talking(arrays, mixing) if mixing else None
    arrays, made = heard or _placed(arrays)
    link = arrays.link
    gap = additivity(arrays)
    found = _counted(arrays, made)
    if gap > ADDITIVE:
        said = f"not a sum over its inputs with what is frozen held fixed: off by {size(gap)}"
        chosen = sorted({ops.name(node) for node in link.way.nodes} & set(ops.CHOOSING))
        said += f"; {', '.join(chosen)} chooses by values" if chosen else ""
        wrong = Property("additivity of W", "", said, False)
        # What single entries gave is no W then: nothing that was read off it is decided.
        properties = (*(replace(one, decided=False) for one in found.properties), wrong)
        found = replace(found, properties=properties, exact=False, differs=(*found.differs, said))
    return Atom(link, found)


def _widths(link: Link) -> tuple[int, int]:
    return link.width, link.out.channels


def _placed(arrays: Arrays) -> tuple[Arrays, Measured]:
    """What the arrays are measured as, and those that it is of: with values that serve several
    heads counted for each."""
    served = copies(arrays)
    if served is not None:
        arrays = Arrays(arrays.lab, replace(arrays.link, copies=served))
    return arrays, measure(arrays)


def _talking(arrays: Arrays, mixing: Sequence[talking.Mixing]) -> tuple[Arrays, Measured] | None:
    """The same of heads that talk: what they are without their mixtures, and how they are mixed, or
    that it is in no way of the algebra. None where there are no heads."""
    apart, found = _placed(talking.without(arrays, mixing))
    own = found.operator
    apart_heads = own.channel.share in ("heads", "none") and own.channel.connect == "separate"
    if own.weight.source != "pair" or not apart_heads or len(set(_widths(apart.link))) > 1:
        return None
    heard = talking.talk(
        Arrays(arrays.lab, apart.link),
        mixing,
        talking.first_of_heads(apart, own),
        own.weight.normalize,
    )
    said = Property("talking heads", heard.word or "", heard.evidence, heard.word is not None)
    if heard.word is None:
        as_it_is, found = _placed(arrays)
        return as_it_is, replace(found, properties=(*found.properties, said), exact=False)
    operator = replace(own, weight=replace(own.weight, talking_heads=heard.word))
    differs = (*found.differs, *([heard.differs] if heard.differs else []))
    differs += tuple(broken.reason for broken in check(operator)[:1])
    return apart, replace(
        found,
        operator=own if check(operator) else operator,
        properties=(*found.properties, said),
        exact=found.exact and not differs,
        proof=f"{found.proof}, with heads that do not talk" if found.proof else "",
        differs=differs,
    )


def _counted(arrays: Arrays, found: Measured) -> Measured:
    """A static W with more different weights than parameters, or than numbers that are free, is a
    special case of its point: a product of sparse matrices fills a matrix, and is none."""
    own, link = found.operator, arrays.link
    # A border that reads inside adds weights up: its entries are more than its weights.
    plain = own.space.border in ("zero", "mask") or own.space.connect == "window"
    whole = own.space.rank is None and own.channel.rank is None and plain
    static = own.weight.source == "static" and whole
    things = weights_of(own, link.into, link.out) if static else 0
    if own.weight.normalize in TOGETHER:  # a weight of each row follows from the others
        things -= link.out.count * link.out.channels
    held = stored(arrays)
    made = f"{held:,} parameters"
    if things <= held:
        free = freedom(arrays) if things > 0 and own.weight == Weight() else None
        if free is None:
            return found
        by = ", ".join(free.made)
        if free.rank is None:
            said = f"the weights are made of parameters by {by}; whether all are free was not asked"
            return replace(found, remarks=(*found.remarks, said))
        if free.rank >= min(things, free.entries):
            return found
        made = f"parameters by {by}, of which {free.rank:,} numbers are free"
    said = f"{things:,} different weights are made of {made}: a special case"
    wrong = Property("weights", "", said, False)
    properties = (*found.properties, wrong)
    return replace(found, properties=properties, exact=False, differs=(*found.differs, said))

"""What decides the text of a general lowering: the structure of a connection, its sizes forgotten.

Goes in: a node of the program. Comes out: a frozen `Form`, the name of its class, and the arguments
that bring the sizes back. Connections of one form share one class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relgraph.algebra import geometry
from relgraph.algebra.operator import (
    Connection,
    Operator,
    Predictor,
    Size,
    Space,
    SpaceShare,
    compares,
    position_share,
)
from relgraph.program import Connect, Layout

Arrangement = Literal["half", "number", "same_tf"]


@dataclass(frozen=True)
class Form:
    """The structure of a node. `operator` is kept whole for its words; sizes in it are not read.

    `padding` is how a stencil places its taps; `cut` whether blocks have empty places; `resized`
    whether a `full` connection has another map at its output; `reduced` whether keys have theirs;
    `halo` whether windows read around themselves (then k > q).
    """

    operator: Operator
    layout: Layout
    padding: Arrangement
    cut: bool
    resized: bool
    reduced: bool
    tokens: bool
    halo: bool = False

    @property
    def space(self) -> Space:
        """The properties over positions."""
        return self.operator.space

    @property
    def source(self) -> str:
        """Where weights come from."""
        return self.operator.weight.source

    @property
    def is_stencil(self) -> bool:
        """Whether every output has its own neighbourhood (then q = 1)."""
        return self.space.connect in ("point", "local", "axial")

    @property
    def orbit_share(self) -> SpaceShare | None:
        """How learned things are shared over space; None where there are none to index."""
        return orbit_share_of(self.operator)

    @property
    def has_dead_entries(self) -> bool:
        """Whether some entries have no learned thing of their own: sharing none, at the border."""
        outside = self.is_stencil and self.space.connect == "local"
        partial = outside and self.space.border in ("zero", "mask")
        around = self.halo and self.space.border in ("zero", "mask")
        return self.orbit_share == "none" and (partial or self.cut or around)

    @property
    def needs_centers(self) -> bool:
        """Whether weights look at the place of the output."""
        identity = self.operator.weight.fixed == "identity"
        return self.source in ("center", "pair") or (self.source == "fixed" and identity)

    @property
    def has_region(self) -> bool:
        """Whether a table of places around each output is kept; blocks know their own places."""
        if self.source == "center":
            return not self.tokens or self.space.connect == "point"
        return self.needs_centers and self.is_stencil

    @property
    def own_places(self) -> str:
        """The table of the places where outputs stand, of those that are kept."""
        if self.is_stencil:
            return "centers"
        return "outputs" if self.halo else "inputs"

    @property
    def keeps_outputs(self) -> bool:
        """Whether the places of a window's outputs are kept beside those that it reads."""
        return self.halo and self.needs_centers

    @property
    def has_band_entries(self) -> bool:
        """Whether every entry of a band over channels has a weight of its own."""
        channel = self.operator.channel
        return channel.connect == "local" and channel.share == "none"

    @property
    def masks(self) -> bool:
        """Whether slots outside the map are absent from a normalisation or an average."""
        empty = self.space.connect in ("local", "point", "outlook") or self.cut or self.halo
        over_places = self.operator.weight.normalize != "none" and self.source != "channels"
        counted = over_places or self.source == "fixed"
        return self.space.border == "mask" and empty and counted

    @property
    def fits_any_map(self) -> bool:
        """Whether the learned things stay the same in number on maps of other sizes."""
        if self.operator.bias in ("positions", "both") or self.resized:
            return False
        if self.operator.weight.position in ("continuous", "rotary"):
            return self.layout == "map"  # how many rows a sequence has nobody says
        if self.orbit_share in (None, "all"):
            return True
        sized = ("point", "local", "window", "grid", "outlook")
        return self.orbit_share != "none" and self.space.connect in sized

    @property
    def is_framed_pair(self) -> bool:
        """Whether values are the third part of the joint projection of queries and keys."""
        return compares(self.operator) and self.operator.frame.value

    @property
    def predictor(self) -> Predictor | None:
        """The hidden layer of a predictor, if it has one."""
        predictor = self.operator.weight.predictor
        return predictor if predictor is not None and predictor.width(1) is not None else None


def form_of(node: Connect) -> Form:
    """The structure of a node."""
    connection = node.connection
    space = connection.operator.space
    return Form(
        operator=connection.operator,
        layout=node.input.layout,
        padding=space.padding if isinstance(space.padding, str) else "number",
        cut=space.border != "wrap" and block_shift(connection) != (0, 0),
        resized=space.connect == "full" and connection.in_grid != connection.out_grid,
        reduced=connection.key_grid is not None,
        tokens=connection.tokens > 0,
        halo=block_halo(connection) != (0, 0),
    )


def block_shift(connection: Connection) -> Size:
    """How far blocks of a window or stripe connection are moved, each axis less than a block.

    A shift that is void on the map at hand stays where the class accepts maps on which it is not.
    Own weights for every entry bind the class to its map, and with it to what is left there.
    """
    space, grid = connection.operator.space, geometry.as_map(connection.in_grid)
    if space.connect not in ("window", "stripe"):
        return 0, 0
    if orbit_share_of(connection.operator) == "none":
        return geometry.shift(space, geometry.as_map(geometry.completed(space, grid)))
    size = block_size(connection)
    return space.shift[0] % size[0], space.shift[1] % size[1]


def block_halo(connection: Connection) -> Size:
    """How far around itself a window reads: as written where no learned thing is counted by it,
    else what is left on the map at hand, to which the class is bound where a window covers it."""
    space, grid = connection.operator.space, geometry.as_map(connection.in_grid)
    if space.connect != "window" or orbit_share_of(connection.operator) in (None, "all"):
        return space.halo
    return geometry.halo(space, geometry.as_map(geometry.completed(space, grid)))


def block_size(connection: Connection) -> Size:
    """The size of windows, stripes or grids: as written where no learned thing is counted by it.

    Otherwise no larger than the map, to which a larger one binds the class.
    """
    space, grid = connection.operator.space, geometry.as_map(connection.in_grid)
    counted = orbit_share_of(connection.operator) not in (None, "all")
    if connection.operator.weight.position == "continuous":
        counted = False  # its offsets are those of the map at hand
    if space.connect != "window" or not counted:
        return space.size
    return geometry.extent(space, grid)


def orbit_share_of(operator: Operator) -> SpaceShare | None:
    """How learned things are shared over space; None where there are none to index."""
    if operator.weight.source in ("fixed", "channels"):
        return None
    if operator.weight.source == "pair":
        position = operator.weight.position
        return None if position == "rotary" else position_share(position)
    return operator.space.share


_CONNECT = {
    "point": "Point",
    "local": "Local",
    "axial": "Axial",
    "window": "Window",
    "stripe": "Stripe",
    "grid": "Grid",
    "full": "Full",
    "outlook": "Outlook",
}
_SHARE = {"none": "Untied", "windows": "WindowTied", "positions": "", "all": "Uniform"}
_SOURCE = {
    "static": "",
    "fixed": "",
    "pooled": "Pooled",
    "center": "Centered",
    "pair": "Paired",
    "channels": "ChannelPaired",
}
_TALKING = {"none": "", "logits": "LogitTalking", "weights": "WeightTalking", "both": "Talking"}
_BORDER = {"zero": "", "mask": "", "wrap": "Wrapped", "reflect": "Reflected", "clamp": "Clamped"}
_BIAS = {"none": "Unbiased", "channels": "", "positions": "PositionBiased", "both": "FullyBiased"}
_LAYOUT = {"map": "2d", "sequence": "", "vector": "Vector"}


def class_name(form: Form) -> str:
    """A name of the structure's words; what is usual needs none.

    Same name, same text: every word that changes the text of a class is in its name.
    """
    return "".join([*_source_words(form), *_space_words(form), *_channel_words(form), "Mixing"]) + (
        "".join(_end_words(form))
    )


def _source_words(form: Form) -> list[str]:
    weight = form.operator.weight
    words = [_SOURCE[weight.source], "" if weight.score == "dot" else weight.score.title()]
    if weight.kv_heads is not None:
        words.append("SharedKey")
    if weight.fixed is not None:
        words.append(weight.fixed.title())
    if weight.source in ("pooled", "center"):
        words.append(_predictor_word(form))
    if weight.position != "none":
        words.append(weight.position.title())
    words.append("Keyless" if weight.source == "pair" and weight.keyless else "")
    words.append(_TALKING[weight.talking_heads])
    words.append("Reduced" if form.reduced else "")
    if weight.normalize != "none":
        words.append(weight.normalize.title())
    return words


def _predictor_word(form: Form) -> str:
    if form.predictor is None:
        return "Linearly"
    if form.predictor.experts is not None:
        return "Expert"
    norm = "Normed" if form.predictor.norm == "batch_norm" else ""
    bias = "Biased" if form.predictor.bias else ""
    act = form.predictor.act.replace("_", " ").title().replace(" ", "")
    return f"{norm}{bias}{'' if act == 'Relu' else act}"


def _space_words(form: Form) -> list[str]:
    space = form.space
    border = _BORDER[space.border]
    if space.border == "mask" and form.masks:
        border = "Masked"
    words = ["Padded" if space.pad else "", border, "Cut" if form.cut else ""]
    words.append("Halo" if form.halo else "")
    words += [_SHARE[form.orbit_share or "positions"]] if space.connect != "outlook" else []
    if form.padding != "half":
        words.append("Same" if form.padding == "same_tf" else "Valid")
    if space.connect == "stripe" and space.along == "columns":
        words.append("Column")
    return [*words, "Resized" if form.resized else "", _CONNECT[space.connect]]


def _channel_words(form: Form) -> list[str]:
    channel = form.operator.channel
    if channel.connect == "full":
        return ["Dense"]
    if channel.connect == "groups":
        return ["Grouped" if channel.share == "none" else "GroupTied"]
    if channel.connect == "local":
        return ["Band" if channel.share == "none" else "BandTied"]
    return [{"none": "Channel", "heads": "Head", "all": "Tied"}[channel.share]]


def _end_words(form: Form) -> list[str]:
    frame = form.operator.frame
    ends = {
        (True, True): "Framed",
        (True, False): "Valued",
        (False, True): "Projected",
        (False, False): "",
    }
    tokens = "WithTokens" if form.tokens else ""
    bias, frames = _BIAS[form.operator.bias], ends[frame.value, frame.output]
    return [frames, bias, tokens, _LAYOUT[form.layout]]

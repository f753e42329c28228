"""What is added to an attention's scores for where a pair stands, as text of its class.

Goes in: nothing. Comes out: the position biases of a whole map and of a window. How the scores are
made is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bias:
    """A position bias as text: a word of the class's name, what its title and the end of its
    equation say, the summand, lines of the constructor and of `reset_parameters`, and the table
    (offsets, num_heads) that an index is looked up in, where there is one. `parameters` are the
    constructor's; a table of a window counts the offsets of what it is `made_for`.
    """

    word: str
    title: str
    entry: str
    layers: tuple[str, ...]
    reset: tuple[str, ...]
    table: str = ""
    note: str = ""
    sizes: str = ""
    annotations: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    made_for: str = "self.window_size"


_TABLE = "self.relative_position_bias_table"

_RELATIVE_OF = '''\
    def position_bias_of(self, x: Tensor) -> Tensor:
        """The bias of every pair of positions: (num_heads, H * W, H * W)."""
        index, size = self.relative_position_index, (x.shape[2], x.shape[3])
        if size != self.map_size:
            if size[0] > self.map_size[0] or size[1] > self.map_size[1]:
                raise ValueError(f"position bias for maps up to {self.map_size}, found {size}")
            index = relative_position_index(size, self.map_size, x.device)
        return self.relative_position_bias_table[index].permute(2, 0, 1)'''

_ABSOLUTE_OF = '''\
    def position_bias_of(self, x: Tensor) -> Tensor:
        """The bias of every pair of positions: (num_heads, H * W, H * W)."""
        if (x.shape[2], x.shape[3]) != self.map_size:
            raise ValueError(f"position bias for {self.map_size}, found {tuple(x.shape[2:])}")
        return self.position_bias'''

_CONTINUOUS_OF = '''\
    def position_bias_of(self, x: Tensor) -> Tensor:
        """The bias of every pair of positions: (num_heads, H * W, H * W)."""
        index, size = self.relative_position_index, (x.shape[2], x.shape[3])
        if size != self.map_size:
            index = relative_position_index(size, size, x.device)
        return self.cpb_mlp(relative_offsets(size, x.device))[index].permute(2, 0, 1)'''

_OFFSETS = '''\
    def offsets(self, x: Tensor) -> Tensor:
        """The offsets between two places of a window on the map of x: (offsets, 2)."""
        window, _ = fit_window((x.shape[2], x.shape[3]), self.window_size, self.shift_size)
        return relative_offsets(window, x.device)'''

ON_MAP = {
    "relative": Bias(
        word="Relative",
        sizes="; a map no larger than `map_size`.",
        title=" with a bias for each offset and head",
        entry="bias[j - o]",
        layers=(
            "",
            "offsets = (2 * map_size[0] - 1) * (2 * map_size[1] - 1)",
            f"{_TABLE} = nn.Parameter(torch.empty(offsets, num_heads))",
            'self.register_buffer("relative_position_index", None, persistent=False)',
        ),
        reset=(
            f"table = {_TABLE}",
            "nn.init.trunc_normal_(table, std=0.02)",
            "size = self.map_size",
            "self.relative_position_index = relative_position_index(size, size, table.device)",
        ),
        annotations=("relative_position_index: Tensor",),
        methods=(_RELATIVE_OF,),
    ),
    "continuous": Bias(
        word="Continuous",
        title=" with a bias by a network",
        entry="network(j - o)",
        layers=(
            "self.cpb_mlp = PositionNetwork(num_heads, hidden)",
            'self.register_buffer("relative_position_index", None, persistent=False)',
        ),
        reset=(
            "size, device = self.map_size, self.proj.weight.device",
            "self.relative_position_index = relative_position_index(size, size, device)",
        ),
        annotations=("relative_position_index: Tensor",),
        methods=(_CONTINUOUS_OF,),
        parameters=("hidden: int = 512",),
    ),
    "absolute": Bias(
        word="Absolute",
        sizes=" at `map_size` and no other.",
        title=" with a bias for each pair of positions and head",
        entry="bias[o, j]",
        layers=(
            "",
            "positions = map_size[0] * map_size[1]",
            "self.position_bias = nn.Parameter(torch.empty(num_heads, positions, positions))",
        ),
        reset=("nn.init.trunc_normal_(self.position_bias, std=0.02)",),
        methods=(_ABSOLUTE_OF,),
    ),
}

IN_WINDOW = {
    "relative": Bias(
        word="",
        title=", with relative position bias",
        entry="bias[j - o]",
        layers=(
            "offsets = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)",
            f"{_TABLE} = nn.Parameter(torch.empty(offsets, num_heads))",
        ),
        reset=(f"nn.init.trunc_normal_({_TABLE}, std=0.02)",),
        table=_TABLE,
        note="a learned bias for each offset",
    ),
    "continuous": Bias(
        word="Continuous",
        title=", with continuous position bias",
        entry="network(j - o)",
        layers=("self.cpb_mlp = PositionNetwork(num_heads, hidden)",),
        reset=(),
        table="self.cpb_mlp(self.offsets(x))",
        methods=(_OFFSETS,),
        made_for="window",
        note="a network's bias for each offset",
        parameters=("hidden: int = 512",),
    ),
}

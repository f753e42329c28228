"""Static and given weights: as numbers of another static weight, or as the biases and position
tables of predicted ones.

In: a source connection whose W no input changes, its tensors, and a target. Out: the target's core
tensors (frame and bias aside). Source: ALGEBRA 4.1 and the theorem of 4.3: a static weight is a
predicted one whose last layer is a bias per orbit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import FEATURES, Connection, SpaceShare, position_share
from relgraph.algebra.parameters import space_shape, weight_shape
from relgraph.transfer.axes import Axis, channel_axis, slots
from relgraph.transfer.carried import Method, Part, Refused, Tensors
from relgraph.transfer.functions import OUTSIDE, Axes, Moved, Places, Rule, axes_of, move
from relgraph.transfer.mixtures import mixtures
from relgraph.transfer.places import WITHOUT_NUMBERS, silent
from relgraph.verify import oracle
from relgraph.verify.oracle_tables import completed_connection

ONE_NUMBER = "without a position bias query · key of constants is one number for all pairs"
OPEN = 30.0  # the logit of 1, but for 1e-13
LOGITS = "of the logits the mean over each orbit: normalised, that is no optimum"
INTO_SOFTMAX = (
    "into a softmax from weights that are not normalised: its rows sum to 1, so softmax(log W) is "
    "W over its row's sum"
)

INTO_MAGNITUDES = "only weights over the sum of their magnitudes are known to be such"


@dataclass(frozen=True, eq=False)
class Numbers:
    """W's numbers (units, orbits) on the source's axes; `rule` says whether they are logits."""

    values: Tensor
    places: Places
    rule: Rule


def to_static(source: Connection, target: Connection, tensors: Tensors) -> Part | Refused:
    """Numbers of a static weight; under a normalisation of the target, its logits."""
    made = carried_numbers(source, target, tensors)
    if isinstance(made, Refused):
        return made
    values, moved = made
    weight = values.reshape(weight_shape(target))
    return Part({"weight": weight}, *_said(moved))


def numbers_for(
    source: Connection,
    target: Connection,
    tensors: Tensors,
    share: SpaceShare | None = None,
) -> Numbers | Refused:
    """The source's numbers as the target's rule reads them. `share` is the sharing of the target's
    place for them, where that is a position table."""
    before, after = source.operator.weight, target.operator.weight
    learned = before.source == "static"
    if after.normalize == "softmax":
        if not (learned and before.normalize == "softmax"):
            return _logarithms(source, target, tensors, share)
        return _learned(source, target, tensors, "softmax", share)
    if learned and before.normalize == after.normalize and after.normalize in ("sigmoid", "l1"):
        return _learned(source, target, tensors, after.normalize, share)
    if after.normalize == "l1":
        if learned and before.normalize == "softmax" and not _counts_outside(source):
            return _learned(source, target, tensors, "softmax", share)
        return _magnitudes(source, target, tensors, share)
    if learned and before.normalize == "none":
        return _learned(source, target, tensors, "none", share)
    return _frozen(source, target, tensors, share)


def carried_numbers(
    source: Connection, target: Connection, tensors: Tensors, share: SpaceShare | None = None
) -> tuple[Tensor, Moved] | Refused:
    """The target's numbers (units, orbits), and what was lost."""
    numbers = numbers_for(source, target, tensors, share)
    made = numbers if isinstance(numbers, Refused) else settled(numbers, target)
    lossy = isinstance(made, Refused) or not made[1].exact
    lossy = lossy and target.operator.space.connect != "outlook"  # no rows of its own
    if lossy and target.operator.weight.normalize == "softmax":
        return _nearest_rows(source, target, tensors, share) or made
    return made


def _nearest_rows(
    source: Connection, target: Connection, tensors: Tensors, share: SpaceShare | None
) -> tuple[Tensor, Moved] | None:
    """Logits of the nearest W, where its rows are positive and sum to 1 as the source's do: then no
    nearer one has such rows."""
    numbers = _frozen(source, target, tensors, share)
    if isinstance(numbers, Refused) or unmixed(source) is None:
        return None
    moved = move(numbers.values[..., None], numbers.places, "none")
    axis, w = numbers.places[-1][1].space, moved.values[..., 0]
    reads, _ = slots(target)
    places = target.tokens + geometry.area(target.key_grid or target.in_grid)
    outputs = axis.entry // places
    sums = w.new_zeros(len(w), len(reads)).index_add(1, outputs, w[:, axis.orbit])
    even = bool(((sums - 1).abs() < 1e-9).all()) and bool((w >= 0).all())
    if not even or _counts_outside(target):
        return None
    return w.log().clamp(min=OUTSIDE), moved


def settled(numbers: Numbers, target: Connection) -> tuple[Tensor, Moved] | Refused:
    """The target's numbers (units, orbits): logits where it normalises, and what was lost."""
    moved = move(numbers.values[..., None], numbers.places, numbers.rule)
    values = moved.values[..., 0]
    rule = target.operator.weight.normalize
    if numbers.rule == "softmax" and rule == "l1":
        return _exponentials(values, moved), moved
    if numbers.rule in ("softmax", "sigmoid"):
        return torch.where(moved.outside, OUTSIDE, values), moved
    if rule == "sigmoid" and target.operator.space.connect == "outlook":
        return Refused("sums of sigmoids over windows: their own numbers are not known from W")
    if rule == "sigmoid":
        return _as_logits(values, moved)
    return values, moved


def _exponentials(values: Tensor, moved: Moved) -> Tensor:
    """What a softmax makes of logits, but for the sum over which they are taken in any case."""
    inside = torch.where(moved.outside, OUTSIDE, values)
    return (inside - inside.amax(1, keepdim=True)).exp()


def _as_logits(values: Tensor, moved: Moved) -> tuple[Tensor, Moved] | Refused:
    """σ⁻¹ of numbers between 0 and 1, where 1 is what a gate makes that is open (1 − 1e-13); of
    zeros where the source has no entry."""
    inside = (values > 0) & (values <= 1)
    if not bool((inside | moved.outside).all()):
        lowest, highest = float(values.min()), float(values.max())
        return Refused(
            f"a sigmoid gives numbers between 0 and 1, these go from {lowest:.3g} to {highest:.3g}"
        )
    return torch.where(
        moved.outside, OUTSIDE, values.clamp(1e-300, 1).logit().clamp(max=OPEN)
    ), moved


def _learned(
    source: Connection, target: Connection, tensors: Tensors, rule: Rule, share: SpaceShare | None
) -> Numbers | Refused:
    axes = axes_of(source, target, rule, (None, share))
    if isinstance(axes, Refused):
        return axes
    own = axes[0][0]
    values = tensors["weight"].double().reshape(own.channel.orbits, own.space.orbits)
    return Numbers(values, axes, rule)


def _frozen(
    source: Connection, target: Connection, tensors: Tensors, share: SpaceShare | None
) -> Numbers | Refused:
    """Given weights, and learned ones after their normalisation, entry by entry."""
    if completed_connection(source) is not source:
        return Refused("zero positions that complete the map count in its weights")
    axes = axes_of(_on_its_own_map(source), target, "none", (None, share))
    if isinstance(axes, Refused):
        return axes
    reads, _ = slots(source)
    places = source.tokens + geometry.area(source.key_grid or source.in_grid)
    entry = torch.arange(len(reads))[:, None] * places + reads
    entry, number = entry[reads >= 0].unique(return_inverse=True)
    space = Axis(entry, torch.arange(len(entry)), len(entry))
    image = torch.zeros(1, places, source.in_channels, dtype=torch.float64)
    doubles = {name: tensor.double() for name, tensor in tensors.items()}
    w = oracle.weights(source, doubles, image)[0][:, reads >= 0]
    values = w.new_zeros(len(w), len(entry)).index_add(1, number, w)  # one entry read twice: a sum
    own = Axes(channel_axis(source), space)
    return Numbers(values, tuple((own, target_axes) for _, target_axes in axes), "none")


def _logarithms(
    source: Connection, target: Connection, tensors: Tensors, share: SpaceShare | None
) -> Numbers | Refused:
    """Logits of weights that are positive and sum to 1 over each output's slots."""
    if target.operator.space.connect == "outlook":
        return Refused(f"{INTO_SOFTMAX}; here it is a sum over windows")
    numbers = _frozen(source, target, tensors, share)
    if isinstance(numbers, Refused):
        return numbers
    if bool((numbers.values < 0).any()) or not _sums_to_1(numbers, source, target):
        return Refused(INTO_SOFTMAX)
    # A softmax does not see what all logits of an output have in common.
    outputs = _outputs(numbers, target)
    rows = outputs.expand(len(numbers.values), -1)
    highest = numbers.values.new_zeros(len(rows), int(outputs.max()) + 1)
    highest = highest.scatter_reduce(1, rows, numbers.values, "amax")
    logits = (numbers.values / highest[:, outputs]).log().clamp(min=OUTSIDE)
    return replace(numbers, values=logits, rule="softmax")


def _magnitudes(
    source: Connection, target: Connection, tensors: Tensors, share: SpaceShare | None
) -> Numbers | Refused:
    """Weights of which the magnitudes sum to 1 over each output's slots: over that sum they are
    themselves."""
    if target.operator.space.connect == "outlook":
        return Refused(f"{INTO_MAGNITUDES}, and no sums over windows")
    numbers = _frozen(source, target, tensors, share)
    if isinstance(numbers, Refused):
        return numbers
    if not _sums_to_1(numbers, source, target):
        return Refused(INTO_MAGNITUDES)
    return replace(numbers, rule="l1")


def _sums_to_1(numbers: Numbers, source: Connection, target: Connection) -> bool:
    """Whether the magnitudes of each output's entries sum to 1, and nothing else counts there."""
    reads, _ = slots(target)
    sums = torch.zeros(len(numbers.values), len(reads), dtype=torch.float64)
    sums = sums.index_add(1, _outputs(numbers, target), numbers.values.abs())
    even = bool(((sums - 1).abs() < 1e-9).all())
    return even and not _counts_outside(target) and unmixed(source) is not None


def _counts_outside(connection: Connection) -> bool:
    """Whether what is normalised together counts slots outside the map."""
    reads, counted = slots(connection)
    return bool((counted & (reads < 0)).any())


def _outputs(numbers: Numbers, target: Connection) -> Tensor:
    """The place of the output for each of the source's entries."""
    places = target.tokens + geometry.area(target.key_grid or target.in_grid)
    return numbers.places[0][0].space.entry // places


def unmixed(connection: Connection) -> Connection | None:
    """The connection if its channels see only themselves, as under a softmax they do."""
    return connection if connection.operator.channel.connect == "separate" else None


def _on_its_own_map(connection: Connection) -> Connection:
    """Not to be compared on a generic map: what is normalised depends on the border."""
    space = replace(connection.operator.space, share="none")
    return replace(connection, operator=replace(connection.operator, space=space))


def to_given(source: Connection, target: Connection, tensors: Tensors) -> Part | Refused:
    """Nothing is learned there: exact where the source's numbers are the given ones."""
    numbers = _frozen(source, target, tensors, "none")
    if isinstance(numbers, Refused):
        return numbers
    given = _frozen(target, target, {}, "none")
    assert not isinstance(given, Refused), "given weights stand on their own map"
    one, other = (move(n.values[..., None], n.places, "none").values for n in (numbers, given))
    if bool(((one - other).abs() > 1e-12 * other.abs().max()).any()):
        return Refused("the target's weights are given: there is nothing to carry them in")
    return Part({})


def to_predictor(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Part | Refused:
    """Last weights zero, bias the kernel: whatever is predicted, it is these numbers."""
    made = carried_numbers(source, target, tensors)
    if isinstance(made, Refused):
        return made
    values, moved = made
    if "expand.bias" not in fresh:
        return Part(_as_mixture(values, fresh), *_said(moved))
    bias = values.reshape(fresh["expand.bias"].shape)
    rest = {
        name: tensor
        for name, tensor in fresh.items()
        if name.startswith(("squeeze.", "norm.")) and tensor.dtype.is_floating_point
    }
    last = torch.zeros_like(fresh["expand.weight"])
    return Part({**rest, "expand.weight": last, "expand.bias": bias}, *_said(moved))


def _as_mixture(values: Tensor, fresh: Tensors) -> dict[str, Tensor]:
    """Experts whose gates all stand at sigmoid(0) = 1/2: their sum is twice the kernel. They stay
    as far from each other as they started, so that training can tell them apart."""
    experts = fresh["expand.weight"].double()
    apart = experts - experts.mean(1, keepdim=True)
    mean = 2 * values.reshape(-1, 1).double() / experts.shape[1]
    gates = {n: torch.zeros_like(t) for n, t in fresh.items() if n.startswith("squeeze.")}
    return {**gates, "expand.weight": apart + mean}


def to_pair(
    source: Connection, target: Connection, tensors: Tensors, fresh: Tensors
) -> Part | Refused:
    """Queries zero, the position bias the kernel's numbers."""
    position = target.operator.weight.position
    numbered = position in ("relative", "absolute")
    share = position_share(position) if numbered else None
    made = carried_numbers(source, target, tensors, share or "all")
    if isinstance(made, Refused):
        return made
    values, moved = made
    if position in WITHOUT_NUMBERS and not moved.exact:  # nothing there holds a mean
        return Refused(WITHOUT_NUMBERS[position])
    own = queries_of(target, fresh)
    if numbered:
        return Part({**own, **position_tensors(target, values)}, *_said(moved))
    constant = _constant(target, {**own, **silent(target, fresh)}, values)
    if isinstance(constant, Refused):
        return constant
    reason, error, how = _said(moved)
    return Part(constant, f"{reason} ({ONE_NUMBER})" if reason else "", error, how)


def _constant(
    target: Connection, own: dict[str, Tensor], values: Tensor
) -> dict[str, Tensor] | Refused:
    """Queries and keys that are biases: one number per head, whatever they read."""
    heads, channels = len(values), target.in_channels
    if target.operator.weight.normalize == "softmax":  # it does not see what all logits have
        return own
    if target.operator.weight.position in WITHOUT_NUMBERS:
        return Refused(WITHOUT_NUMBERS[target.operator.weight.position])
    if target.operator.weight.score == "cosine":
        return Refused(f"{ONE_NUMBER}, and as a scaled cosine it is bounded")
    if target.operator.weight.score in FEATURES:
        return Refused(f"{ONE_NUMBER}, and as a product of features it is not negative")
    names = ("qkv", "qkv") if target.key_grid is None else ("q", "kv")
    if f"{names[0]}.bias" not in own:
        return Refused(f"{ONE_NUMBER}, and without biases it is not constant")
    first = torch.arange(heads) * (channels // heads)
    made = {name: tensor.double().clone() for name, tensor in own.items()}
    numbers = values[:, 0] * (channels // heads) ** 0.5, torch.ones(heads, dtype=torch.float64)
    starts = 0, channels if target.key_grid is None else 0
    for name, start, number in zip(names, starts, numbers, strict=True):
        made[f"{name}.weight"][start : start + channels] = 0
        made[f"{name}.bias"][start : start + channels] = 0
        made[f"{name}.bias"][start + first] = number
    return made


def queries_of(target: Connection, fresh: Tensors) -> dict[str, Tensor]:
    """The projections of a pair source with queries of zero; keys and values as they start."""
    channels = target.in_channels
    name = "qkv" if target.key_grid is None else "q"
    names = [name] if name == "qkv" else ["q", "kv"]
    made = {}
    for one in names:
        for part in ("weight", "bias"):
            if f"{one}.{part}" in fresh:
                made[f"{one}.{part}"] = fresh[f"{one}.{part}"].clone()
    for part in ("weight", "bias"):
        if f"{name}.{part}" in made:
            made[f"{name}.{part}"][:channels] = 0
    scales = {n: t for n, t in fresh.items() if n == "logit_scale"}
    return {**made, **scales, **mixtures({}, fresh)}


def position_tensors(target: Connection, values: Tensor) -> dict[str, Tensor]:
    """(heads, orbits) as the table in which the target stores it."""
    if target.operator.weight.position == "relative":
        return {"relative_position_bias_table": values.T}
    heads = values.shape[0]
    return {"position_bias": values.reshape(heads, *space_shape(target, "none"))}


def _said(moved: Moved) -> tuple[str, float | None, Method]:
    """The end of a Part: its reason, its error and how it was done."""
    if moved.exact:
        return moved.note, 0.0, "embedding"
    if moved.error is None:
        return LOGITS, None, "partial"
    return "the nearest W: the mean over each of its orbits", moved.error, "projection"

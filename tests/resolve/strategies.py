"""Hypothesis strategies for resolved backbones: any value of the types, sensible or not."""

from __future__ import annotations

from hypothesis import strategies as st

from relgraph import resolved
from relgraph.algebra.operator import Channel, Frame, Operator, Predictor, Rank, Space, Weight
from relgraph.errors import Place

names = st.sampled_from(["spatial", "token_mixer", "mix", "block_a"])
labels = st.none() | names
counts = st.integers(1, 64)
sizes = st.tuples(counts, counts)
floats = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=12)
places = st.none() | st.builds(Place, file=st.just("f.yaml"), line=counts, column=counts)

ranks = st.none() | st.builds(
    Rank, word=st.sampled_from(["reduce", "inner"]), numbers=st.lists(counts, max_size=2).map(tuple)
)
spaces = st.builds(
    Space,
    connect=st.sampled_from(["point", "window", "local", "full"]),
    size=sizes,
    shift=sizes,
    border=st.sampled_from(["zero", "mask", "wrap"]),
    padding=st.sampled_from(["half", "same_tf"]) | sizes,
    pad=st.booleans(),
    rank=ranks,
)
operators = st.builds(
    Operator,
    space=spaces,
    channel=st.builds(Channel, groups=counts, heads=counts, rank=ranks),
    weight=st.builds(
        Weight,
        source=st.sampled_from(["static", "pooled", "pair"]),
        predictor=st.none()
        | st.builds(Predictor, reduction=st.none() | counts, bias=st.booleans()),
        qkv_bias=st.booleans(),
    ),
    bias=st.sampled_from(["none", "channels", "both"]),
    frame=st.builds(Frame, value=st.booleans(), output_bias=st.booleans()),
)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | floats | texts
arguments = st.dictionaries(names, scalars | sizes, max_size=3).map(
    lambda table: tuple(sorted(table.items()))
)
starts = st.sampled_from(["default", "xavier", "zeros", ("kaiming", "fan_out")]) | st.tuples(
    st.sampled_from(["normal", "trunc_normal"]), st.floats(1e-8, 10)
)
elements = st.builds(
    resolved.Element,
    label=labels,
    place=places,
    word=names,
    arguments=arguments,
    init=st.none() | starts,
    init_place=places,
)
taps = st.builds(resolved.Tap, word=st.sampled_from(["tap", "from"]), name=names)


def _structure(bodies: st.SearchStrategy[resolved.Body]) -> st.SearchStrategy[resolved.Node]:
    combine = st.sampled_from(["sum", "product", "concat"])
    branches = st.lists(bodies, max_size=3).map(tuple)
    return st.one_of(
        st.builds(
            resolved.OperatorUse,
            label=labels,
            name=names,
            operator=operators,
            in_channels=counts,
            out_channels=counts,
            reduce=bodies,
            between=bodies,
            cite=texts,
            init=st.none() | starts,
        ),
        st.builds(
            resolved.Scope,
            label=labels,
            name=names,
            kind=st.sampled_from(["definition", "operator"]),
            body=bodies,
            cite=texts,
        ),
        st.builds(
            resolved.Residual,
            label=labels,
            body=bodies,
            shortcut=st.none() | st.just("none") | bodies,
            scale=st.none() | floats,
            drop_path=st.none() | floats,
        ),
        st.builds(resolved.Branches, label=labels, combine=combine, branches=branches),
        st.builds(
            resolved.Split,
            label=labels,
            sizes=st.lists(counts, max_size=3).map(tuple),
            branches=branches,
            combine=combine,
        ),
    )


def _bodies(nodes: st.SearchStrategy[resolved.Node]) -> st.SearchStrategy[resolved.Body]:
    return st.lists(nodes, max_size=3).map(tuple)


nodes: st.SearchStrategy[resolved.Node] = st.recursive(
    elements | taps, lambda inner: _structure(_bodies(inner)), max_leaves=8
)
bodies = _bodies(nodes)


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[resolved.Body, ...]:
    """Blocks with runs that repeat, as models have them."""
    lead = draw(st.lists(bodies, max_size=2))
    period = draw(st.lists(bodies, min_size=1, max_size=3))
    return tuple(lead + period * draw(st.integers(1, 4)))


stages = st.builds(
    resolved.Stage, channels=counts, blocks=_blocks(), downsample=bodies, after=bodies
)
backbones = st.builds(
    resolved.Backbone,
    name=names,
    cite=texts,
    size=st.none() | sizes,
    in_chans=counts,
    classes=counts,
    stem=bodies,
    stages=st.lists(stages, max_size=3).map(tuple),
    head=bodies,
    drop_path=floats,
    schedule=st.sampled_from(["linear", "constant"]),
    place=places,
)

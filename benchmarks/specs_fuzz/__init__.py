"""Specs made at random: valid ones must be understood, damaged ones refused with a place.

A spec is grown from a random source together with the shapes that flow through it, so that it is
valid by construction; nothing of relgraph is asked while it grows. Any `random.Random` will do: a
numbered one for campaigns that stop and go on, Hypothesis's own where failures shall shrink.

    shapes       what flows: widths, maps and tokens at all places where one text is used
    scope        how a number is written: plain, as a stage's variable, as a parameter
    writing      an item in one of its forms, with some of its fields
    elements     items that hardly depend on shapes
    operators    uses of shipped operators that a shape allows
    attention    uses of shipped attention
    items        all of these together
    properties   operator files of one's own: the four properties on both axes
    bodies       structure: residuals, branches, splits, taps, definitions, operators with bodies
    backbones    a whole file: stem, stages, head, defaults
    children     a second file that `extends` the first: patches, replace, set
    text         the files' texts
    damage       a valid file made wrong, by kind
    judge        what relgraph says of a case, and whether that is right
    run          many cases, several processes, picked up where they stopped
    page         counts by kind, as text
"""

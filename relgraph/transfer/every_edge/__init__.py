"""Every edge of the relation graph, walked with numbers: what it says of weights against what
happens to them.

In: edges of the graph. Out: a verdict for each, and a table of them. What an edge says comes from
`relations` (no torch), what happens from `transfer`, what is true from the oracle.

    small      a node as an operator of a few channels on a small map, with random numbers
    optimum    whether weights are the nearest to others: the slope of the distance, in W
    judge      one edge: carried, run on both sides, compared with what was said
    run        all of them, several at once, picked up where it stopped
    table      counts by relation and kind of edit, as text
"""

"""Every consistent family of the algebra, checked by itself: what it computes, learns and costs.

In: the families that `relgraph.algebra.families` enumerates. Out: a verdict for each, and a page.
`python -m benchmarks.families --help` says how to run it.

    instances  one family at several sizes, with a frame, with a dilation beyond the map
    built      the module of a lowering, from its text
    equality   a module beside the oracle: outputs, gradients, memory formats
    judge      one family: all of that, its counts, its proof
    run        all of them, several at once, picked up where it stopped
    page       counts by kind, fast forms, the table of rules with their reasons
"""

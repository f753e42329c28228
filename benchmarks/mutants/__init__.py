"""The verifier, verified: emitted files are changed as people change them by mistake, and the proof
has to notice.

In: the families in `families` and the mistakes in `mistakes`. Out: a verdict for every mutant, and
a table of them. `python -m benchmarks.mutants --help` says how to run it.

    families   small backbones, one for each operator that is shipped and for some that are not
    source     an emitted file as text with a tree over it; an edit of one place
    mistakes   what a person gets wrong, one function each
    harvest    which mutants there are: a few places for each mistake and family
    judge      one mutant: rejected, by what; or the same function; or a survivor
    differs    whether a mutant is another function, asked in more ways than the proof asks
    equal      mutants that are the same function, each with its reason
    run        all of them, several at once, picked up where it stopped
    page       counts by mistake and by family, as text
"""

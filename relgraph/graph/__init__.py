"""The relation graph: closures, names, costs, and the questions asked of it.

In: operators as nodes, the table of relations, specs for their names. Out: `RelationGraph`, which
keeps nodes and edges compactly and is a `networkx.DiGraph` on request; frozen answers. Networkx is
imported only by functions that hand one out.

    named      the operators that specs name, shipped and the user's        `named_operators`
    closure    everything that edits make of roots, counted before          `families`, `closure`
    model      the graph: nodes by key or name, edits, `.graph`             `RelationGraph`
    search     shortest paths, counted without being listed                 `shortest`
    edges      direction of an edge, and what trained weights do on it      `facts`
    cost       parameters and multiply-adds of a node at a width and map    `node_cost`
    store      graphs on disk, lossless                                     `save`, `load`
    questions  path, neighbours, common, holes, where: frozen answers
"""

"""The relation graph: closures, names, costs, and the questions asked of it.

In: operators as nodes, the table of relations, specs for their names. Out: `RelationGraph`, which
keeps nodes and edges compactly and is a `networkx.DiGraph` on request; frozen answers. Networkx is
imported only by functions that hand one out.
"""

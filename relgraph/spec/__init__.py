"""The spec language: YAML text to positioned nodes, and the one table of its words.

Nothing here knows what a word means for a model; `relgraph.resolve` interprets the nodes.
"""

"""Relations: edits of one property on one axis that make one operator of another.

Pure Python on the algebra's frozen values: no networkx, no torch, no YAML, no names of specs.
"""

"""The families, enumerated once for all tests of a process."""

from relgraph.algebra.families import families

FAMILIES = tuple(families())

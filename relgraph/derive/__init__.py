"""Variants of a whole backbone along relations: enumerated, costed, ranked, written as specs.

In: a backbone's spec, which of its operators to edit and how, budgets. Out: variants that assemble,
with the edits that made them, and short spec files that `check`, `generate`, `verify` and `train`
take like any other. No torch, no networkx.
"""

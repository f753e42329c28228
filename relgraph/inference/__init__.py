"""A trained model for use only: the same function with fewer steps.

In: a program. Out: the program of the inference version, and the steps of arithmetic that make its
tensors of the model's: norms with known statistics folded into the layers beside them, factors and
shifts of layer norms into the layers that read them, biases and masks of attention stored as one
table. `rewrite` and `accepts` decide and need no torch; `weights` computes.
"""

from __future__ import annotations

from relgraph.inference.rewrite import Rewritten, for_inference

__all__ = ["Rewritten", "for_inference"]

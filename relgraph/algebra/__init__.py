"""The algebra of operators: frozen values, what they mean on a map, their laws and their cost.

Pure Python on integers: no torch, no numpy, no YAML, no text of models.
"""

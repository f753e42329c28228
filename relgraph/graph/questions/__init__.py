"""The questions that can be asked of relations, each with a frozen answer.

In: names, paths or keys of operators (or backbones), and a graph where one is needed. Out: answers
that say themselves as lines, as tables and as JSON. Printing is the command line's affair.
"""

"""Elements into elements: copied where they are the same, kept in part where they are alike.

In: two elements and their tensors by local names. Out: `Carried`. An element is never an edge of
the relation graph: one that changes has no exact way, and says so.
"""

from __future__ import annotations

from torch import Tensor

from relgraph.assemble.naming import NORMS
from relgraph.program import Element
from relgraph.transfer.carried import Carried, Tensors
from relgraph.transfer.neutral import PASSING

# What does not change the function of a model in evaluation mode.
_SILENT_ARGUMENTS = {
    "batch_norm": {"init", "momentum"},
    "classifier": set[str](),
    "layer_norm": {"init"},
    "scale": {"init"},
    **{word: {"rate", "follows_block"} for word in PASSING},
}

_COUNTER = "num_batches_tracked"  # of a batch norm: a checkpoint need not have it


def carry_element(
    source: Element, target: Element, tensors: Tensors, fresh: Tensors
) -> Carried | None:
    """What an element's tensors become; None where it has none and its function is the same."""
    if source.word == target.word:
        return _same_word(source, target, tensors, fresh)
    if source.word in NORMS and target.word in NORMS:
        kept = _fitting(tensors, fresh)
        reason = f"{source.word} → {target.word}: another element; its scale and shift are kept"
        return Carried("partial" if kept else "fresh", kept, reason)
    reason = f"{source.word} → {target.word}: another element"
    return Carried("partial", {}, reason)


def _same_word(
    source: Element, target: Element, tensors: Tensors, fresh: Tensors
) -> Carried | None:
    changed = _changed(source, target)
    kept = _fitting(tensors, fresh)
    missing = [name for name in fresh if name not in kept and name != _COUNTER]
    if missing == ["bias"] and not changed - {"bias"} and "bias" not in tensors:
        return Carried("embedding", {**kept, "bias": fresh["bias"] * 0}, "", 0.0)
    if missing:
        placed = _positions(source, target, tensors, fresh)
        return placed or Carried("fresh", {}, _shapes(missing[0], tensors, fresh))
    dropped = [name for name in tensors if name not in kept and name != _COUNTER]
    if changed or dropped:
        words = ", ".join(sorted(changed)) or ", ".join(dropped)
        return Carried("partial", kept, f"{target.word} with another {words}")
    return Carried("copy", kept, error=0.0) if fresh else None


def _positions(
    source: Element, target: Element, tensors: Tensors, fresh: Tensors
) -> Carried | None:
    """Learned vectors of the positions, and of the tokens that both have; those of others fresh."""
    if target.word != "position" or set(tensors) != {"weight"} or set(fresh) != {"weight"}:
        return None
    before, after = tensors["weight"], fresh["weight"]  # (1, T + P, C)
    if source.input.grid != target.input.grid or before.shape[-1] != after.shape[-1]:
        return None
    rows = {name: at for at, name in enumerate(_places(source))}
    made = after.clone()
    for at, name in enumerate(_places(target)):
        if name in rows:
            made[:, at] = before[:, rows[name]]
    reason = "of positions and tokens that both have; those of others start fresh"
    return Carried("partial", {"weight": made}, reason)


def _places(element: Element) -> list[tuple[str, int]]:
    """What each row stands for, tokens of one name counted."""
    tokens = element.input.tokens if element["tokens"] else ()
    numbered = [(name, tokens[:at].count(name)) for at, name in enumerate(tokens)]
    return numbered + [("", at) for at in range(element.input.positions)]


def _changed(source: Element, target: Element) -> set[str]:
    """Arguments that differ and say something about the function."""
    before, after = dict(source.arguments), dict(target.arguments)
    silent = _SILENT_ARGUMENTS.get(target.word, set())
    return {name for name in after if before.get(name) != after[name]} - silent


def _fitting(tensors: Tensors, fresh: Tensors) -> dict[str, Tensor]:
    return {
        name: tensors[name].to(fresh[name].dtype)
        for name in fresh
        if name in tensors and tensors[name].shape == fresh[name].shape
    }


def _shapes(name: str, tensors: Tensors, fresh: Tensors) -> str:
    wanted = tuple(fresh[name].shape)
    if name not in tensors:
        return f"the source has no {name} of {wanted}"
    return f"its {name} is {wanted}, the source's {tuple(tensors[name].shape)}"

"""Trained weights along the edges of the relation graph, from one spec's model to another's.

In: a checkpoint and two backbones. Out: a checkpoint of the second, and a row for every layer that
says how its weights came about: the same function by an exact *embedding*, the nearest by
*projection*, or fresh and why. Importing this module imports no torch; calling its functions does.
"""

from __future__ import annotations

from relgraph.transfer.request import Progress, Transferred, TransferRequest, silent

__all__ = ["TransferRequest", "Transferred", "transfer"]


def transfer(request: TransferRequest, progress: Progress = silent) -> Transferred:
    """Write a checkpoint of `request.after` with the weights of a checkpoint of `request.before`.

    Raises RelgraphError for specs with mistakes, for a checkpoint that does not fit its spec, for a
    path that no weights can take, and for an output that is in the way; nothing is written then.
    `progress` is told what is done now, how many layers or images are done, of how many.
    """
    from relgraph.train.extra import require_training_extra

    require_training_extra()
    from relgraph.transfer.run import run_transfer

    return run_transfer(request, progress)

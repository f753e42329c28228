from __future__ import annotations

import pytest

from relgraph.errors import RelgraphError
from relgraph.train.plan import Plan

PLAN = Plan(images=53, batch_size=12, accumulation=2, epochs=3, seed=5)


def test_an_epoch_takes_whole_batches_of_different_images() -> None:
    assert (PLAN.updates_per_epoch, PLAN.updates, PLAN.micro_batch_size) == (4, 12, 6)
    batches = list(PLAN.micro_batches())
    assert len(batches) == PLAN.updates * PLAN.accumulation
    for epoch in range(3):
        seen = [i for b in batches if b.epoch == epoch for i in b.indices]
        assert len(seen) == len(set(seen)) == 48 and set(seen) <= set(range(53))


def test_epochs_and_seeds_differ_in_order() -> None:
    def order(plan: Plan) -> list[tuple[int, ...]]:
        return [batch.indices for batch in plan.micro_batches()]

    whole = order(PLAN)
    assert whole[:8] != whole[8:16]
    assert whole != order(Plan(53, 12, 2, 3, seed=6))
    assert whole == order(PLAN)


@pytest.mark.parametrize("start", range(13))
def test_starting_at_an_update_gives_the_rest(start: int) -> None:
    assert list(PLAN.micro_batches(start)) == list(PLAN.micro_batches())[start * 2 :]


@pytest.mark.parametrize(("world_size", "accumulation"), [(1, 1), (2, 1), (3, 2), (1, 4)])
def test_the_images_of_an_update_do_not_depend_on_the_processes(
    world_size: int, accumulation: int
) -> None:
    def updates(world_size: int, accumulation: int) -> list[set[int]]:
        ranks = [
            list(Plan(53, 12, accumulation, 3, 5, world_size, rank).micro_batches())
            for rank in range(world_size)
        ]
        return [
            {i for rank in ranks for b in rank[at : at + accumulation] for i in b.indices}
            for at in range(0, len(ranks[0]), accumulation)
        ]

    assert updates(world_size, accumulation) == updates(1, 1)


def test_a_batch_larger_than_the_set_or_indivisible_is_refused() -> None:
    with pytest.raises(RelgraphError, match="a batch of 12 from 11 training images"):
        Plan(11, 12, 1, 1, 0)
    with pytest.raises(RelgraphError, match="12 images over 5 processes"):
        Plan(53, 12, 1, 1, 0, world_size=5)

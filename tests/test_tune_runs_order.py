"""The order of samples: every one once an epoch, every relation at once, nothing to save."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from fencun.tune.runs.order import batch_at, epoch_order

STRATA = st.lists(st.sampled_from("abcde"), min_size=1, max_size=60)


@settings(deadline=None)
@given(STRATA, st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_holds_every_sample_once(strata: list[str], seed: int, epoch: int) -> None:
    order = epoch_order(strata, seed=seed, epoch=epoch)
    assert sorted(order) == list(range(len(strata)))


@settings(deadline=None)
@given(STRATA)
def test_the_first_round_holds_every_relation(strata: list[str]) -> None:
    kinds = set(strata)
    order = epoch_order(strata, seed=0, epoch=0)
    assert {strata[index] for index in order[: len(kinds)]} == kinds


def test_a_run_cut_short_has_seen_relations_in_their_proportions() -> None:
    strata = ["a"] * 80 + ["b"] * 20
    seen = Counter(strata[index] for index in epoch_order(strata, seed=1, epoch=0)[:50])
    assert abs(seen["a"] - 40) <= 1


@settings(deadline=None)
@given(STRATA, st.integers(1, 7), st.integers(0, 8))
def test_batches_run_on_across_epochs(strata: list[str], size: int, step: int) -> None:
    stream = [index for epoch in range(64) for index in epoch_order(strata, seed=2, epoch=epoch)]
    wanted = stream[step * size : (step + 1) * size]
    assert batch_at(strata, seed=2, step=step, size=size) == wanted


def test_seeds_and_epochs_differ() -> None:
    strata = ["a"] * 50
    first = epoch_order(strata, seed=0, epoch=0)
    assert first != epoch_order(strata, seed=1, epoch=0)
    assert first != epoch_order(strata, seed=0, epoch=1)


def test_samples_of_one_group_follow_each_other_in_every_epoch() -> None:
    strata = ["a", "b", "a", "b", "a", "b", "a"]
    groups = ["x", "1", "2", "3", "x", "4", "5"]
    for epoch in range(5):
        order = epoch_order(strata, seed=3, epoch=epoch, groups=groups)
        assert sorted(order) == list(range(7))
        assert abs(order.index(0) - order.index(4)) == 1

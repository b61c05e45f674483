"""The simulation of docs/scale.md, on cases that can be worked out by hand."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from crowd import SPEED, erlang_wait, poisson, simulate, speed_of


def test_one_after_the_other_and_side_by_side() -> None:
    arrivals = [(0.0, [4.0]), (1.0, [4.0])]
    alone = simulate(arrivals, lambda answers: 1.0, places=1, waiting=9)
    assert (alone.waits, alone.whole) == ([0.0, 3.0], [4.0, 7.0])
    shared = simulate(arrivals, lambda answers: 1.0, places=2, waiting=9)
    # Alone for a second, then at half speed: the first ends at 7, the second alone at 8.
    assert shared.waits == [0.0, 0.0]
    assert shared.whole == pytest.approx([7.0, 7.0])


def test_a_writing_ends_with_the_last_of_its_answers_and_needs_a_place_for_each() -> None:
    arrivals = [(0.0, [1.0, 3.0]), (0.0, [1.0, 1.0])]
    told = simulate(arrivals, lambda answers: float(answers), places=3, waiting=9)
    assert (told.waits, told.whole) == ([0.0, 1.0], [2.0, 3.0])


def test_who_comes_to_a_full_line_is_refused() -> None:
    arrivals = [(0.0, [10.0])] * 5
    told = simulate(arrivals, lambda answers: 1.0, places=1, waiting=2)
    assert (told.refused, len(told.whole)) == (2, 3)


def test_waits_are_those_of_erlangs_formula() -> None:
    assert erlang_wait(0.5, 1.0, 1) == pytest.approx(1.0)  # M/M/1: load / (1 - load)
    assert erlang_wait(3.4, 1.0, 4) == pytest.approx(1.149, abs=1e-3)


def test_speed_is_as_measured_at_the_points_and_between_them_otherwise() -> None:
    speed = speed_of(SPEED)
    assert [speed(answers) for answers in SPEED] == list(SPEED.values())
    assert SPEED[64] < speed(100) < SPEED[128]
    assert speed(10_000) == SPEED[256]


def test_arrivals_are_as_many_as_asked_for() -> None:
    arrivals = poisson(20.0, 500.0, [1.0], seed=1, draws=6)
    assert len(arrivals) == pytest.approx(10_000, rel=0.05)
    assert all(len(sizes) == 6 for _, sizes in arrivals)

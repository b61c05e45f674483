"""When a run stops itself: a pure function of what its looks saw."""

import pytest

from fencun.tune.runs.early_stopping import LookMetrics, best_look, reason_to_stop


def _seen(step: int, loss: float, **more: float) -> LookMetrics:
    return LookMetrics(
        step=step,
        loss=loss,
        canary=more.get("canary", 0.0),
        passed=more.get("passed"),
        echoes=more.get("echoes"),
    )


def _english(history: list[LookMetrics], patience: int = 3) -> str:
    reason = reason_to_stop(history, patience)
    return reason[1] if reason else ""


def test_a_run_that_gets_better_goes_on() -> None:
    assert _english([_seen(1, 4.0), _seen(2, 3.9), _seen(3, 3.8)]) == ""


def test_damaged_general_ability_stops_at_once() -> None:
    assert "Everyday answers" in _english([_seen(1, 3.0, canary=0.6)])


@pytest.mark.parametrize(("before", "stops"), [(0.75, True), (0.25, False)])
def test_copying_training_lines_stops_the_second_time(before: float, stops: bool) -> None:
    history = [_seen(1, 4.0, echoes=before), _seen(2, 3.9, echoes=0.5)]
    assert ("repeat training lines" in _english(history)) == stops


def test_a_pass_rate_that_fell_twice_stops() -> None:
    history = [_seen(1, 4.0, passed=0.9), _seen(2, 3.9, passed=0.5), _seen(3, 3.8, passed=0.5)]
    assert "pass rate" in _english(history)
    history[2]["passed"] = 0.7
    assert _english(history) == ""


def test_patience_runs_out() -> None:
    history = [_seen(step, 3.0 if step == 2 else 3.5) for step in range(1, 6)]
    assert "step 2" in _english(history, patience=3)
    assert _english(history, patience=4) == ""


def test_of_equal_looks_the_first_is_kept() -> None:
    assert best_look([_seen(1, 3.5), _seen(2, 3.0), _seen(3, 3.0)])["step"] == 2

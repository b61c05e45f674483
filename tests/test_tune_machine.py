"""The machine that a run finds itself on."""

import os

import pytest

from fencun.tune.machine import look_around, settle_threads


def test_what_is_found_is_there() -> None:
    found = look_around()
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.memory > 1 << 28
    assert (found.device == "cuda") == bool(found.gpu)
    assert found.cpu


def test_a_choice_of_ones_own_for_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    settle_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert os.environ["GOMP_SPINCOUNT"] == "0"

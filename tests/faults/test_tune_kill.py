"""SIGKILL at random steps and inside saves: a resumed run ends in the same bytes.

``FENCUN_KILLS`` says how often; ``make soak`` kills two hundred times.
"""

import multiprocessing
import os
import random
import sys
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from fencun.scenario import Scenario

KILLS = int(os.environ.get("FENCUN_KILLS", "8"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ForkServerContext:
    tests = str(Path(__file__).parents[1])
    monkeypatch.syspath_prepend(tests)
    # The fork server imports by PYTHONPATH alone; without it every child would load torch anew.
    monkeypatch.setenv("PYTHONPATH", tests)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tune_victim"])
    return context


@pytest.fixture
def material(tmp_path: Path, scenario: Scenario) -> Path:
    from tune_tiny import tiny_base, tiny_dataset

    tiny_base(tmp_path / "base")
    tiny_dataset(tmp_path, scenario)
    return tmp_path


def _attempt(
    server: ForkServerContext, material: Path, out: Path, *, event: int = 0, delay: float = 0.0
) -> bool:
    """Run until done or killed; return whether it finished."""
    import tune_victim

    arguments = (str(material), str(out), str(material / "home"), event)
    process = server.Process(target=tune_victim.run, args=arguments)
    process.start()
    if delay:
        process.join(delay)
        if process.is_alive():
            process.kill()
    process.join(120)
    code = process.exitcode
    assert code in (0, -9), f"the run failed by itself: exit code {code}"
    return code == 0


def _ending(out: Path) -> dict[str, bytes]:
    newest = max((out / "checkpoints").glob("step-*"))
    return {
        "best": (out / "best" / "adapter_model.safetensors").read_bytes(),
        "state": (newest / "state.safetensors").read_bytes(),
        "manifest": (newest / "manifest.json").read_bytes(),
    }


@pytest.mark.slow
def test_kills_anywhere_end_in_the_same_bytes(server: ForkServerContext, material: Path) -> None:
    started = time.monotonic()
    assert _attempt(server, material, material / "whole")
    whole_takes = time.monotonic() - started
    expected = _ending(material / "whole")
    rng = random.Random(7)
    kills, round_number = 0, 0
    while kills < KILLS:
        round_number += 1
        out = material / f"run-{round_number}"
        finished = False
        while not finished and kills < KILLS:
            inside = rng.random() < 0.6
            finished = _attempt(
                server,
                material,
                out,
                event=rng.randint(1, 40) if inside else 0,
                delay=0.0 if inside else rng.uniform(0.05, whole_takes),
            )
            kills += not finished
        if not finished:
            assert _attempt(server, material, out)
        assert _ending(out) == expected
        sys.stderr.write(f"{kills} of {KILLS} kills, {round_number} runs ended in the same bytes\n")
    assert kills >= KILLS
    assert not list(material.rglob("*.tmp"))

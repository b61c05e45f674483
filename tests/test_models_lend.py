"""An engine is lent by one program at a time, to its own user, and answers nonsense in a line."""

import asyncio
import json
from pathlib import Path

import pytest

from fencun.models.fake import FakeEngine
from fencun.models.lend import lent
from fencun.models.loan import Loaded, socket_path


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    return Loaded(tmp_path / "model.gguf", (), 2048)


async def test_one_lends_and_a_second_does_not(loaded: Loaded) -> None:
    async with lent(FakeEngine(["好"]), loaded) as first:
        assert first
        assert socket_path().stat().st_mode & 0o777 == 0o600
        async with lent(FakeEngine(["好"]), loaded) as second:
            assert not second
    assert not socket_path().exists()


async def test_a_socket_that_a_killed_program_left_is_taken_over(loaded: Loaded) -> None:
    socket_path().parent.mkdir(parents=True, exist_ok=True)
    socket_path().touch()
    async with lent(FakeEngine(["好"]), loaded) as lends:
        assert lends


async def test_a_request_that_makes_no_sense_is_told_so(loaded: Loaded) -> None:
    async with lent(FakeEngine(["好"]), loaded):
        reader, writer = await asyncio.open_unix_connection(socket_path())
        assert json.loads(await reader.readline())["context"] == 2048
        writer.write(b'{"messages": 3}\n')
        said = (await reader.readline()).decode()
        writer.close()
    assert "makes no sense" in said

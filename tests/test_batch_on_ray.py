"""A batch over a real Ray has the lines of one process, each once."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import chat_server
import pytest
from chat_server import Said, answer
from test_batch import some_rows
from tiny_adapter import write_manifest, write_small

from fencun import __version__, files
from fencun.batch import read_jobs, write_batch
from fencun.batch_on_ray import ready, write_on_cluster
from fencun.errors import FencunError
from fencun.files import write_jsonl
from fencun.models.catalog import catalog
from fencun.open_writer import open_writer
from fencun.ray_cluster import cluster
from fencun.scenario import Scenario


def by_seed(asked: Said) -> bytes:
    return answer(f"老友，过年好，这是第{asked['seed']}号。")


@pytest.mark.slow
@pytest.mark.usefixtures("ray_here")
def test_workers_write_what_one_process_writes(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in.jsonl", some_rows(20))
    jobs, _ = read_jobs(tmp_path / "in.jsonl", scenario)
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    how = {"arm": "bare", "keep": 2, "draws": 3, "seed": 1}

    async def one_process() -> None:
        async with open_writer(scenario) as writer:
            await write_batch(writer, jobs, here, parallel=1, **how)  # type: ignore[arg-type]

    with chat_server.serving(by_seed) as server:
        monkeypatch.setenv("FENCUN_ENDPOINT", server.url)
        monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "m")
        asyncio.run(one_process())
        whole = here.read_bytes()
        there.write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 1])  # was interrupted
        begun = there.read_bytes().count(b"\n")
        told: list[int] = []
        count = write_on_cluster(
            scenario, jobs, there, tell=lambda done, _: told.append(done), **how  # type: ignore[arg-type]
        )  # fmt: skip
        assert (begun + count, told[0], told[-1]) == (20, begun, 20)
        assert there.read_bytes() == whole
        full = tmp_path / "full.jsonl"
        with monkeypatch.context() as broken:
            broken.setattr(files.os, "fsync", _room_for(5))
            with pytest.raises(FencunError, match="写不了"), cluster():
                write_on_cluster(scenario, jobs, full, **how)  # type: ignore[arg-type]
        assert full.read_bytes() == b"".join(whole.splitlines(keepends=True)[:5])
        assert write_on_cluster(scenario, jobs, full, **how) == 15  # type: ignore[arg-type]
        assert full.read_bytes() == whole
    with pytest.raises(FencunError), cluster():  # nobody answers any more
        write_on_cluster(scenario, jobs, tmp_path / "new.jsonl", **how)  # type: ignore[arg-type]
    assert (tmp_path / "new.jsonl").read_bytes() == b""


def _room_for(lines: int) -> Callable[[int], None]:
    """Return an ``fsync`` that finds the disk full after so many lines."""
    left = iter(range(lines))

    def fsync(_: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


@pytest.mark.parametrize("there", ["same", "another", "none"])
def test_a_worker_without_the_same_adapter_is_told(
    scenario: Scenario, tmp_path: Path, there: str
) -> None:
    base = catalog().models["qwen2.5-coder-0.5b"]
    folder = tmp_path / scenario.name
    shutil.copytree(scenario.folder, folder, ignore=shutil.ignore_patterns("adapter", "verifier"))
    sha256 = ""
    if there != "none":
        (folder / "adapter").mkdir()
        write_small(folder / "adapter" / "adapter.gguf")
        write_manifest(folder / "adapter", base=base.name, base_sha256=base.sha256)
        sha256 = files.sha256_file(folder / "adapter" / "adapter.gguf")
    asked = {"version": __version__, "base": base.name, "adapter": sha256 or "0" * 64}
    if there == "another":
        asked["adapter"] = "0" * 64
    if there == "same":
        assert ready(asked, str(folder), scenario.name) == asked
        return
    with pytest.raises(FencunError, match=base.name):
        ready(asked, str(folder), scenario.name)

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from tiny_adapter import write_manifest, write_small

from fencun.adapter import VERIFIER, WRITER, read_adapter, shipped_adapter
from fencun.errors import ModelError
from fencun.models.catalog import catalog
from fencun.scenario import load_scenario

MANIFEST = {"base": "qwen2.5-coder-1.5b", "base_sha256": "a" * 64, "sha256": "b" * 64, "steps": 9}


@pytest.mark.parametrize("folder", [WRITER, VERIFIER])
def test_what_ships_is_whole(folder: str) -> None:
    assert (
        shipped_adapter(load_scenario("spring_festival"), "qwen2.5-coder-1.5b", folder) is not None
    )


def test_without_a_manifest_there_is_no_adapter(tmp_path: Path) -> None:
    write_small(tmp_path / "adapter.gguf")
    assert read_adapter(tmp_path) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_adapter_is_read_from_its_manifest(tmp_path: Path, dtype: object) -> None:
    write_small(tmp_path / "adapter.gguf", dtype=dtype)
    write_manifest(tmp_path, scale=0.8, steps=9)
    adapter = read_adapter(tmp_path)
    assert adapter is not None
    assert adapter.scale == 0.8
    assert adapter.gguf == tmp_path / "adapter.gguf"


def test_what_readers_said_of_an_adapter_is_told_by_length(tmp_path: Path) -> None:
    write_small(tmp_path / "adapter.gguf")
    write_manifest(tmp_path, sendable={"一句话": 0.72, "长": 0.05})
    adapter = read_adapter(tmp_path)
    assert adapter is not None
    assert "一句话 72% · 长 5%" in adapter.strengths
    assert [adapter.mostly_fails(length) for length in ("一句话", "长", "没读过的")] == [
        False,
        True,
        False,
    ]
    write_manifest(tmp_path)
    unread = read_adapter(tmp_path)
    assert unread is not None
    assert unread.strengths == ""
    assert not unread.mostly_fails("长")


@pytest.mark.parametrize(
    "manifest", ["{", "[]", "{}", *(json.dumps({**MANIFEST, "scale": s}) for s in (9, math.nan))]
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    write_small(tmp_path / "adapter.gguf")
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ModelError, match="读不了"):
        read_adapter(tmp_path)


def test_missing_weights_are_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    with pytest.raises(ModelError, match=r"adapter\.gguf"):
        read_adapter(tmp_path)


def test_every_byte_counts_also_after_it_was_read_once(tmp_path: Path) -> None:
    path = write_small(tmp_path / "adapter.gguf")
    write_manifest(tmp_path)
    assert read_adapter(tmp_path) is not None
    before = path.stat()
    whole = path.read_bytes()
    for at in (5, len(whole) // 2, len(whole) - 1):
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([whole[at] ^ 1]))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # even with its old time
        with pytest.raises(ModelError, match="对不上"):
            read_adapter(tmp_path)
        path.write_bytes(whole)
        assert read_adapter(tmp_path) is not None


def test_an_adapter_for_another_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    scenario = load_scenario("spring_festival").model_copy(update={"folder": tmp_path})
    base = catalog().models["qwen2.5-coder-0.5b"]
    (tmp_path / "adapter").mkdir()
    write_small(tmp_path / "adapter" / "adapter.gguf")
    write_manifest(tmp_path / "adapter", base=base.name, base_sha256=base.sha256)
    assert shipped_adapter(scenario, base.name) is not None
    assert shipped_adapter(scenario, "qwen3-8b") is None
    write_manifest(tmp_path / "adapter", base=base.name)
    with pytest.raises(ModelError, match="另一个"):
        shipped_adapter(scenario, base.name)

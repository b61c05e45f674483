"""The engine that the user chose is the one that opens."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_adapter import write_small

from fencun import files
from fencun.errors import ModelError
from fencun.home import models_dir
from fencun.models.catalog import catalog
from fencun.models.embedded import EmbeddedEngine
from fencun.models.endpoint import EndpointEngine
from fencun.models.installed import path_of, receipt_path
from fencun.models.open import open_engine


def gguf(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF...")
    return path


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str | None], Path]:
    """Put a file in the place of a catalog model; the catalog pins its hash, or another."""

    def put(name: str, sha256: str | None = "") -> Path:
        entry = catalog().find(name)
        path = gguf(path_of(entry))
        right = hashlib.sha256(path.read_bytes()).hexdigest()
        changed = entry.model_copy(update={"sha256": right if sha256 == "" else sha256})
        monkeypatch.setitem(catalog().models, name, changed)
        return path

    return put


Pinned = Callable[..., Path]


async def test_a_fetched_model_opens_embedded(pinned: Pinned, tmp_path: Path) -> None:
    pinned("qwen2.5-coder-0.5b")
    engine = open_engine("qwen2.5-coder-0.5b", adapters=[write_small(tmp_path / "adapter.gguf")])
    assert isinstance(engine, EmbeddedEngine)
    assert (engine.name, engine.has_adapter, engine.pid) == ("qwen2.5-coder-0.5b", True, None)
    await engine.aclose()


async def test_a_model_with_a_flipped_byte_does_not_open(pinned: Pinned) -> None:
    path = pinned("qwen2.5-coder-0.5b")
    await open_engine("qwen2.5-coder-0.5b").aclose()
    told = path.stat()
    path.write_bytes(b"GGUF..!")
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    with pytest.raises(ModelError, match=r"对不上.*fencun model fetch qwen2\.5-coder-0\.5b"):
        open_engine("qwen2.5-coder-0.5b")


async def test_where_the_catalog_pins_nothing_the_hash_of_the_fetch_counts(pinned: Pinned) -> None:
    path = pinned("qwen3-8b", None)
    await open_engine("qwen3-8b").aclose()
    receipt_path(path).write_text(json.dumps({"name": "qwen3-8b", "sha256": "0" * 64}))
    with pytest.raises(ModelError, match="对不上"):
        open_engine("qwen3-8b")


async def test_a_file_is_hashed_once_as_long_as_it_is_not_touched(
    pinned: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    real = files.sha256_file
    monkeypatch.setattr(files, "sha256_file", lambda path: (hashed.append(path), real(path))[1])
    path = pinned("qwen2.5-coder-0.5b")
    for _ in range(2):
        await open_engine("qwen2.5-coder-0.5b").aclose()
    assert len(hashed) == 1
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    await open_engine("qwen2.5-coder-0.5b").aclose()
    assert len(hashed) == 2
    (models_dir() / ".verified.json").write_text('[{"a": 1}]')
    await open_engine("qwen2.5-coder-0.5b").aclose()
    assert len(hashed) == 3


async def test_an_adapter_without_weights_does_not_open(pinned: Pinned, tmp_path: Path) -> None:
    pinned("qwen2.5-coder-0.5b")
    with pytest.raises(ModelError, match="成对"):
        open_engine("qwen2.5-coder-0.5b", adapters=[write_small(tmp_path / "a.gguf", halves="")])


async def test_what_is_not_fetched_says_how() -> None:
    with pytest.raises(ModelError, match=r"fencun model fetch qwen2\.5-coder-1\.5b"):
        open_engine()


async def test_an_adapter_that_is_not_there_is_told(pinned: Pinned, tmp_path: Path) -> None:
    pinned("qwen2.5-coder-1.5b")
    with pytest.raises(ModelError, match="none"):
        open_engine(adapters=[tmp_path / "none.gguf"])


async def test_endpoints_by_url_and_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine("http://127.0.0.1:1/v1#Qwen/Qwen3-8B")
    assert isinstance(engine, EndpointEngine)
    assert engine.name == "Qwen/Qwen3-8B"
    await engine.aclose()
    monkeypatch.setenv("FENCUN_ENDPOINT", "http://127.0.0.1:1/v1")
    with pytest.raises(ModelError, match="FENCUN_ENDPOINT_MODEL"):
        open_engine()
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "qwen-plus")
    engine = open_engine()
    assert engine.name == "qwen-plus"
    await engine.aclose()


async def test_an_endpoint_takes_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="适配器"):
        open_engine("http://127.0.0.1:1/v1#m", adapters=[gguf(tmp_path / "a.gguf")])

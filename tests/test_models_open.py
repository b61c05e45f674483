"""The engine that the user chose is the one that opens."""

from pathlib import Path

import pytest

from fencun.errors import ModelError
from fencun.models.embedded import EmbeddedEngine
from fencun.models.endpoint import EndpointEngine
from fencun.models.open import open_engine


def gguf(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF...")
    return path


async def test_a_fetched_model_opens_embedded(own_home: Path, tmp_path: Path) -> None:
    gguf(own_home / "models" / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
    engine = open_engine("qwen2.5-coder-0.5b", adapters=[gguf(tmp_path / "adapter.gguf")])
    assert isinstance(engine, EmbeddedEngine)
    assert (engine.name, engine.has_adapter, engine.pid) == ("qwen2.5-coder-0.5b", True, None)
    await engine.aclose()


async def test_what_is_not_fetched_says_how() -> None:
    with pytest.raises(ModelError, match=r"fencun model fetch qwen2\.5-coder-1\.5b"):
        open_engine()


async def test_an_adapter_that_is_not_there_is_told(own_home: Path, tmp_path: Path) -> None:
    gguf(own_home / "models" / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
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

"""A model server that cannot start says why, at once."""

import asyncio
from pathlib import Path

import pytest

from fencun.errors import EngineError
from fencun.models.process import ServerProcess, ServerSettings


def settings(model: Path) -> ServerSettings:
    return ServerSettings(model, (), parallel=1, context=256, threads=1)


def test_a_file_that_is_no_model_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF, it says")
    with pytest.raises(EngineError, match="启动不了"):
        asyncio.run(ServerProcess.start(settings(tmp_path / "model.gguf"), timeout_s=60))


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"0\.01 s"):
        asyncio.run(ServerProcess.start(settings(tmp_path / "model.gguf"), timeout_s=0.01))

import json
from pathlib import Path

import pytest

from fencun.adapter import read_adapter
from fencun.errors import ModelError

MANIFEST = {"base": "qwen2.5-coder-1.5b", "base_sha256": "a" * 64, "sha256": "b" * 64, "steps": 9}


def test_without_a_manifest_there_is_no_adapter(tmp_path: Path) -> None:
    (tmp_path / "adapter.gguf").write_bytes(b"GGUF")
    assert read_adapter(tmp_path) is None


def test_an_adapter_is_read_from_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "adapter.gguf").write_bytes(b"GGUF")
    (tmp_path / "manifest.json").write_text(json.dumps({**MANIFEST, "scale": 0.8}))
    adapter = read_adapter(tmp_path)
    assert adapter is not None
    assert adapter.scale == 0.8
    assert adapter.gguf == tmp_path / "adapter.gguf"


@pytest.mark.parametrize("manifest", ["{", "[]", "{}", json.dumps({**MANIFEST, "scale": 9})])
def test_a_malformed_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "adapter.gguf").write_bytes(b"GGUF")
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ModelError, match="读不了"):
        read_adapter(tmp_path)


def test_missing_weights_are_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    with pytest.raises(ModelError, match=r"adapter\.gguf"):
        read_adapter(tmp_path)

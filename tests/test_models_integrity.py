"""A file is hashed once, and again when it has changed."""

import os
from pathlib import Path

import pytest

from fencun import files
from fencun.errors import ModelError
from fencun.models import integrity


def test_a_file_is_hashed_once_and_again_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    hashed = files.sha256_file
    monkeypatch.setattr(files, "sha256_file", lambda path: read.append(path) or hashed(path))
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    first = integrity.hash_of(path)
    assert integrity.hash_of(path) == first == hashed(path)
    assert len(read) == 1
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert integrity.hash_of(path) != first
    assert len(read) == 2


def test_another_hash_than_the_recorded_one_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    integrity.require_hash(path, files.sha256_file(path), ("", ""))
    with pytest.raises(ModelError, match=r"对不上.*重新下载"):
        integrity.require_hash(path, "0" * 64, ("重新下载。", "Fetch it again."))
    with pytest.raises(ModelError, match="打不开"):
        integrity.hash_of(tmp_path / "none.gguf")


def test_a_look_is_remembered_only_where_it_found_nothing(tmp_path: Path) -> None:
    path, looks = tmp_path / "a.gguf", list[Path]()
    path.write_bytes(b"one")

    def refuse(path: Path) -> None:
        looks.append(path)
        raise ModelError("坏了", "broken")

    for _ in range(2):
        with pytest.raises(ModelError):
            integrity.require_sound(path, refuse)
    for _ in range(2):
        integrity.require_sound(path, looks.append)
    assert len(looks) == 3


def test_a_memory_that_is_damaged_costs_time_only(tmp_path: Path, own_home: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"one")
    first = integrity.hash_of(path)
    (own_home / "models" / ".verified.json").write_text("[", encoding="utf-8")
    assert integrity.hash_of(path) == first

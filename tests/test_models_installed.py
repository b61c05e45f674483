"""Which model is in use, and where it is."""

from pathlib import Path

import pytest

from fencun.errors import ModelError
from fencun.models.catalog import catalog
from fencun.models.installed import chosen, is_fetched, locate, path_of, receipt_of, use


def put(path: Path, data: bytes = b"GGUF...") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_default_is_used_until_someone_chooses(own_home: Path) -> None:
    assert chosen() == "qwen2.5-coder-1.5b"
    light = catalog().find("qwen2.5-coder-0.5b")
    put(path_of(light))
    assert use(light.name).path == path_of(light)
    assert chosen() == light.name
    assert locate() == use(light.name)


def test_the_environment_goes_before_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    put(path_of(catalog().find("qwen2.5-coder-0.5b")))
    use("qwen2.5-coder-0.5b")
    monkeypatch.setenv("FENCUN_MODEL", "qwen3-8b")
    assert chosen() == "qwen3-8b"
    with pytest.raises(ModelError, match="fencun model fetch qwen3-8b"):
        locate()


def test_a_file_of_ones_own(tmp_path: Path, own_home: Path) -> None:
    path = put(tmp_path / "我的模型.gguf")
    found = use(str(path))
    assert (found.name, found.path, found.entry) == ("我的模型", path, None)
    assert locate() == found


def test_what_is_no_model_is_refused_and_changes_nothing(tmp_path: Path, own_home: Path) -> None:
    page = put(tmp_path / "page.gguf", b"<html>")
    for wanted, words in (
        (str(page), "不是 GGUF"),
        (str(tmp_path / "none.gguf"), "打不开"),
        ("qwen3-8b", "还没有下载"),
        ("gpt-5", "没有"),
    ):
        with pytest.raises(ModelError, match=words):
            use(wanted)
    assert not (own_home / "model.json").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"model": 3}', '{"model": ""}', "\xff"])
def test_a_broken_choice_says_how_to_mend_it(own_home: Path, text: str) -> None:
    (own_home / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match="fencun model use"):
        chosen()


def test_receipts_are_optional(own_home: Path) -> None:
    model = catalog().find("qwen3-8b")
    assert not is_fetched(model)
    path = put(path_of(model))
    assert is_fetched(model)
    assert receipt_of(path) is None
    path.with_name(f"{path.name}.json").write_text("[]")
    assert receipt_of(path) is None
    path.with_name(f"{path.name}.json").write_text('{"source": "ModelScope"}')
    assert receipt_of(path) == {"source": "ModelScope"}

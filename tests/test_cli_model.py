"""``fencun model``: what a person and a program read."""

import json
from collections.abc import Iterator
from pathlib import Path

import model_hub
import pytest
from model_hub import Hub, entry, model_bytes
from typer.testing import CliRunner

from fencun.cli.model import app
from fencun.errors import FetchError, ModelError
from fencun.models import catalog as catalog_module
from fencun.models.catalog import Catalog

DATA = model_bytes(200_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one tiny model, which is all that the catalog knows."""
    tiny = entry(DATA)
    loose = tiny.model_copy(update={"name": "loose", "file": "loose.gguf", "sha256": None})
    known = Catalog(default="tiny", models={"tiny": tiny, "loose": loose})
    monkeypatch.setattr(catalog_module, "catalog", lambda: known)
    monkeypatch.setattr("fencun.models.installed.catalog", lambda: known)
    with model_hub.serving() as hub:
        for file in ("tiny.gguf", "loose.gguf"):
            hub.files[f"/models/Test/Tiny-GGUF/resolve/master/{file}"] = DATA
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        yield hub


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_fetch_then_use_then_info(hub: Hub, own_home: Path) -> None:
    assert "哈希与目录一致" in run("fetch")
    listed = json.loads(run("list", "--json"))
    assert listed["in_use"] == "tiny"
    assert [row["fetched"] for row in listed["models"]] == [True, False]
    assert "tiny" in run("use", "tiny")
    info = json.loads(run("info", "--json"))
    assert info["path"] == str(own_home / "models" / "tiny.gguf")
    assert info["receipt"]["source"] == "ModelScope"
    assert "使用中" in run("list")


def test_a_program_reads_json(hub: Hub) -> None:
    got = json.loads(run("fetch", "tiny", "--json"))
    assert (got["name"], got["pinned"], got["source"]) == ("tiny", True, "ModelScope")
    assert got["sha256"] == entry(DATA).sha256
    assert json.loads(run("use", "tiny", "--json"))["name"] == "tiny"


def test_what_nobody_has_checked_says_so(hub: Hub) -> None:
    text = run("fetch", "loose")
    assert "没法核对" in text
    assert str(entry(DATA).sha256) in text


def test_a_file_of_ones_own_is_listed_and_shown(hub: Hub, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(DATA)
    run("use", str(mine))
    assert str(mine) in run("list")
    assert json.loads(run("info", "--json"))["size"] == len(DATA)


def test_the_environment_wins_and_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    run("fetch")
    monkeypatch.setenv("FENCUN_MODEL", "loose")
    result = CliRunner().invoke(app, ["use", "tiny"])
    assert "FENCUN_MODEL" in result.output


def test_errors_go_up_to_the_command_line(hub: Hub) -> None:
    runner = CliRunner()
    assert isinstance(runner.invoke(app, ["fetch", "nothing"]).exception, ModelError)
    hub.files.clear()
    failed = runner.invoke(app, ["fetch"])
    assert isinstance(failed.exception, FetchError)
    assert "从 ModelScope 下载 tiny" in failed.output

"""Where things live: under FENCUN_HOME, in folders that are made when they are needed."""

from pathlib import Path

import pytest

from fencun.home import home, models_dir, runs_dir, scenarios_dir


def test_everything_is_under_one_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FENCUN_HOME", str(tmp_path / "here"))
    assert home() == tmp_path / "here"
    assert {models_dir().parent, runs_dir().parent} == {home()}
    assert not home().exists()


def test_the_person_s_own_cache_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FENCUN_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".cache" / "fencun"
    monkeypatch.setenv("FENCUN_HOME", "~/fencun")
    assert home() == tmp_path / "fencun"


def test_the_shipped_scenarios_are_there() -> None:
    assert (scenarios_dir() / "spring_festival" / "scenario.yaml").is_file()

"""``fencun scenario``: made, looked over, chosen and listed."""

import json
from pathlib import Path

import pytest
from cli_case import run

from fencun.author.new import make
from fencun.scenario import load_scenario


def test_check_shows_the_prompt_of_each_arm_and_ends_badly_where_something_is_wrong() -> None:
    folder = make("mine")
    good = run("scenario", "check", "mine")
    assert good.exit_code == 0, good.output
    assert "—— 写法 bare 给模型看的" in good.output
    assert "写给谁：小林\n" in good.output
    assert "开头叫“小林”" in good.output
    assert "能用；" in good.output
    (folder / "prompt.md").unlink()
    told = run("scenario", "check", str(folder))
    assert told.exit_code == 1
    assert "✗ 读不了提示词" in told.output
    assert "1 处要改" in told.output
    assert "给模型看的" not in told.output  # a prompt of what is wrong would mislead
    bad = json.loads(run("scenario", "check", str(folder), "--json").output)
    assert bad["advice"][0]["weight"] == "wrong"
    assert bad["prompts"] == {}


def test_check_takes_its_scenario_in_either_way() -> None:
    make("mine", title="我的话")
    for told in (("mine",), ("--scenario", "mine")):
        assert json.loads(run("scenario", "check", *told, "--json").output)["scenario"] == "mine"
    assert "春节祝福" in run("scenario", "check").output.splitlines()[0]


def test_new_makes_it_in_a_folder_and_lets_it_be_the_one_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = run("scenario", "new", "note", "--from", "reply", "--title", "回信", "--out", ".")
    assert made.exit_code == 0, made.output
    assert "fencun scenario check" in made.output
    assert load_scenario().title == "回信"
    assert "* " + str(tmp_path / "note") in run("scenario", "list").output
    told = json.loads(run("scenario", "new", "mine", "--json").output)
    assert (told["name"], told["in_use"]) == ("mine", "mine")
    assert load_scenario(told["folder"]).name == "mine"


def test_what_is_chosen_is_in_use_unless_one_is_nearer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = run("scenario", "use", "thanks")
    assert "以后用“感谢信”（thanks）" in chosen.output
    assert chosen.stderr == ""
    assert "* thanks  感谢信" in run("scenario", "list").output
    near = make("note", folder=tmp_path)
    monkeypatch.chdir(near)
    assert "更近" in run("scenario", "use", "birthday").stderr
    rows = json.loads(run("scenario", "list", "--json").output)
    assert [row["name"] for row in rows if row["in_use"]] == [str(near)]


def test_one_that_is_broken_is_listed_with_what_to_do() -> None:
    folder = make("mine")
    (folder / "scenario.yaml").write_text("name: [", encoding="utf-8")
    listed = run("scenario", "list")
    assert listed.exit_code == 0
    assert f"mine  （读不了：fencun scenario check {folder}）" in listed.output


def test_keys_are_told_in_the_language_of_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "别名要在末尾" in run("scenario", "keys").output
    monkeypatch.setenv("FENCUN_LANG", "en")
    assert "whether an alias must stand at the end" in run("scenario", "keys").output

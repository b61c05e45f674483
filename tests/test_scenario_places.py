"""Which scenario is meant: by name, by folder, by where one works, or by what was chosen."""

from pathlib import Path

import pytest

from fencun.author.new import make
from fencun.home import home
from fencun.scenario import flag, in_use, reference, scenario_names
from fencun.scenario.places import SHIPPED, find, use


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with no scenario at or above it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_a_folder_and_a_file_are_one_place() -> None:
    folder = make("mine")
    file = folder / "scenario.yaml"
    assert find("mine") == find(folder) == find(str(file)) == file
    assert find("spring_festival").parent.name == "spring_festival"


def test_a_folder_beside_the_working_folder_goes_before_a_name_of_this_machine(
    elsewhere: Path,
) -> None:
    near = make("thanks", folder=elsewhere)
    assert find("thanks").parent == near
    assert find("birthday").parent.parent != elsewhere


def test_what_is_not_there_is_still_told_as_a_place(elsewhere: Path) -> None:
    assert find("nobody").name == "scenario.yaml"
    assert find(elsewhere / "nobody") == elsewhere / "nobody" / "scenario.yaml"
    assert find("~/gone.yaml") == (Path.home() / "gone.yaml").resolve()


def test_own_ones_are_listed_after_those_that_ship() -> None:
    shipped = scenario_names()
    assert shipped == sorted(shipped)
    make("a_first")
    make("mine")
    assert scenario_names() == [*shipped, "a_first", "mine"]


def test_a_choice_holds_until_another_and_one_that_cannot_be_read_is_none() -> None:
    assert in_use() == SHIPPED
    mine = make("mine")
    assert (use(mine), in_use()) == ("mine", "mine")
    (home() / "scenario").write_bytes(b"\xff\xfe")
    assert in_use() == SHIPPED
    (home() / "scenario").write_text("\n", encoding="utf-8")
    assert in_use() == SHIPPED


def test_a_scenario_elsewhere_is_chosen_by_its_folder(elsewhere: Path) -> None:
    deep = elsewhere / "deep"
    folder = make("thanks", folder=deep)  # called as one of ours, and not it
    assert reference(folder) == use(folder) == str(folder)
    assert find() == folder / "scenario.yaml"


def test_a_hint_adds_the_flag_only_where_another_would_be_meant(elsewhere: Path) -> None:
    mine, far = make("mine"), make("far", folder=elsewhere / "a b")
    assert flag(mine) == " --scenario mine"
    assert flag(far) == f" --scenario '{far}'"  # as a shell takes it
    use(mine)
    assert flag(mine) == ""


def test_a_working_folder_that_is_gone_is_no_fault(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = elsewhere / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert in_use() == SHIPPED

"""The walk through the code is true: every file that it names exists, in both languages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("architecture.md", "architecture.zh-CN.md")
_NAMED = re.compile(r"`([\w/.-]+(?:/|\.(?:py|md|yaml|toml|lock)))`")


def named(page: str) -> list[str]:
    """Return the files and folders that ``page`` names, in order, names with a blank left out."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [name for name in _NAMED.findall(text) if "NAME" not in name and "MODULE" not in name]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    names = named(page)
    assert len(set(names)) > 80
    for name in names:
        places = (ROOT / name, ROOT / "src" / "fencun" / name)
        assert any(place.exists() for place in places), name


def test_both_languages_walk_the_same_way() -> None:
    assert named(PAGES[0]) == named(PAGES[1])


@pytest.mark.parametrize("page", PAGES)
def test_two_pages_are_enough(page: str) -> None:
    assert len((ROOT / "docs" / page).read_text(encoding="utf-8").split("\n")) < 150

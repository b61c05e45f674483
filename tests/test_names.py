"""A name is kept in one line, of what can be shown, and short."""

import pytest

from fencun.names import tidy_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" 小\t王 \n", "小 王"),
        ("老\x00张\u202e", "老张"),
        ("a" * 99, "a" * 40),
        ("b" * 39 + " c", "b" * 39),
        ("\x07\n ", ""),
    ],
)
def test_a_name_as_it_is_kept(typed: str, kept: str) -> None:
    assert tidy_name(typed) == kept

import pytest

from fencun.numerals import read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("80", 80), ("十", 10), ("八十", 80), ("两百五", 250), ("一百零五", 105),
     ("三万", 30000), ("一万二千三百", 12300), ("千", 1000), ("二十", 20), ("廿", 20),
     ("廿三", 23), ("卅", 30), ("伍拾", 50), ("壹佰贰拾", 120)],
)  # fmt: skip
def test_numbers_are_read_in_both_scripts(text: str, number: int) -> None:
    assert read_number(text) == number

import pytest

from fencun.numerals import in_figures, is_one_number, read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("80", 80), ("十", 10), ("八十", 80), ("两百五", 250), ("一百零五", 105),
     ("三万", 30000), ("一万二千三百", 12300), ("千", 1000), ("二十", 20), ("廿", 20),
     ("廿三", 23), ("卅", 30), ("伍拾", 50), ("壹佰贰拾", 120)],
)  # fmt: skip
def test_numbers_are_read_in_both_scripts(text: str, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text", ["80", "八", "一二〇", "两百五", "一百零五", "廿三", "一万二千三百"]
)
def test_one_number(text: str) -> None:
    assert is_one_number(text)


@pytest.mark.parametrize("text", ["五六", "五十六十", "八十一百", "五六七十", "一百二百"])
def test_several_numbers_are_not_one(text: str) -> None:
    assert not is_one_number(text)


def test_english_numbers_are_written_in_figures() -> None:
    said = "at least sixty-five, a hundred and twenty, seventeen or two hundred; none of everyone"
    assert in_figures(said) == "at least 65, 120, 17 or 200; none of everyone"

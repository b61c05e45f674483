import pytest

from fencun.length import UnclearError, parse_length


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        # an upper end
        ("50字以内", 25, 50),
        ("50字内", 25, 50),
        ("50字以內", 25, 50),
        ("不超过一百二", 60, 120),
        ("不多于50字", 25, 50),
        ("不要超过六十个字", 30, 60),
        ("小于50字", 24, 49),
        ("不到一百字", 49, 99),
        ("最多不超过50字", 25, 50),
        ("大约50字以内", 25, 50),
        ("小于等于50字", 25, 50),
        ("限50字", 25, 50),
        ("50字封顶", 25, 50),
        ("字数：６０字以内", 30, 60),
        ("别太长，50字以内", 25, 50),
        ("50 characters max", 25, 50),
        ("no more than 50 characters", 25, 50),
        ("<=60", 30, 60),
        # a lower end
        ("至少60字", 60, 90),
        ("不少于80字", 80, 120),
        ("不得少於八十字", 80, 120),
        ("不低于80", 80, 120),
        ("不下八十字", 80, 120),
        ("80字以上", 80, 120),
        ("超过50字", 51, 76),
        ("不止80字", 81, 121),
        ("大于等于80字", 80, 120),
        ("80+", 80, 120),
        ("上百字", 100, 150),
        ("at least 80 characters", 80, 120),
        # both
        ("至少50最多80字", 50, 80),
        ("不少于50字，但不超过80字", 50, 80),
        ("50字以上80字以内", 50, 80),
        ("大于50小于80", 51, 79),
        ("60-100", 60, 100),
        ("50－80字", 50, 80),
        ("50—80字", 50, 80),
        ("５０～８０字", 50, 80),
        ("50一80字", 50, 80),
        ("六十到一百字", 60, 100),
        ("五十字至八十字之间", 50, 80),
        ("介于50和80之间", 50, 80),
        ("between 50 and 80 characters", 50, 80),
        ("80字左右，不少于70", 70, 96),
        # about
        ("100", 80, 120),
        ("50个汉字", 40, 60),
        ("八十字左右", 64, 96),
        ("约八十字", 64, 96),
        ("半百", 40, 60),
        ("百来字", 80, 120),
        ("百把字", 80, 120),
        # vague
        ("几十字", 20, 99),
        ("十几个字", 11, 19),
        ("二十多字", 21, 29),
        ("二十几字", 21, 29),
        ("一百多字", 101, 199),
        ("三十余字", 31, 39),
        ("三五十字", 30, 50),
        ("五六十字", 50, 60),
        ("五、六十字", 50, 60),
        ("十五六个字", 15, 16),
        ("两三百字", 200, 300),
        ("百八十字", 80, 100),
        ("一百八十字", 144, 216),
        ("一百二三十字", 120, 130),
        ("廿字", 16, 24),
        ("80字出头", 80, 96),
        # sentences
        ("三四句", 42, 80),
        ("三句以内", 30, 60),
        ("一两句话就好", 14, 40),
        ("一句话，20字以内", 10, 20),
    ],
)
def test_lengths_in_numbers(typed: str, low: int, high: int) -> None:
    asked = parse_length(typed)
    assert asked is not None
    assert asked.closed() == (low, high)


@pytest.mark.parametrize(
    ("typed", "low", "high"),
    [
        ("250字以上", 250, 300),
        ("不超过500字", 150, 300),
        ("几百字", 200, 300),
        ("5000-6000", 5000, 6000),
    ],
)
def test_what_can_be_written_bounds_what_was_asked(typed: str, low: int, high: int) -> None:
    asked = parse_length(typed)
    assert asked is not None
    assert asked.closed(300) == (low, high)


@pytest.mark.parametrize(
    "typed",
    ["至少80最多50", "50字以外", "非50字", "每句七个字", "50/80", "80字、50字", "两句半", "30秒",
     "五十字的藏头诗", "50 words", "至少至多50字", "三段，每段20字", "80-50字"],
)  # fmt: skip
def test_what_is_not_wholly_understood_is_not_guessed(typed: str) -> None:
    with pytest.raises(UnclearError):
        parse_length(typed)


@pytest.mark.parametrize("typed", ["短一点", "", "不限", "一段", "随便", "越长越好"])
def test_no_number_is_no_length(typed: str) -> None:
    assert parse_length(typed) is None

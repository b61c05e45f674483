"""What Typer says by itself is said in the language of the process."""

import os

import pytest
from cli_case import fencun

from fencun.cli.chinese import refusal, translated


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (
            ["scenario", "chek"],
            "没成：没有 'chek' 这个命令。是不是 'check'？",
            "Error: No such comm",
        ),
        (["scenario", "new"], "没成：少了参数 'name'。", "Error: Missing argument 'name'."),
        (
            ["scenario", "check", "--foo"],
            "没成：没有 --foo 这个选项。",
            "Error: No such option: --foo",
        ),
        (["scenario", "new", "a", "b"], "没成：多了 b。", "Error: Got unexpected extra argument"),
        (["data", "plan", "x"], "没成：'count' 不对：要写整数", "Error: Invalid value for 'count'"),
        (["token", "add", "x", "--days"], "没成：--days 后面要写内容。", "Error: Option '--days'"),
        (["scenario"], "用法：", "Usage: "),
    ],
)
def test_a_refusal_speaks_one_language(arguments: list[str], zh: str, en: str) -> None:
    for language, said, other in (("zh", zh, "Error: "), ("en", en, "没成")):
        ended = fencun(*arguments, env={**os.environ, "FENCUN_LANG": language})
        told = ended.stdout + ended.stderr
        assert said in told
        assert other not in told
        assert ended.returncode == 2


@pytest.mark.parametrize(
    ("said", "zh"),
    [
        ("No such option: --titl Did you mean --title?", "没有 --titl 这个选项。是不是 --title？"),
        ("No such option: -x (Possible options: -a)", "没有 -x 这个选项。是不是 -a？"),
        ("Invalid value for '--n': 5 is not in the range x>=9.", "'--n' 不对：5 不在 x>=9 之内。"),
        ("Error: Invalid value: 写上内容。", "没成：写上内容。"),
        ("  --n <int>  几条  [default: 3; x>=0]", "  --n <int>  几条  [默认：3; x>=0]"),
        ("  n <int>  [1<=x<=9; required]", "  n <int>  [1<=x<=9; 必填]"),
        ("  NAME  名字  [required]", "  NAME  名字  [必填]"),
        ("  -h  Show this message\n      and exit.", "  -h  显示这一页。"),
    ],
)  # fmt: skip
def test_what_was_said_is_translated_in_a_chinese_process_only(
    said: str, zh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LANG", "zh")
    assert translated(said) == zh
    monkeypatch.setenv("FENCUN_LANG", "en")
    assert translated(said) == said


def test_an_error_that_is_not_of_typing_is_left_alone() -> None:
    assert refusal(ValueError("x")) == ""

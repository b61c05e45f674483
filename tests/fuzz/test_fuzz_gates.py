"""Any text under any brief: no exception, offsets inside the text, time linear in the text."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError
from fencun.gates import Gates
from fencun.scenario import load_scenario

_SCENARIO = load_scenario("spring_festival")
_GATES = Gates(_SCENARIO)
_PIECES = st.sampled_from(
    re.split(
        " ",
        "您 你 你们 王老师 ， 。 ！ “ ” 「 」 - * 【 】 ( ) < > | 马年 2027年 二〇二七年 2月6日"
        " 除夕 愿你 祝您 万事如意 离婚 走了 三十年 哈哈"
        " <think> <|im_end|> 😀 在这个 不仅 更 —— 你的 XX"
        " \n \t \ud800 \x00 \u200d",
    )
)
_TEXT = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=st.characters(), max_size=60),
    st.lists(_PIECES, max_size=60).map("".join),
)
_SALUTATION = st.text(
    alphabet=st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12
)
_RELATIONS = st.sampled_from([c.value for c in _SCENARIO.dimension("relation").choices])


def _brief(salutation: str, relation: str, detail: str) -> Brief | None:
    try:
        return parse_brief(
            _SCENARIO, {"salutation": salutation, "relation": relation, "detail": detail}
        )
    except BriefError:
        return None


@given(text=_TEXT, salutation=_SALUTATION, relation=_RELATIONS, detail=_TEXT.map(lambda t: t[:120]))
def test_any_text_under_any_brief(text: str, salutation: str, relation: str, detail: str) -> None:
    brief = _brief(salutation, relation, detail)
    if brief is None:
        return
    found = _GATES.check(text, brief)
    assert found == _GATES.check(text, brief)
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities, reverse=True), "faults come first"
    for finding in found:
        assert finding.gate in _GATES.names
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.zh.endswith("。")
        assert "\n" not in finding.zh


@pytest.mark.parametrize(
    "unit",
    [
        *"\n 你“一愿<【-*(a😀[{（\ufffd",
        *("哈哈", "愿你", "“你”", "王老师", "不仅", "二〇", "1月", "\n-", "\n ", "<|"),
        *("😀\u200d", "在这个", "我是", "高三晚自习", "祝您身体健康", "一年"),
    ],
)
def test_no_text_is_slow(unit: str) -> None:
    brief = _brief("王老师", "老师导师", "高三晚自习后常留下来给我讲数学题，我在北京写程序")
    assert brief is not None
    text = (unit * 4000)[:4000]
    _GATES.check(text[:100], brief)
    started = time.process_time()
    _GATES.check(text, brief)
    assert time.process_time() - started < 0.5

"""Whatever is typed is understood or refused with a sentence; nothing else ever comes out."""

from hypothesis import given
from hypothesis import strategies as st

from fencun.brief import parse_brief
from fencun.errors import BriefError
from fencun.length import UnclearError, parse_length
from fencun.numerals import read_number
from fencun.scenario import load_scenario
from fencun.script import plain

_SCENARIO = load_scenario("spring_festival")
plain("讀一遍表")  # the table of characters is made once, before anybody looks at the clock
_KNOWN = [d.name for d in _SCENARIO.dimensions]
_WORDS = sorted(
    {n for d in _SCENARIO.dimensions for n in d.names} | {"的", "别太", "一点", "字以内", "八十"}
)
_TYPED = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(_WORDS), max_size=5).map("".join),
    st.sampled_from(_WORDS),
)
_FIELDS = st.dictionaries(
    st.sampled_from(_KNOWN) | st.text(max_size=8), _TYPED | st.none() | st.integers(), max_size=8
)


@given(_FIELDS)
def test_any_request(raw: dict[str, object]) -> None:
    try:
        brief = parse_brief(_SCENARIO, raw)
    except BriefError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert 0 < len(refused.zh) < 400
        assert refused.en
        return
    assert len(brief.lines().splitlines()) == len(_KNOWN)
    assert brief.length is not None
    assert brief.person in ("您", "你", "你们", "any")
    for dimension in _SCENARIO.dimensions:
        if dimension.choices:
            assert dimension.choice(brief.values[dimension.name])


@given(st.text(alphabet="零〇一二两三四五六七八九十百千万0123456789", min_size=1, max_size=12))
def test_any_number(text: str) -> None:
    if text.isdecimal() or not any(char.isdecimal() for char in text):
        assert read_number(text) >= 0


@given(_TYPED)
def test_any_length(typed: str) -> None:
    try:
        asked = parse_length(typed)
    except UnclearError:
        return
    if asked is not None:
        low, high = asked.closed(300)
        assert 1 <= low <= high

"""A new text beside the lines there are: what it repeats is named, and marked in the text."""

import pytest

from fencun.data.likeness import overlaps
from fencun.data.overlap import OVERLAP, OverlapIndex

LINE = "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷。"


@pytest.fixture(scope="module")
def index() -> OverlapIndex:
    return OverlapIndex([("s1", LINE), ("s2", "爸，新年好，茶泡上了。")])


def test_what_is_repeated_is_named_and_marked(index: OverlapIndex) -> None:
    text = "婶，窗台上那盆水仙开了！我初三来看您。"
    (finding,) = index.check(text)
    assert (finding.gate, finding.severity) == ("overlap", "fault")
    assert "s1" in finding.zh
    assert text[finding.start : finding.end] == "窗台上那盆水仙开了"


def test_a_line_does_not_repeat_itself_where_it_is_ignored(index: OverlapIndex) -> None:
    assert index.check(LINE)
    assert index.check(LINE, ignored=("s1",)) == []
    assert index.check("叔，给您拜个早年，路上慢点开。") == []


@pytest.mark.parametrize("kept", [0, 7, 9, 20])
def test_one_text_is_measured_as_whole_files_are(index: OverlapIndex, kept: int) -> None:
    text = LINE[:kept] + "我给婶子也带了一袋冬笋，搁在门口的竹篮里了，记得尝尝。"
    found = overlaps([LINE, text], OVERLAP)
    assert [f"{pair.degree:.0%}" in finding.zh for pair, finding in zip(
        found, index.check(text), strict=True
    )] == [True] * len(found)  # fmt: skip

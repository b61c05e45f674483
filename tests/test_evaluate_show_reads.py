"""What reads say, in rows and sentences; an AI is never passed off as people."""

from typing import Any

from fencun.evaluate.show_reads import kind_title, rows, sentences, share

HALF = {"share": 0.5, "low": 0.3, "high": 0.7, "total": 24, "count": 12}
ALPHA = {"value": 0.61}
AGREED = {
    "pairs": 9, "same_grade": 0.6, "same_send": 0.8, "alpha_send": ALPHA, "alpha_grade": ALPHA,
}  # fmt: skip


def arm(**more: Any) -> dict[str, Any]:
    names = ("single", "mended", "first", "one_of_three", "one_of_all", "named", "verifier")
    return {**dict.fromkeys(names), "lengths": {}, "sensitive": {}, "faults": {}, **more}


def test_who_read_is_said_plainly() -> None:
    assert "是 AI，不是人；这些不是票" in kind_title("ai", ["m"])
    assert kind_title("person", ["老周", "小李"]).startswith("审读人 老周, 小李（人）")


def test_a_row_is_shown_where_any_arm_has_it() -> None:
    shown = dict(rows({"bare": arm(single=HALF), "tuned": arm(lengths={"短": {"first": HALF}})}))
    assert shown["单条能照发"] == [share(HALF), "–"]
    assert shown["短 · 第一条能照发"] == ["–", "50% (30%-70%) / 24"]
    assert "三条里有一条" not in shown


def test_differences_agreement_and_tails_are_sentences() -> None:
    found = {
        "kinds": {"ai": {"differences": [
            {"a": "tuned", "b": "bare", "first": None,
             "single": {"difference": 0.25, "low": 0.1, "high": 0.4, "briefs": 26}}
        ]}},
        "readers": [{"reader": "m", "kind": "ai", "twice": AGREED}],
        "agreement": None,
        "tails": {"tuned": [
            {"phrase": "好好歇歇", "share": 0.1, "count": 5, "ending": 4, "training": 0.002}
        ]},
    }  # fmt: skip
    difference, twice, tail = sentences(found)
    assert "tuned − bare = +25 (+10…+40) 个百分点，26 条需求" in difference
    assert twice.startswith("m（AI） 读两遍的：9 对，等级相同 60%")
    assert "“好好歇歇”在 10% 的文字里" in tail
    assert "训练文字里 0.2%" in tail

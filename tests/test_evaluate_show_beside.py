"""What stands beside a verdict, in tables; a machine is called one."""

from fencun.evaluate.beside import Beside
from fencun.evaluate.clusters import ClusteredShare
from fencun.evaluate.facts import Background, Facts
from fencun.evaluate.screening import Helped, Screening
from fencun.evaluate.show_beside import people_tables, read_tables
from fencun.evaluate.style import AtEqualStyle, Controlled

HALF = ClusteredShare(40, 0.5, 0.4, 0.6, 0.2)


def told(*judges: Screening) -> Beside:
    return Beside(None, None, {}, {}, judges, None)


def test_without_votes_a_machine_only_screens() -> None:
    judge = Screening("m", 30, 0.9, None, (Helped("tuned", "bare", 30, 0.7, None, None, 0.0, 0),))
    (table,) = read_tables(told(judge))
    assert table.title == "m 是机器，不是人；读了 30 对，这些不是票。"
    assert table.rows == (("tuned 胜 bare", ("70%", "–", "–", "–")),)
    assert "两个次序说得一样：90%" in table.note
    assert "证据不够" in table.note


def test_with_votes_it_says_how_often_it_sides_with_people() -> None:
    judge = Screening("m", 30, 0.9, HALF, (Helped("tuned", "bare", 30, 0.7, HALF, HALF, 0.5, 55),))
    (table,) = read_tables(told(judge))
    assert table.rows[0][1] == ("70%", "50% (40–60)", "50% (40–60)", "40 → 55")
    assert table.note.endswith("和人站一边：50% (40–60)。")


def test_where_nothing_was_read_there_is_no_table() -> None:
    assert list(read_tables(told())) == []


def test_where_arm_and_length_are_one_no_share_is_told_and_it_says_why() -> None:
    length = AtEqualStyle("tuned", "bare", 0.6, 0.5, 0.7)
    style = AtEqualStyle("tuned", "bare", None, 0.0, 1.0)
    found = Controlled((length,), (style,), None, {"bare": 40.0, "tuned": 60.0})
    facts = Facts(Background({"tuned": "tuned"}), 0.95)
    (table,) = people_tables(facts, Beside(found, None, {}, {}, (), None))
    assert table.rows == (("tuned 胜 bare", ("–", "60% (50–70)", "分不开")),)
    assert "看不出人选的是组还是长短" in table.note

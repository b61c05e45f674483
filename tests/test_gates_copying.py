from gate_case import asked, marked

from fencun.gates.copying import CopyingGate
from fencun.scenario import Scenario

_DETAIL = "高三晚自习后他常留下来给我讲数学题，我现在在北京写程序"


def test_using_a_detail_is_not_copying_it(scenario: Scenario) -> None:
    text = (
        "王老师，今晚加班改完最后一个错，想起高三晚自习后您在走廊上给我讲数列，粉笔灰落了一袖子。"
    )
    assert marked(CopyingGate(), text, asked(scenario, detail=_DETAIL)) == []


def test_a_long_run_is_copied(scenario: Scenario) -> None:
    text = "王老师，高三晚自习后他常留下来给我讲数学题。"
    brief = asked(scenario, detail=_DETAIL)
    assert marked(CopyingGate(), text, brief) == [("fault", "高三晚自习后他常留下来给我讲数学题")]


def test_a_detail_said_to_whom_it_is_about_may_stay_close(scenario: Scenario) -> None:
    text = "王老师，高三晚自习后您常留下来给我讲数学题，我记着。"
    brief = asked(scenario, detail=_DETAIL)
    assert marked(CopyingGate(), text, brief) == [("doubt", "常留下来给我讲数学题，我")]


def test_pieces_that_make_up_most_of_the_detail_are_doubtful(scenario: Scenario) -> None:
    brief = asked(scenario, detail="我妈腰不好，还总抢着拎菜，谁劝都不听")
    text = "王老师，腰不好，还是总抢着拎菜，怎么谁劝都不听。"
    assert marked(CopyingGate(), text, brief) == [("doubt", "总抢着拎菜，")]


def test_a_short_detail_may_be_said(scenario: Scenario) -> None:
    brief = asked(scenario, detail="合作两年")
    assert marked(CopyingGate(), "王老师，合作两年，给您拜年。", brief) == []

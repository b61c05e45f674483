"""What is wrong with a line only because of another names that other."""

from data_case import line

from fencun.data.across import look_across
from fencun.scenario import Scenario


def test_a_copy_is_told_of_whom(scenario: Scenario) -> None:
    text = "妈，窗台上那盆水仙开了，给您拜年，您歇着，锅我刷，碗也我刷。"
    lines = [line(scenario, "s1", text), line(scenario, "s2", text.replace("水仙", "蟹爪兰"))]
    (finding,) = look_across(lines)[1]
    assert finding.gate in ("near", "overlap")
    assert "s1" in finding.zh

"""The gates over many lines: the same verdict as alone, and no work done twice."""

from data_case import line

from fencun.data.gate_cache import GateCache
from fencun.gates import Gates
from fencun.scenario import Scenario

BAD = "妈，祝您身体健康、万事如意、阖家欢乐。"


def test_what_was_judged_is_remembered_with_its_brief(scenario: Scenario) -> None:
    judge = GateCache(scenario)
    one, same = line(scenario, "s1", BAD), line(scenario, "s2", BAD)
    other = line(scenario, "s3", BAD, length="中")
    assert judge(one) == Gates(scenario).check(one.text, one.brief)
    assert judge(same) is judge(one)
    assert judge(other) is not judge(one), "another brief, another judgement"
    assert "length" in {finding.gate for finding in judge(other)}

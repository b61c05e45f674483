"""The ways to divide the data."""

from fencun.brief import parse_brief
from fencun.data.axes import typing_of
from fencun.data.coverage import Coverage, Spot
from fencun.scenario import Scenario


def line(scenario: Scenario, topic: str = "", **values: str) -> Spot:
    given = {
        "salutation": "妈", "relation": "父母", "detail": "", "occasion": "小年",
        "style": "真诚走心", "length": "短",
    } | values  # fmt: skip
    return Spot(parse_brief(scenario, given, strict=True), topic)


def test_tact_and_the_way_details_are_typed_are_axes(scenario: Scenario) -> None:
    coverage = Coverage(scenario, [line(scenario), line(scenario, "重病", detail="她住院了")])
    assert coverage.along("tact")["重病"] == coverage.along("tact")["无"] == 1
    assert coverage.along("typing") == {"空": 1, "短": 1, "一般": 0, "啰嗦": 0}
    assert typing_of("字" * 41) == "啰嗦"

"""The map counts what is there, names what is missing, and reads in any light."""

import pytest

from fencun.brief import parse_brief
from fencun.data.axes import axes
from fencun.data.coverage import Coverage, Spot, gaps
from fencun.data.lines import read_lines
from fencun.data.targets import Targets
from fencun.scenario import Scenario


def line(scenario: Scenario, topic: str = "", **values: str) -> Spot:
    given = {
        "salutation": "妈", "relation": "父母", "detail": "", "occasion": "小年",
        "style": "真诚走心", "length": "短",
    } | values  # fmt: skip
    return Spot(parse_brief(scenario, given, strict=True), topic)


def test_every_axis_adds_up_to_all_lines(scenario: Scenario) -> None:
    lines = read_lines([scenario.folder / "seeds.jsonl"], scenario).lines
    coverage = Coverage(scenario, lines)
    assert coverage.total == len(lines) == 648
    for axis in axes(scenario):
        assert sum(coverage.along(axis.name).values()) == 648
    table = coverage.table("relation", "occasion")
    counted = sum(
        line.brief.values["relation"] == "客户" and line.brief.values["occasion"] == "开工"
        for line in lines
    )
    row = table.rows.values.index("客户")
    assert table.counts[row][table.columns.values.index("开工")] == counted
    assert sum(table.row_sums) == sum(table.column_sums) == table.total == 648


def test_a_thin_cell_says_how_many_to_write(scenario: Scenario) -> None:
    lines = [line(scenario, relation=r.value) for r in scenario.dimension("relation").choices]
    found = gaps(Coverage(scenario, lines), Targets(), at_least=2)
    told = [str(gap) for gap in found]
    assert "再写两条：岳父母公婆 × 除夕" in told
    assert "再写一条：岳父母公婆 × 小年" in told
    assert len(found) == 26 * 13
    assert found[0].have == 0, "the emptiest come first"


def test_shares_decide_and_what_is_ruled_out_wants_nothing(scenario: Scenario) -> None:
    targets = Targets(
        shares={"style": {"真诚走心": 0.5}},
        never=({"relation": ("客户",), "style": ("俏皮调侃",)},),
    )
    wants = {
        tuple(value for _, value in gap.values): gap.want
        for gap in gaps(Coverage(scenario), targets, over=("relation", "style"), size=26_000)
    }
    assert wants["父母", "真诚走心"] == 500
    assert wants["父母", "俏皮调侃"] == 71
    assert ("客户", "俏皮调侃") not in wants
    of_clients = sum(want for (relation, _), want in wants.items() if relation == "客户")
    assert of_clients == pytest.approx(1000, abs=8), "clients as such are not rarer for it"

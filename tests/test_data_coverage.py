"""The map counts what is there, names what is missing, and reads in any light."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fencun.brief import parse_brief
from fencun.data.axes import axes, typing_of
from fencun.data.coverage import Coverage, Spot, hungry
from fencun.data.heatmap import heatmap
from fencun.data.lines import read_lines
from fencun.data.targets import Targets, load_targets
from fencun.errors import ScenarioError
from fencun.scenario import Scenario

_SVG = "{http://www.w3.org/2000/svg}"


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


def test_tact_and_the_way_details_are_typed_are_axes(scenario: Scenario) -> None:
    coverage = Coverage(scenario, [line(scenario), line(scenario, "重病", detail="她住院了")])
    assert coverage.along("tact")["重病"] == coverage.along("tact")["无"] == 1
    assert coverage.along("typing") == {"空": 1, "短": 1, "一般": 0, "啰嗦": 0}
    assert typing_of("字" * 41) == "啰嗦"


def test_a_hungry_cell_says_how_many_to_write(scenario: Scenario) -> None:
    lines = [line(scenario, relation=r.value) for r in scenario.dimension("relation").choices]
    found = hungry(Coverage(scenario, lines), Targets(), at_least=2)
    told = [str(hunger) for hunger in found]
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
        tuple(value for _, value in hunger.values): hunger.want
        for hunger in hungry(Coverage(scenario), targets, over=("relation", "style"), size=26_000)
    }
    assert wants["父母", "真诚走心"] == 500
    assert wants["父母", "俏皮调侃"] == 71
    assert ("客户", "俏皮调侃") not in wants
    of_clients = sum(want for (relation, _), want in wants.items() if relation == "客户")
    assert of_clients == pytest.approx(1000, abs=8), "clients as such are not rarer for it"


def test_the_shipped_targets_are_read(scenario: Scenario) -> None:
    targets = load_targets(scenario)
    for axis in axes(scenario):
        assert sum(targets.along(axis.name, axis.values).values()) == pytest.approx(1)
    assert not targets.allows({"relation": "客户", "style": "俏皮调侃"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shares: {mood: {好: 0.1}}", "mood"),
        ("shares: {length: {特长: 0.1}}", "特长"),
        ("shares: {length: {短: 0.8, 中: 0.8}}", "more than 1"),
        ("never: [{style: [严肃]}]", "严肃"),
        ("shares: [", "targets.yaml"),
    ],
)
def test_wrong_targets_are_refused(
    scenario: Scenario, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=said):
        load_targets(scenario, path)


def _cells(svg: str) -> Iterator[tuple[str, str]]:
    for element in ElementTree.fromstring(svg).iter():
        if element.get("role") == "cell" and (title := element.find(f"{_SVG}title")) is not None:
            yield title.text or "", "".join(t.text or "" for t in element.iter(f"{_SVG}text"))


def test_the_picture_holds_every_number_and_name(scenario: Scenario) -> None:
    coverage = Coverage(scenario, [line(scenario), line(scenario), line(scenario, relation="客户")])
    table = coverage.table("relation", "occasion")
    cells = dict(_cells(heatmap(table, "图", wants={("客户", "小年"): 3})))
    assert len(cells) == 26 * 13
    assert cells["父母 × 小年：2 条"] == "2"
    assert cells["客户 × 小年：1 条，还差 2 条"] == "1"


def test_a_picture_in_a_page_needs_no_style_sheet(scenario: Scenario) -> None:
    table = Coverage(scenario, [line(scenario)]).table("relation", "style")
    inside, alone = heatmap(table, "图"), heatmap(table, "图", alone=True)
    assert "<style" not in inside
    assert 'style="' not in inside
    assert "prefers-color-scheme: dark" in alone


def test_titles_and_links_are_escaped(scenario: Scenario) -> None:
    coverage = Coverage(scenario, [line(scenario)])
    svg = heatmap(coverage.table("relation", "length"), "<b>&", href=lambda r, c: f'?a={r}&b={c}"')
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "<b>&"
    assert next(a.get("href") for a in root.iter(f"{_SVG}a")) == '?a=父母&b=一句话"'


def test_cells_that_are_ruled_out_are_dashes(scenario: Scenario) -> None:
    targets = Targets(never=({"relation": ("客户",), "style": ("俏皮调侃",)},))
    coverage = Coverage(scenario, [line(scenario)])
    cells = dict(_cells(heatmap(coverage.table("relation", "style"), "图", targets=targets)))
    assert cells["客户 × 俏皮调侃：0 条"] == "—"


def test_a_map_in_english(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_LANG", "en")
    svg = heatmap(Coverage(scenario, [line(scenario)]).table("relation", "occasion"), "Map")
    assert "parents × Little New Year: 1" in dict(_cells(svg))

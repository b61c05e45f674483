"""The map of coverage as a picture."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from fencun.brief import parse_brief
from fencun.data.coverage import Coverage, Spot
from fencun.data.heatmap import heatmap
from fencun.data.targets import Targets
from fencun.scenario import Scenario

_SVG = "{http://www.w3.org/2000/svg}"


def line(scenario: Scenario, topic: str = "", **values: str) -> Spot:
    given = {
        "salutation": "妈", "relation": "父母", "detail": "", "occasion": "小年",
        "style": "真诚走心", "length": "短",
    } | values  # fmt: skip
    return Spot(parse_brief(scenario, given, strict=True), topic)


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

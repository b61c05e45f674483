"""The data card is true: every figure it gives is measured again here."""

import re
from collections import Counter
from pathlib import Path

import pytest

from fencun.data.coverage import Coverage
from fencun.data.heatmap import heatmap
from fencun.data.lines import Line, read_lines
from fencun.data.split import PARTS
from fencun.data.stats import Stats, measure
from fencun.data.targets import load_targets
from fencun.scenario import Scenario

CARDS = ("README.md", "README.zh-CN.md")


@pytest.fixture(scope="module")
def parts(scenario: Scenario) -> dict[str, list[Line]]:
    folder = scenario.folder / "dataset"
    return {part: read_lines([folder / f"{part}.jsonl"], scenario).lines for part in PARTS}


@pytest.fixture(scope="module")
def lines(parts: dict[str, list[Line]]) -> list[Line]:
    return [line for part in parts.values() for line in part]


@pytest.fixture(scope="module")
def stats(scenario: Scenario, lines: list[Line]) -> Stats:
    return measure(scenario, lines)


@pytest.fixture(params=CARDS)
def card(request: pytest.FixtureRequest, scenario: Scenario) -> str:
    return (scenario.folder / request.param).read_text(encoding="utf-8")


def test_the_table_of_parts(card: str, parts: dict[str, list[Line]]) -> None:
    for part, lines in parts.items():
        families = {getattr(line.record, "family", "") for line in lines}
        seeds = sum(line.parent is None for line in lines)
        tact = sum(bool(line.topic) for line in lines)
        empty = sum(not line.brief.value("detail") for line in lines)
        row = f"| {part} | {len(lines):,} | {len(families)} | {seeds} | {tact} | {empty} |"
        assert row in card


def test_the_table_of_lengths(card: str, stats: Stats) -> None:
    assert len(stats.lengths) == 4
    for row in stats.lengths:
        assert f"| {row.lines:,} | {row.least} | {row.median:g} | {row.most} |" in card


def test_the_counts_of_styles_details_and_tact(
    card: str, scenario: Scenario, lines: list[Line], stats: Stats
) -> None:
    coverage = Coverage(scenario, lines)
    for name in ("style", "typing"):
        for count in coverage.along(name).values():
            assert re.search(rf"(?<![\d,]){count:,}(?![\d,]*\d)", card), (name, count)
    told = sum(row.lines for row in stats.tact)
    unspoken, light = sum(r.unspoken for r in stats.tact), sum(r.light for r in stats.tact)
    assert sum(row.named for row in stats.tact) == 0
    for figure in (told, unspoken, light):
        assert re.search(rf"\D{figure} ", card), figure
    assert f"{stats.tact_share:.1%}".replace("%", " %") in card


def test_the_table_of_variety(card: str, stats: Stats) -> None:
    formula = dict(stats.formulas)["过年好"]
    for share in (stats.openings[0][1], formula, stats.endings[0][1]):
        assert f"| {100 * share:.2f} % |" in card
    assert f"| {100 * stats.likeness['most']:.1f} % |" in card
    assert f"| {100 * stats.likeness['mean']:.1f} % |" in card
    distinct = [f"{share:.3f}" for share in stats.distinct.values()]
    assert ", ".join(distinct) in card or "、".join(distinct) in card
    assert stats.cliches_per_thousand == 0


@pytest.mark.parametrize(
    ("name", "language"), [("coverage.zh-CN.svg", "zh"), ("coverage.svg", "en")]
)
def test_the_map_is_that_of_the_dataset(
    scenario: Scenario, lines: list[Line], name: str, language: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("FENCUN_LANG", language)
    table = Coverage(scenario, lines).table("relation", "occasion")
    drawn = heatmap(table, "", targets=load_targets(scenario), alone=True)
    shipped = (scenario.folder / "dataset" / name).read_text(encoding="utf-8")
    count = re.compile(r'role="cell"[^>]*aria-label="[^"]*?(\d+)(?: 条)?[",，]')
    assert count.findall(shipped) == count.findall(drawn)
    assert len(count.findall(drawn)) == 26 * 13


def test_both_cards_say_how_it_was_made(scenario: Scenario) -> None:
    english, chinese = ((scenario.folder / name).read_text(encoding="utf-8") for name in CARDS)
    assert "with the help of AI; **not yet reviewed by a panel of people**" in english
    assert "有 AI 帮忙；**还没有经过一组真人的审阅**" in chinese
    assert "CC BY 4.0" in english
    assert "CC BY 4.0" in chinese
    for image in re.findall(r"\]\((dataset/[^)]+)\)", english + chinese):
        assert (Path(scenario.folder) / image).is_file()


def test_nowhere_are_lines_said_to_be_written_by_hand(scenario: Scenario) -> None:
    """The card tells how they were written; everything else says what the card says."""
    card = (scenario.folder / "README.md").read_text(encoding="utf-8")
    assert "with the help of AI" in card
    root = Path(__file__).parents[1]
    pages = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("src/fencun/**/*.py")]
    for page in (*pages, *root.glob("src/fencun/**/*.html")):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"hand-?written|手写", text, re.IGNORECASE), page


def test_the_counts_of_plain_lines(card: str, scenario: Scenario) -> None:
    folder = scenario.folder / "plain"
    parts = ("train", "shown", "validation", "freer")
    read = {part: read_lines([folder / f"{part}.jsonl"], scenario) for part in parts}
    assert not any(reading.bad for reading in read.values())
    for part, reading in read.items():
        assert f"{len(reading.lines):,}" in card, part
    lengths = Counter(line.brief.value("length") for line in read["train"].lines)
    assert all(f"{count:,}" in card for count in lengths.values())
    families = {
        part: {getattr(line.record, "family", "") for line in reading.lines}
        for part, reading in read.items()
    }
    assert not (families["train"] | families["shown"]) & families["validation"]

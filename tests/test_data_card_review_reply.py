"""The second data card is true: every figure it gives is measured again here."""

import re
from collections import Counter

import pytest

from fencun.brief import parse_brief
from fencun.data.coverage import Coverage
from fencun.data.dataset import read_manifest
from fencun.data.heatmap import heatmap
from fencun.data.lines import Line, read_lines
from fencun.data.privacy import find_private
from fencun.data.split import PARTS
from fencun.data.stats import Stats, measure
from fencun.data.targets import load_targets
from fencun.files import read_jsonl, sha256_file
from fencun.grams import grams
from fencun.scenario import Scenario, load_scenario

CARDS = ("README.md", "README.zh-CN.md")
_SHARED = 12  # characters that two reviews may have in common by chance


@pytest.fixture(scope="module")
def reply() -> Scenario:
    return load_scenario("review_reply")


@pytest.fixture(scope="module")
def parts(reply: Scenario) -> dict[str, list[Line]]:
    folder = reply.folder / "dataset"
    return {part: read_lines([folder / f"{part}.jsonl"], reply).lines for part in PARTS}


@pytest.fixture(scope="module")
def lines(parts: dict[str, list[Line]]) -> list[Line]:
    return [line for part in parts.values() for line in part]


@pytest.fixture(scope="module")
def stats(reply: Scenario, lines: list[Line]) -> Stats:
    return measure(reply, lines)


@pytest.fixture(params=CARDS)
def card(request: pytest.FixtureRequest, reply: Scenario) -> str:
    return (reply.folder / str(request.param)).read_text(encoding="utf-8")


def test_the_dataset_is_built_from_these_lines(reply: Scenario, lines: list[Line]) -> None:
    manifest = read_manifest(reply.folder / "dataset")
    assert manifest["samples"] == len(lines)
    for name, known in manifest["inputs"].items():
        assert sha256_file(reply.folder / name) == known, name


def test_the_table_of_parts(card: str, parts: dict[str, list[Line]]) -> None:
    for part, lines in parts.items():
        families = {getattr(line.record, "family", "") for line in lines}
        seeds = sum(line.parent is None for line in lines)
        tact = sum(bool(line.topic) for line in lines)
        told = sum(not line.brief.values["facts"] for line in lines)
        assert f"| {part} | {len(lines)} | {len(families)} | {seeds} | {tact} | {told} |" in card


def test_how_many_there_are(card: str, lines: list[Line]) -> None:
    told = [len(lines), sum(line.parent is None for line in lines)]
    told += [told[0] - told[1], sum(not line.brief.values["facts"] for line in lines)]
    told += [sum(bool(line.brief.values[name]) for line in lines) for name in ("customer", "shop")]
    for count in told:
        assert re.search(rf"(?<!\d){count}(?!\d)", card), count


def test_the_table_of_lengths(card: str, stats: Stats) -> None:
    assert len(stats.lengths) == 3
    for row in stats.lengths:
        assert f"| {row.lines} | {row.least} | {row.median:g} | {row.most} |" in card


@pytest.mark.parametrize("name", ["platform", "fault", "remedy", "tone"])
def test_the_counts_of_every_choice(reply: Scenario, lines: list[Line], name: str) -> None:
    english, chinese = ((reply.folder / path).read_text(encoding="utf-8") for path in CARDS)
    counts = Counter(line.brief.values[name] for line in lines)
    for choice in reply.dimension(name).choices:
        assert f"{choice.value} {counts[choice.value]}" in chinese
        assert f"{choice.en} {counts[choice.value]}" in english


def test_tact_and_variety(card: str, stats: Stats) -> None:
    told = sum(row.lines for row in stats.tact)
    unspoken, light = sum(r.unspoken for r in stats.tact), sum(r.light for r in stats.tact)
    assert sum(row.named for row in stats.tact) == 0
    for figure in (told, unspoken, light):
        assert re.search(rf"(?<!\d){figure} ", card), figure
    assert f"{stats.tact_share:.1%}".replace("%", " %") in card
    for share in (stats.openings[0][1], stats.endings[0][1]):
        assert f"| {100 * share:.2f} % |" in card
    for formulas in (stats.openings, stats.formulas, stats.endings):
        assert formulas[0][1] <= 0.04
    assert f"| {100 * stats.likeness['most']:.1f} % |" in card
    assert f"| {100 * stats.likeness['mean']:.1f} % |" in card
    distinct = [f"{share:.3f}" for share in stats.distinct.values()]
    assert ", ".join(distinct) in card or "、".join(distinct) in card
    assert stats.cliches_per_thousand == 0


def test_nothing_private_stands_in_it(lines: list[Line]) -> None:
    for line in lines:
        assert not find_private(" ".join([line.text, *line.brief.values.values()])), line.id


def test_the_test_briefs_are_of_other_reviews(reply: Scenario, lines: list[Line]) -> None:
    known = {gram for line in lines for gram in grams(line.brief.value("detail"), _SHARED)}
    rows = [row for _, row in read_jsonl(reply.folder / "briefs.jsonl") if isinstance(row, dict)]
    assert len(rows) == 50
    for row in rows:
        brief = parse_brief(reply, row, strict=True)
        assert not known.intersection(grams(brief.value("detail"), _SHARED)), row


@pytest.mark.parametrize(
    ("name", "language"), [("coverage.zh-CN.svg", "zh"), ("coverage.svg", "en")]
)
def test_the_map_is_that_of_the_dataset(
    reply: Scenario, lines: list[Line], name: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENCUN_LANG", language)
    table = Coverage(reply, lines).table("platform", "fault")
    drawn = heatmap(table, "", targets=load_targets(reply), alone=True)
    shipped = (reply.folder / "dataset" / name).read_text(encoding="utf-8")
    count = re.compile(r'role="cell"[^>]*aria-label="[^"]*?(\d+)(?: 条)?[",，]')
    assert count.findall(shipped) == count.findall(drawn)
    assert len(count.findall(drawn)) == 8 * 6


def test_both_cards_say_how_it_was_made(reply: Scenario) -> None:
    english, chinese = ((reply.folder / name).read_text(encoding="utf-8") for name in CARDS)
    assert "with the help of AI; **not yet reviewed by a panel of people**" in english
    assert "有 AI 帮忙；**还没有经过一组真人的审阅**" in chinese
    assert "CC BY 4.0" in english
    assert "CC BY 4.0" in chinese

"""The report: self-contained, the verdict first, nothing rendered that was only said."""

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluate_study import Engines, answered_study
from test_evaluate_probes import speak
from typer.testing import CliRunner

from fencun.cli import app_for
from fencun.evaluate import chart, figures
from fencun.evaluate.probes import summarise
from fencun.evaluate.probing import probe_all
from fencun.evaluate.records import Opinion, Vote
from fencun.evaluate.report import write_report
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge

VOID = {"meta", "line", "circle", "rect", "polyline", "br", "link", "img", "input"}


class Balance(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await answered_study(tmp_path, monkeypatch)


def voted(study: Study, raters: int, *, left: str = "tuned", right: str = "prompt") -> None:
    """Freeze made-up votes into a made-up study: they prefer ``left`` every time."""
    answers = study.by_arm()
    votes = [
        Vote(
            id=f"v{rater}-{number}",
            rater=f"r{rater}",
            name=f"<b>小王 {rater}</b>",
            brief=brief,
            left=left if (rater + number) % 2 else right,
            right=right if (rater + number) % 2 else left,
            left_hash=answers[left if (rater + number) % 2 else right][brief].hash,
            right_hash=answers[right if (rater + number) % 2 else left][brief].hash,
            choice="left" if (rater + number) % 2 else "right",
            left_opinion=Opinion(reasons=("cliche",)),
            right_opinion=Opinion(send=True),
            seconds=1.0 if rater == 0 else 20.0,
        )
        for rater in range(raters)
        for number, brief in enumerate(answers[left])
    ]
    study.freeze_votes(votes)


def page_of(study: Study) -> tuple[str, str, Balance]:
    html, markdown = write_report(study)
    text = html.read_text(encoding="utf-8")
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    return text, markdown.read_text(encoding="utf-8"), parser


def test_without_votes_the_report_says_so_first(study: Study) -> None:
    text, markdown, parser = page_of(study)
    assert text.index("证据不够：还差") < text.index("投票前定下的规则")
    assert markdown.startswith("# 证据不够：还差")
    assert "还没有人投票" in text
    assert "fencun eval probe" in text
    loaded = [tag for tag, attributes in parser.seen if {"src", "href"} & set(attributes)]
    assert set(loaded) <= {"a"}
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text)


def test_votes_and_probes_are_shown_with_their_numbers(study: Study) -> None:
    voted(study, 6)
    answers = asyncio.run(probe_all(study, [], "quick", opener=Engines(speak)))
    summarise(study, answers, "quick")
    text, markdown, parser = page_of(study)
    drawn = [a["aria-label"] for tag, a in parser.seen if tag == "svg" and a.get("role") == "img"]
    assert drawn == [
        "人更愿意发哪一组",
        "会直接发",
        "过所有关卡的回答",
        "同一条需求连写几条，条条过关的机会",
        "需求换个样子，还有多少过关",
    ]
    assert "tuned &gt; " in text
    assert "人排的次序：tuned > " in markdown
    assert "一半的票不到" in text  # the one who was too fast is named, as a name
    assert "&lt;b&gt;小王 0&lt;/b&gt;" in text
    assert "<b>小王" not in text
    assert "套话" in text
    assert f"| tuned | {len(study.briefs())}/{len(study.briefs())} |" in markdown


def test_every_brief_and_answer_is_there(study: Study) -> None:
    text, markdown, _ = page_of(study)
    for answer in study.answers():
        assert answer.text in text
        assert answer.text in markdown


def test_the_command_writes_where_it_is_told(study: Study, tmp_path: Path) -> None:
    words = ["eval", "report", study.name, "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app_for(words), words)
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "out" / "report.html").is_file()
    assert str(tmp_path / "out" / "report.md") in ended.output


def test_markup_in_an_answer_stays_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: Study
) -> None:
    monkeypatch.setattr(
        "fencun.evaluate.study.Study.check",
        lambda _: None,  # as if the model had said it
    )
    path = study.folder / "answers.jsonl"
    first = study.answers()[0].text
    path.write_text(
        path.read_text(encoding="utf-8").replace(first, "<script>alert(1)</script>|"), "utf-8"
    )
    text, markdown, _ = page_of(study)
    assert "<script>" not in text
    assert "alert(1)</script>\\|" in markdown


def test_steadiness_is_told_brief_by_brief(study: Study) -> None:
    voted(study, 1)
    summary = summarise(
        study, asyncio.run(probe_all(study, [], "quick", opener=Engines(speak))), "quick"
    )
    always, never = {"count": 6, "total": 6}, {"count": 0, "total": 6}
    for row in summary["arms"]:
        row["steady"] = {"one": always, "two": never}
    svg = figures.charts(judge(study), summary)["steady"]
    heights = set(re.findall(r'<circle cx="[^"]+" cy="([^"]+)"', svg))
    half = re.search(r'y="([0-9.]+)"[^>]*>50%<', svg)
    assert half
    assert heights == {str(float(half[1]) - 4)}  # half of the briefs pass, however many draws


def test_charts_have_gaps_where_nothing_was_measured() -> None:
    svg = chart.lines({"a": [0.5, None, 1.0]}, ["x", "y", "z"], "t", inks={"a": 3})
    assert svg.count("<circle") == 2
    assert 'class="ink-3"' in svg
    bars = chart.shares([chart.Bar("<a>", 0.5, 0.25, 0.75, "5/10")], "t", middle=0.5)
    assert "&lt;a&gt;" in bars
    assert bars.count("<circle") == 1

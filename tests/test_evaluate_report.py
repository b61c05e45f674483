"""The report: self-contained, the verdict first, nothing rendered that was only said."""

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluate_study import Engines
from probe_case import speak
from report_case import voted
from typer.testing import CliRunner

from fencun.cli import app_for
from fencun.evaluate.probe_summary import summarise
from fencun.evaluate.probing import probe_all
from fencun.evaluate.report import write_report
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.study import Study

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


def test_the_plan_is_told_as_registered_with_its_hash_and_every_change(study: Study) -> None:
    study.amend(shipped_rules(), "先看了一眼")
    for told in page_of(study)[:2]:
        assert "登记的计划：140 票，看票在 140 / 210 / 280；" in told
        assert "真有 70% 的人更愿意发微调的时候，有 80% 的把握看出来；对手：bare、prompt" in told
        assert study.registration.fingerprint[:16] in told
        assert "理由：先看了一眼" in told


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

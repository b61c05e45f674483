"""Reading blind: sheets that tell nothing, grades taken whole, and what reads say."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluate_study import answered_study
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.errors import FencunError
from fencun.evaluate.reading import FAULTS, Read, read_reads, take
from fencun.evaluate.readout import report, share_of
from fencun.evaluate.sheet import order, write_sheet
from fencun.evaluate.texts import Gathering, gather
from fencun.files import write_jsonl
from fencun.scenario import Scenario

ASKED = {
    "salutation": "王老师",
    "relation": "高中班主任",
    "detail": "晚自习后常留下来给我讲题",
    "occasion": "除夕",
    "style": "真诚一点",
    "length": "短",
}
GRIEF = ASKED | {
    "salutation": "李姐",
    "relation": "同事",
    "detail": "她上个月离了婚",
    "length": "中",
}


def gates(text: str) -> dict[str, Any]:
    return {"text": text, "passed": True, "seed": 1, "gates": [{"gate": "length"}]}


@pytest.fixture
def answers(tmp_path: Path, scenario: Scenario) -> Gathering:
    """Two arms on two briefs, as ``fencun write --briefs`` writes them; one text is of both."""
    briefs, out = tmp_path / "briefs.jsonl", tmp_path / "out.jsonl"
    write_jsonl(briefs, [{"id": 1, **ASKED}, {"id": "2", **GRIEF, "why": "别处来的字段"}])
    texts = {"1": ["甲一。甲二！", "甲三。", "甲四。"], "2": ["乙一。", "乙二。", "乙三。"]}
    write_jsonl(
        out,
        [
            {"id": id_, "arm": "tuned", "model": "m", "candidates": [gates(t) for t in of]}
            for id_, of in texts.items()
        ]
        + [{"id": "1", "arm": "rag", "candidates": ["甲三。", "丙一。"]}],
    )
    return gather(scenario, [("", out)], [briefs])


def test_every_shape_of_answers_gives_its_brief_and_its_place(
    answers: Gathering, tmp_path: Path, scenario: Scenario
) -> None:
    shared = next(text for text in answers.texts if text.text == "甲三。")
    assert [(p.arm, p.place) for p in shared.shown] == [("tuned", 2), ("rag", 1)]
    assert len(answers.texts) == 7
    assert {text.asked.topic for text in answers.texts if text.asked.id == "2"} != {""}
    flat, nested = tmp_path / "flat.jsonl", tmp_path / "nested.jsonl"
    write_jsonl(flat, [{"id": "9", **ASKED, "text": "一。"}, {"id": "9", **ASKED, "text": "二。"}])
    words = {"length": "50字以内"}
    write_jsonl(
        nested, [{"id": "9", "brief": ASKED, "words": words, "candidates": [gates("三。")]}]
    )
    found = gather(scenario, [("new", flat), ("", nested)])
    assert [(t.shown[0].arm, t.shown[0].place) for t in found.texts] == [
        ("new", 1), ("new", 2), ("nested", 1)
    ]  # fmt: skip
    assert "50字以内" in found.texts[2].asked.brief.lines()


async def test_a_study_gives_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    found = gather(study.scenario, [], studies=[study])
    assert {p.arm for text in found.texts for p in text.shown} == {"bare", "prompt", "tuned"}
    assert sum(len(text.shown) for text in found.texts) == len(study.answers())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"id": "7", "text": "好"}, "--briefs"),
        ({**ASKED, "text": "好"}, "没有 id"),
        ({"id": "7", **ASKED}, "没有 text"),
        ({"id": "7", **ASKED, "candidates": [{"passed": True}]}, "没有 text"),
        ({"id": "7", **ASKED, "occasion": "乔迁", "text": "好"}, "场合"),
        ({"id": "7", **ASKED, "text": "  "}, "没有可读的文字"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    row: dict[str, Any], told: str, tmp_path: Path, scenario: Scenario
) -> None:
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [row])
    with pytest.raises(FencunError, match=told):
        gather(scenario, [("", path)])


def test_one_id_of_two_briefs_is_refused(tmp_path: Path, scenario: Scenario) -> None:
    path = tmp_path / "briefs.jsonl"
    write_jsonl(path, [{"id": "1", **ASKED}, {"id": "1", **GRIEF}])
    with pytest.raises(FencunError, match="第 2 行的 id 1"):
        gather(scenario, [], [path])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60, 301])
def test_a_third_comes_twice_half_a_sheet_apart(count: int) -> None:
    for seed in range(20):
        shown = order(count, twice=1 / 3, seed=seed)
        assert set(shown) == set(range(count))
        assert len(shown) == count + round(count / 3)
        for text in {text for text in shown if shown.count(text) > 1}:
            first, second = (at for at, one in enumerate(shown) if one == text)
            assert second - first >= len(shown) // 2
    assert order(count, twice=1 / 3, seed=1) == order(count, twice=1 / 3, seed=1)
    assert count < 7 or order(count, twice=0, seed=1) != sorted(order(count, twice=0, seed=1))


@pytest.fixture
def laid(answers: Gathering, tmp_path: Path, scenario: Scenario) -> Path:
    path = tmp_path / "sheet.jsonl"
    write_sheet(path, scenario, answers.texts)
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_sheet_tells_nothing_but_brief_and_text(laid: Path) -> None:
    for path in (laid, laid.with_suffix(".txt")):
        told = path.read_text(encoding="utf-8")
        assert "晚自习后常留下来给我讲题" in told
        assert not any(word in told for word in ("tuned", "rag", "gate", "passed", "place"))
    assert set(lines_of(laid)[0]) == {"number", "brief", "text", "grade", "reason", "where"}
    assert "tuned" in laid.with_suffix(".key.json").read_text(encoding="utf-8")


def test_only_the_owner_reads_the_key(laid: Path) -> None:
    assert stat.S_IMODE(laid.with_suffix(".key.json").stat().st_mode) == 0o600


def test_a_sheet_that_is_being_read_is_not_overwritten(
    laid: Path, answers: Gathering, scenario: Scenario
) -> None:
    before = laid.read_bytes()
    with pytest.raises(FencunError, match="已经有了"):
        write_sheet(laid, scenario, answers.texts, seed=5)
    assert laid.read_bytes() == before
    with pytest.raises(FencunError, match="已经有了"):
        write_sheet(laid.with_name("new.jsonl"), scenario, answers.texts,
                    key=laid.with_suffix(".key.json"))  # fmt: skip


def good(line: dict[str, Any]) -> dict[str, Any]:
    """The texts that begin with 甲 can be sent, the others cannot."""
    fine = line["text"].startswith("甲")
    return {
        "number": line["number"],
        "grade": 2 if fine else 0,
        "reason": "" if fine else "named",
        "where": None if fine else 1,
    }


def taken(
    sheet: Path, rows: list[dict[str, Any]], reader: str = "周", kind: str = "ai"
) -> list[Read]:
    grades = sheet.with_name("grades.jsonl")
    write_jsonl(grades, rows)
    return take(
        sheet, sheet.with_suffix(".key.json"), grades,
        reader=reader, kind=kind, out=sheet.with_name("reads.jsonl"),  # type: ignore[arg-type]
    )  # fmt: skip


def test_grades_become_whole_reads(laid: Path) -> None:
    taken(laid, [good(line) for line in lines_of(laid)])
    reads = read_reads([laid.with_name("reads.jsonl")])
    shared = [read for read in reads if read.text == "甲三。" and not read.again]
    assert {(read.arm, read.place) for read in shared} == {("tuned", 2), ("rag", 1)}
    first = next(read for read in reads if read.text == "乙一。")
    assert (first.grade, first.reason, first.where, first.kind) == (0, "named", 1, "ai")
    assert (first.id, first.length, first.brief["detail"]) == ("2", "中", GRIEF["detail"])
    assert sum(read.again for read in reads) >= 2
    taken(laid, [good(line) for line in lines_of(laid)], reader="吴", kind="person")
    assert len(read_reads([laid.with_name("reads.jsonl")])) == 2 * len(reads)
    with pytest.raises(FencunError, match="读过这张"):
        taken(laid, [good(line) for line in lines_of(laid)])


def test_the_filled_sheet_itself_is_taken_and_reasons_in_any_words(laid: Path) -> None:
    names = [*FAULTS, *(zh for zh, _ in FAULTS.values()), 1, "10"]
    rows = [line | {"grade": 0, "reason": names[at % len(names)], "where": ""}
            for at, line in enumerate(lines_of(laid))]  # fmt: skip
    reads = taken(laid, rows)
    by_number = {read.number: read.reason for read in reads}
    assert [by_number[n] for n in sorted(by_number)] == list(FAULTS)[: len(by_number)]


def changed(at: int, **fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows[at].update(fields)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rows: rows.pop(2), "还缺 1 号：3"),
        (lambda rows: rows.append(rows[0] | {"number": 99}), "没有 99 号"),
        (lambda rows: rows.append(rows[0]), "1 号给了两次"),
        (changed(0, grade=None), "1 号没有等级"),
        (changed(0, grade=3), "grade"),
        (changed(0, grade=2, reason="sense", where=None), "2 不写理由"),
        (changed(0, grade=1, reason="", where=None), "1 和 0 要写一个理由"),
        (changed(0, grade=0, reason="难看"), "没有“难看”这个理由"),
        (changed(0, grade=0, reason="sense", where=9), "1 号的句号码 9 不对"),
        (changed(0, grade=2, reason="", where=1), "1 号的句号码 1 不对"),
        (changed(0, text="别的文字"), "1 号的需求或文字被改过"),
        (changed(0, extra=1), "extra"),
    ],
)
def test_grades_that_are_not_whole_are_refused_and_nothing_is_kept(
    laid: Path, spoil: Callable[[list[dict[str, Any]]], object], told: str
) -> None:
    rows = [good(line) for line in lines_of(laid)]
    spoil(rows)
    with pytest.raises(FencunError, match=told):
        taken(laid, rows)
    assert not laid.with_name("reads.jsonl").exists()


def test_another_sheet_and_a_changed_one_do_not_fit_the_key(laid: Path) -> None:
    rows = lines_of(laid)
    graded = [good(line) for line in rows]
    rows[0]["text"] += "改"
    write_jsonl(laid, rows)
    with pytest.raises(FencunError, match="被改过"):
        taken(laid, graded)
    laid.with_suffix(".key.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FencunError, match="不是审读单的钥匙"):
        taken(laid, graded)


def test_a_report_counts_texts_first_ones_and_threes(laid: Path) -> None:
    reads = taken(laid, [good(line) for line in lines_of(laid)])
    found = report(reads, ["一句话", "短", "中", "长"])
    assert list(found["kinds"]) == ["ai"]
    tuned, rag = (found["kinds"]["ai"]["arms"][arm] for arm in ("tuned", "rag"))
    assert (tuned["single"]["total"], tuned["single"]["share"]) == (6, 0.5)
    assert (tuned["first"]["total"], tuned["first"]["share"]) == (2, 0.5)
    assert (tuned["one_of_three"]["total"], tuned["one_of_three"]["share"]) == (2, 0.5)
    assert (rag["first"]["share"], rag["single"]["share"], rag["one_of_three"]) == (1.0, 0.5, None)
    assert list(tuned["lengths"]) == ["短", "中"]
    assert [tuned["lengths"][le]["single"]["share"] for le in ("短", "中")] == [1.0, 0.0]
    assert (tuned["sensitive"]["single"]["total"], tuned["named"]["share"]) == (3, 1.0)
    assert tuned["faults"] == {"named": {"count": 3, "share": 1.0}}


def test_a_verifier_is_held_against_what_was_read(tmp_path: Path, scenario: Scenario) -> None:
    path, sheet = tmp_path / "out.jsonl", tmp_path / "sheet.jsonl"
    told = {"甲一。": 0.9, "甲二。": 0.4, "乙一。": 0.5, "乙二。": 0.1, "乙三。": None}
    candidates = [gates(text) | {"sendable": value} for text, value in told.items()]
    write_jsonl(path, [{"id": "1", **ASKED, "arm": "tuned", "candidates": candidates}])
    write_sheet(sheet, scenario, gather(scenario, [("", path)]).texts)
    assert "sendable" not in sheet.read_text(encoding="utf-8")
    arms = report(taken(sheet, [good(line) for line in lines_of(sheet)]))["kinds"]["ai"]["arms"]
    assert arms["tuned"]["verifier"] == {"auc": 0.75, "fit": 2, "unfit": 2}


def test_agreement_with_oneself_and_with_another(laid: Path) -> None:
    lines = lines_of(laid)
    taken(laid, [good(line) for line in lines])
    other = [good(line) for line in lines]
    for row, line in zip(other, lines, strict=True):
        if line["text"] == "甲一。甲二！":
            row.update(grade=1, reason="cold", where=2)
    taken(laid, other, reader="吴", kind="person")
    found = report(read_reads([laid.with_name("reads.jsonl")]))
    steady = found["readers"][0]
    assert steady["twice"]["pairs"] == len(lines) - 7
    assert steady["twice"]["same_grade"] == 1.0
    assert (found["agreement"]["pairs"], found["agreement"]["same_send"]) == (7, 6 / 7)
    assert 0 < found["agreement"]["alpha_send"]["value"] < 1
    shares = [found["kinds"][k]["arms"]["tuned"]["single"]["share"] for k in ("person", "ai")]
    assert shares == [2 / 6, 3 / 6]


def test_texts_of_one_brief_count_less_than_as_many_briefs() -> None:
    alike = share_of((str(brief), float(brief % 2)) for brief in range(20) for _ in range(5))
    apart = share_of((str(brief), float(brief % 2)) for brief in range(100))
    assert alike.share == apart.share == 0.5
    assert alike.high is not None
    assert apart.high is not None
    assert alike.high - 0.5 > 2 * (apart.high - 0.5)
    none = share_of((str(brief), 0.0) for brief in range(20) for _ in range(5))
    assert none.low == 0.0
    assert none.high is not None
    assert 0.1 < none.high < 0.25


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        chance = random.beta(0.5, 2.0, size=60)  # briefs differ much; 20 % in the mean
        said = random.random((60, 3)) < chance[:, None]
        found = share_of((str(b), float(v)) for b, row in enumerate(said) for v in row)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.2 <= found.high
    assert held >= 0.92 * 400


def run(*arguments: str) -> Result:
    words = ["eval", *arguments]
    return CliRunner().invoke(app_for(words), words)


async def test_reading_a_study_as_typed_and_reads_are_never_votes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    sheet, scene = tmp_path / "sheet.jsonl", ("--scenario", str(study.scenario.folder))
    ended = run("read", "sheet", "--study", study.name, "--out", str(sheet), *scene)
    assert ended.exit_code == 0, ended.output
    grades = tmp_path / "grades.jsonl"
    write_jsonl(grades, [line | {"grade": 2} for line in lines_of(sheet)])
    out = study.folder / "reads.jsonl"
    words = ("--sheet", str(sheet), "--key", str(sheet.with_suffix(".key.json")),
             "--grades", str(grades), "--reader", "某模型", "--out", str(out))  # fmt: skip
    assert "person 或 ai" in str(run("read", "take", *words, "--kind", "machine").exception)
    assert "永远不算票" in run("read", "take", *words, "--kind", "ai").output
    told = run("read", "report", str(out), *scene).output
    assert "某模型 是 AI，不是人" in told
    as_json = json.loads(run("read", "report", str(out), *scene, "--json").stdout)
    assert as_json["kinds"]["ai"]["arms"]["tuned"]["single"]["share"] == 1.0
    assert [tail["phrase"] for tail in as_json["tails"]["tuned"]]
    assert json.loads(run("verdict", study.name, "--json").stdout)["votes"] == 0
    assert study.votes() == []


def test_an_arm_may_be_renamed_and_a_name_with_a_sign_is_still_a_file(tmp_path: Path) -> None:
    odd = tmp_path / "a=b.jsonl"
    write_jsonl(odd, [{"id": "1", **ASKED, "arm": "tuned", "text": "一。"}])
    out = tmp_path / "sheet.jsonl"
    ended = run("read", "sheet", "--answers", f"old={odd}", "--answers", str(odd),
                "--out", str(out), "--json")  # fmt: skip
    assert json.loads(ended.stdout)["texts"] == 1
    key = json.loads(out.with_suffix(".key.json").read_text(encoding="utf-8"))
    assert [shown["arm"] for shown in key["texts"][0]["shown"]] == ["old", "tuned"]

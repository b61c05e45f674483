"""Texts that tests read blind: good ones and bad, in files as arms leave them."""

import json
from pathlib import Path
from typing import Any

from fencun.evaluate.reading import Read, take
from fencun.evaluate.sheet import write_sheet
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


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def gathering(tmp_path: Path, scenario: Scenario) -> Gathering:
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


def lay_out(answers: Gathering, tmp_path: Path, scenario: Scenario) -> Path:
    path = tmp_path / "sheet.jsonl"
    write_sheet(path, scenario, answers.texts)
    return path


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

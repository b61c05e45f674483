"""What the API takes is refused where it does not fit; what it gives is what was kept."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fencun.gates import Finding
from fencun.retrieval import Example
from fencun.store.schema import CandidateRow, WritingRow
from fencun.web import shapes

ID = "0123456789abcdef" * 2
WRITE: dict[str, Any] = {"brief": {"to": "小林"}}


@pytest.mark.parametrize(
    ("shape", "given", "field"),
    [
        (shapes.WriteRequest, {**WRITE, "mdoel": "x"}, "mdoel"),
        (shapes.WriteRequest, {**WRITE, "keep": "3"}, "keep"),
        (shapes.WriteRequest, {**WRITE, "keep": 0}, "keep"),
        (shapes.WriteRequest, {**WRITE, "keep": 11}, "keep"),
        (shapes.WriteRequest, {**WRITE, "draws": True}, "draws"),
        (shapes.WriteRequest, {**WRITE, "seed": -1}, "seed"),
        (shapes.WriteRequest, {**WRITE, "seed": 2**63}, "seed"),
        (shapes.WriteRequest, {"brief": {"to": ["小林"]}}, "brief"),
        (shapes.WriteRequest, {"brief": dict.fromkeys(map(str, range(41)), "x")}, "brief"),
        (shapes.RewriteRequest, {"candidate": ID, "change": "longer", "text": "好"}, "change"),
        (shapes.RewriteRequest, {"candidate": ID, "change": "shorter", "text": ""}, "text"),
        (shapes.RewriteRequest, {"candidate": "../x", "change": "shorter", "text": "好"}, "candid"),
        (shapes.CheckRequest, {"text": "好" * 2001, "brief": {}}, "text"),
        (shapes.EventRequest, {"id": ID.upper(), "candidate": ID, "kind": "copied"}, "id"),
        (shapes.EventRequest, {"id": ID, "candidate": ID, "kind": "sent"}, "kind"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_by_its_field(
    shape: type[BaseModel], given: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        shape(**given)
    assert str(raised.value.errors()[0]["loc"][0]).startswith(field)


def kept(text: str, *found: Finding) -> CandidateRow:
    rows = [
        {name: getattr(one, name) for name in ("gate", "severity", "start", "end", "zh", "en")}
        for one in found
    ]
    return CandidateRow(id=ID, text=text, findings=rows, seed=7, change="write", asked=None)


FAULT = Finding("cliche", "fault", 0, 4, "套话", "a cliché")
DOUBT = Finding("length", "doubt", 0, 4, "偏短", "rather short")


def test_a_candidate_that_was_kept_passes_unless_a_fault_was_found() -> None:
    told = shapes.candidate_shape(kept("百忙之中", FAULT, DOUBT))
    assert (told["passed"], [one["gate"] for one in told["gates"]]) == (False, ["cliche", "length"])
    assert shapes.CandidateShape(**told).gates[1].severity == "doubt"
    assert shapes.candidate_shape(kept("天冷", DOUBT))["passed"]


def test_a_writing_passed_where_any_of_its_candidates_did() -> None:
    row = WritingRow(
        id=ID, created_at=datetime(2026, 2, 16, tzinfo=UTC), asked={"to": "小林"}, brief={},
        arm="bare", model="m", adapter=None, seed=7,
    )  # fmt: skip
    example = Example("s1", "s1", {"to": "老周"}, "老周，谢谢。")
    bad, good = kept("百忙之中", FAULT), kept("天冷，多穿点。")
    told = shapes.writing_shape(row, (bad, good), 6, unsure=True, examples=(example,))
    assert shapes.WritingShape(**told).created_at == row.created_at
    assert (told["passed"], told["drawn"], told["unsure"]) == (True, 6, True)
    assert told["examples"] == [{"brief": {"to": "老周"}, "told": "老周", "text": "老周，谢谢。"}]
    assert [one["text"] for one in told["candidates"]] == ["百忙之中", "天冷，多穿点。"]
    assert not shapes.writing_shape(row, (bad,))["passed"]
    assert not shapes.writing_shape(row, ())["passed"]


def test_a_text_is_counted_without_its_white_space() -> None:
    told = shapes.check_shape("小林，\n 天冷　多穿。", [DOUBT])
    assert (told["count"], told["passed"]) == (8, True)

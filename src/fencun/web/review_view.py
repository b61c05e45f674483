"""What pages and API tell of a review: a batch, one draft in front of a reviewer, one in a list."""

from typing import Any

from sqlalchemy.orm import Session

from fencun.batch import candidate_row
from fencun.brief import parse_brief
from fencun.data.lines import Line
from fencun.errors import FencunError
from fencun.gates import Finding, Gates
from fencun.language import say
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.store import seeds
from fencun.store.reviews import REASONS, WANTED, Summary
from fencun.store.schema import DraftRow, ReviewRow
from fencun.writer import Candidate

Shape = dict[str, Any]


def batch_shape(summary: Summary) -> Shape:
    """Return how a batch goes, as JSON."""
    batch = summary.batch
    return {
        "id": batch.id,
        "name": batch.name,
        "created_at": batch.created_at.isoformat(timespec="seconds"),
        "total": summary.total,
        "decided": summary.decided,
        "states": dict(summary.states),
        "unusable": len(batch.unusable),
        "reviewers": dict(summary.reviewers),
        "reasons": dict(summary.reasons),
        "wanted": WANTED,
    }


def state_shape(
    session: Session,
    scenario: Scenario,
    gates: Gates,
    summary: Summary,
    draft: DraftRow | None,
    reviewer: str,
    left: int,
    last: str | None,
) -> Shape:
    """Return what the page of ``reviewer`` shows now: a draft (None: none is left), and progress.

    ``last`` is the draft whose opinion an undo takes back.
    """
    return {
        **batch_shape(summary),
        "draft": draft_shape(session, scenario, gates, draft, reviewer) if draft else None,
        "left": left,
        "mine": summary.reviewers.get(reviewer, 0),
        "last": last,
    }


def draft_shape(
    session: Session, scenario: Scenario, gates: Gates, draft: DraftRow, reviewer: str
) -> Shape:
    """Return one draft as a reviewer sees it: never what the other one thinks of it."""
    record = _record(scenario, draft)
    told = _checked(scenario, gates, record, draft.text)
    editors = [
        review.reviewer
        for review in draft.reviews
        if review.decision == "edit" and review.withdrawn_at is None and review.text == draft.text
    ]
    return {
        "id": draft.id,
        "number": draft.number,
        "record": record.id,
        "brief": record.brief,
        "lines": _lines(scenario, record),
        "why": record.why,
        "tact": record.tact.model_dump() if record.tact else None,
        "text": draft.text,
        "original": draft.record["text"] if draft.text != draft.record["text"] else None,
        "edited_by": editors[-1] if editors else None,
        "parent": _parent(session, scenario, draft.record.get("parent")),
        "brought_back_by": draft.brought_back_by,
        **told,
    }


def _record(scenario: Scenario, draft: DraftRow) -> Seed:
    """Return what was written, be it a seed, a draft or a sample; its lineage aside."""
    plain = {key: value for key, value in draft.record.items() if key not in _LINEAGE}
    return Seed.from_row(scenario, plain)


_LINEAGE = ("parent", "family", "generation", "breeder", "run", "hash")


def _checked(scenario: Scenario, gates: Gates, record: Seed, text: str) -> Shape:
    found = gates.check(text, parse_brief(scenario, record.brief))
    row = candidate_row(Candidate(text, tuple(found), 0))
    return {"gates": row["gates"], "passed": row["passed"]}


def _lines(scenario: Scenario, record: Seed) -> list[list[str]]:
    """Return the brief as label and value, what is empty left out."""
    return [
        [say(dimension.label, dimension.en), value]
        for dimension in scenario.dimensions
        if (value := record.brief.get(dimension.name, ""))
    ]


def _parent(session: Session, scenario: Scenario, parent: str | None) -> Shape | None:
    if not parent:
        return None
    line: Line | None
    try:
        line = seeds.find(session, scenario, parent).line
    except FencunError:
        line = seeds.shipped_line(scenario, parent)
    if line is None:
        return {"id": parent, "text": ""}
    return {"id": parent, "text": line.text}


def line_shape(scenario: Scenario, draft: DraftRow) -> Shape:
    """Return one draft as a list shows it: with every opinion of this round, and the gates'."""
    record = _record(scenario, draft)
    standing = [r for r in draft.reviews if r.withdrawn_at is None]
    return {
        "id": draft.id,
        "number": draft.number,
        "record": record.id,
        "asked": [value for _, value in _lines(scenario, record)],
        "text": draft.text,
        "original": draft.record["text"],
        "edited": draft.text != draft.record["text"],
        "findings": [str(Finding(**found)) for found in draft.findings],
        "opinions": [_opinion(review) for review in standing if review.round == draft.round],
        "earlier": [_opinion(review) for review in standing if review.round != draft.round],
        "brought_back_by": draft.brought_back_by,
    }


def _opinion(review: ReviewRow) -> Shape:
    zh, en = REASONS.get(review.reason, ("", "")) if review.reason else ("", "")  # type: ignore[call-overload]
    return {
        "reviewer": review.reviewer,
        "decision": review.decision,
        "reason": say(zh, en),
        "text": review.text,
    }

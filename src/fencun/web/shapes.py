"""What the API takes and gives, as pydantic models: they are its documentation too."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fencun.batch import candidate_row
from fencun.gates import Finding
from fencun.retrieval import Example
from fencun.store.schema import CandidateRow, Change, EventKind, WritingRow
from fencun.store.writings import findings
from fencun.web.studio import SEEDS, KeptWriting
from fencun.writer import Candidate

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Shown = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class RequestShape(BaseModel):
    """Base of requests: unknown fields are refused, and so is what has the wrong kind."""

    model_config = ConfigDict(extra="forbid", strict=True)


class WriteRequest(RequestShape):
    """A brief and how to answer it. ``brief`` maps dimensions to what a person typed."""

    brief: dict[str, str] = Field(max_length=40)
    arm: str | None = Field(None, max_length=24, description="bare, prompt, tuned or edit")
    keep: int = Field(3, ge=1, le=10, description="How many candidates to return")
    draws: int | None = Field(
        None, ge=1, le=20, description="How many to draw; default 2 × keep, 2 more with a verifier"
    )
    seed: int | None = Field(None, ge=0, lt=SEEDS)


class RewriteRequest(RequestShape):
    """One candidate anew: ``text`` is how it reads now, edited or not."""

    candidate: Id
    change: Change
    text: Shown


class CheckRequest(RequestShape):
    """A text and the brief that it answers."""

    text: Annotated[str, StringConstraints(max_length=2000)]
    brief: dict[str, str] = Field(max_length=40)


class ReadRequest(RequestShape):
    """A brief as far as it is typed."""

    brief: dict[str, Annotated[str, StringConstraints(max_length=2000)]] = Field(max_length=40)


class ReadField(BaseModel):
    """How a field is understood: its value, null where it is not, and what to say of it."""

    value: str | None
    told: str


class ReadShape(BaseModel):
    """The fields that are chosen from a list, as far as they are typed.

    ``caution`` says which matters of the detail will be left unsaid; empty if there are none.
    """

    fields: dict[str, ReadField]
    caution: str


class EventRequest(RequestShape):
    """What a person did with a candidate. ``id`` is made by the client: sent twice, kept once."""

    id: Id
    candidate: Id
    kind: EventKind
    text: Annotated[str, StringConstraints(max_length=2000)] | None = None


class FindingShape(BaseModel):
    """One thing that is wrong (``fault``) or doubtful (``doubt``); offsets in characters."""

    gate: str
    severity: str
    start: int
    end: int
    message: str


class CandidateShape(BaseModel):
    """A text, whether it passed the gates, and every finding."""

    id: str
    text: str
    passed: bool
    seed: int
    sendable: float | None = Field(description="What the verifier held, 0 to 1; null if unknown")
    change: str
    asked: dict[str, str] | None = Field(description="What it was written for, if changed")
    gates: list[FindingShape]


class ExampleShape(BaseModel):
    """A written line near to the brief, by other hands: what it answers, and its text.

    ``told`` is its brief in one line, for people.
    """

    brief: dict[str, str]
    told: str
    text: str


class WritingShape(BaseModel):
    """What came of a request; ``candidates`` are best first.

    ``unsure``: the verifier holds none of them fit to be sent as it stands. ``examples`` are
    written lines, not generated ones; both are told only when the writing is made.
    """

    id: str
    created_at: datetime
    asked: dict[str, str]
    brief: dict[str, str]
    arm: str
    model: str
    adapter: str | None
    seed: int
    passed: bool
    drawn: int | None = None
    unsure: bool = False
    examples: list[ExampleShape] = []
    candidates: list[CandidateShape]


class CheckShape(BaseModel):
    """What the gates say of a text; ``count`` is its length in characters, white space aside."""

    passed: bool
    count: int
    gates: list[FindingShape]


class ErrorBody(BaseModel):
    """Why a request failed: a stable code, a sentence for people, the field at fault."""

    code: str
    message: str
    field: str | None = None
    retry_after: int | None = None


class ErrorShape(BaseModel):
    """The body of every error."""

    error: ErrorBody


def candidate_shape(row: CandidateRow) -> dict[str, Any]:
    """Return a kept candidate as JSON."""
    candidate = Candidate(row.text, tuple(findings(row)), row.seed)
    return {"id": row.id, "change": row.change, "asked": row.asked, **candidate_row(candidate)}


def writing_shape(
    row: WritingRow,
    candidates: tuple[CandidateRow, ...],
    drawn: int | None = None,
    *,
    unsure: bool = False,
    examples: tuple[Example, ...] = (),
) -> dict[str, Any]:
    """Return a kept writing as JSON, with these of its candidates."""
    shapes = [candidate_shape(candidate) for candidate in candidates]
    return {
        "id": row.id,
        "created_at": row.created_at.isoformat(),
        "asked": row.asked,
        "brief": row.brief,
        "arm": row.arm,
        "model": row.model,
        "adapter": row.adapter,
        "seed": row.seed,
        "passed": any(shape["passed"] for shape in shapes),
        "drawn": drawn,
        "unsure": unsure,
        "examples": [example_shape(example) for example in examples],
        "candidates": shapes,
    }


def kept_shape(kept: KeptWriting) -> dict[str, Any]:
    """Return as JSON what has just been written and kept."""
    return writing_shape(
        kept.writing, kept.candidates, kept.drawn, unsure=kept.unsure, examples=kept.examples
    )


def example_shape(example: Example) -> dict[str, Any]:
    """Return a written line as JSON."""
    return {"brief": dict(example.values), "told": example.told, "text": example.text}


def check_shape(text: str, found: list[Finding]) -> dict[str, Any]:
    """Return what the gates say of ``text`` as JSON."""
    row = candidate_row(Candidate(text, tuple(found), 0))
    return {"passed": row["passed"], "count": len("".join(text.split())), "gates": row["gates"]}

"""盲评: one brief, two texts, four choices. Which arm wrote which never leaves the server.

Ballots have random ids, sides are drawn at random, and every answer is padded to whole
blocks, so neither ids, order nor the length of anything tells the arms apart.
"""

import json
from typing import Annotated, Any, Literal

from fastapi import Depends, Form, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from fencun.evaluate import voting
from fencun.evaluate.records import CHOICES, REASONS, SCALES, Opinion, Reason, Scale
from fencun.evaluate.study import find_study, studies
from fencun.store.ballots import BallotRow, RaterRow
from fencun.web.access import router_for
from fencun.web.caller import Calling, Naming
from fencun.web.pages import Page, render
from fencun.web.studio import StudioDep

PAGE = Page("/ballot", "盲评", "Blind votes", "rate")
router = router_for("rate", include_in_schema=False)
hosting = router_for("host", include_in_schema=False)
routers = (router, hosting)

_COOKIE = "fencun_rater_"
_BLOCK = 2048
_WEEKS_S = 60 * 24 * 3600
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,32}$")]


class Said(BaseModel):
    """What a rater says of one text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    send: bool = False
    reasons: list[Reason] = Field(default=[], max_length=len(REASONS))
    scales: dict[Scale, Annotated[int, Field(ge=1, le=5)]] = {}

    def opinion(self) -> Opinion:
        """Return it as it is kept: reasons in a fixed order, each once."""
        reasons = tuple(reason for reason in REASONS if reason in self.reasons)
        return Opinion(send=self.send, reasons=reasons, scales=self.scales)


class VoteRequest(BaseModel):
    """One press of the button. ``id`` is made by the browser: sent twice, it is one vote."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Id
    ballot: Id
    choice: Literal["left", "right", "tie", "neither"]
    left: Said
    right: Said
    seconds: float | None = Field(None, ge=0, le=86400, allow_inf_nan=False)


class BackRequest(BaseModel):
    """Take the vote on this ballot back."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ballot: Id


async def _rater_key(request: Request, studio: StudioDep, caller: Calling, code: Code) -> str:
    """Return the secret of the caller's place: their token's, or the one their browser keeps."""
    if caller.bound:
        owner = caller.token
        return await studio.store.aread(lambda session: voting.key_of(session, code, owner))
    return request.cookies.get(_cookie(code), "")


RaterKey = Annotated[str, Depends(_rater_key)]


@router.get("/ballot")
async def overview(request: Request, studio: StudioDep, caller: Calling) -> Response:
    """Show the polls: links, turnout, and what can be opened. To the host only."""
    home = caller.may("host")
    polls = await studio.store.aread(voting.turnouts) if home else []
    running = {turnout.poll.fingerprint for turnout in polls if turnout.poll.closed_at is None}
    ready = [
        study
        for study in (studies() if home else [])
        if study.frozen and study.registration.fingerprint not in running
    ]
    return render(request, "ballots.html", home=home, polls=polls, ready=ready)


@hosting.post("/ballot/open")
async def open_poll(
    request: Request, studio: StudioDep, study: Annotated[str, Form(max_length=200)]
) -> Response:
    """Open the ballot box for a study, from the host's own browser."""
    found = find_study(study)
    await studio.store.awrite(lambda session: voting.open_poll(session, found).id)
    return RedirectResponse("/ballot", 303)


@hosting.post("/ballot/close")
async def close_poll(
    request: Request, studio: StudioDep, study: Annotated[str, Form(max_length=200)]
) -> Response:
    """Close the ballot box of the study with that fingerprint, from the host's own browser."""
    await studio.store.awrite(lambda session: voting.close_poll(session, study))
    return RedirectResponse("/ballot", 303)


@router.get("/ballot/{code}")
async def page(request: Request, studio: StudioDep, code: Code, key: RaterKey) -> Response:
    """Show the ballots to a rater; a newcomer is asked for a name first."""
    poll = await studio.store.aread(lambda session: voting.find_poll(session, code))
    rater = await studio.store.aread(lambda session: _rater(session, code, key))
    return render(
        request,
        "ballot.html",
        code=code,
        rater=rater.name if rater else "",
        closed=poll.closed_at is not None,
        ballots=poll.ballots,
        choices=CHOICES,
        reasons=REASONS,
        scales=SCALES,
    )


@router.post("/ballot/{code}/join")
async def join(
    studio: StudioDep,
    code: Code,
    key: RaterKey,
    caller: Calling,
    naming: Naming,
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Take a newcomer's name and draw their ballots; whoever joined before goes on.

    Where tokens are needed a token has one place in a poll, under its own name.
    """
    owner = caller.token if caller.bound else ""
    response = RedirectResponse(f"/ballot/{code}", 303)
    if not await studio.store.aread(lambda session: _rater(session, code, key)):
        rater = await studio.store.awrite(
            lambda session: voting.join(session, code, naming(name), owner=owner)
        )
        if not owner:
            # Lax, not strict: the link is opened from a chat, which is another site.
            response.set_cookie(_cookie(code), rater.key, _WEEKS_S, httponly=True, samesite="lax")
    return response


@router.get("/ballot/{code}/next")
async def next_ballot(studio: StudioDep, code: Code, key: RaterKey) -> Response:
    """Return the next ballot without a vote, and how far this rater is."""
    return await studio.store.aread(lambda session: _padded(_next(session, code, key)))


@router.post("/ballot/{code}/vote")
async def vote(studio: StudioDep, code: Code, key: RaterKey, said: VoteRequest) -> Response:
    """Keep a vote, then return the next ballot: what this answers is on disk."""

    def kept(session: Session) -> Response:
        voting.vote(
            session,
            code,
            key,
            said.ballot,
            identity=said.id,
            choice=said.choice,
            left=said.left.opinion(),
            right=said.right.opinion(),
            seconds=said.seconds,
        )
        return _padded(_next(session, code, key))

    return await studio.store.awrite(kept)


@router.post("/ballot/{code}/back")
async def take_back(studio: StudioDep, code: Code, key: RaterKey, said: BackRequest) -> Response:
    """Take a vote back, once, and return that ballot to be voted on again."""

    def taken(session: Session) -> Response:
        voting.take_back(session, code, key, said.ballot)
        session.flush()
        return _padded(_next(session, code, key))

    return await studio.store.awrite(taken)


def _next(session: Session, code: str, key: str) -> dict[str, Any]:
    rater = voting.find_rater(session, code, key)
    ballot, done, total = voting.next_ballot(session, rater)
    return {
        "done": done,
        "total": total,
        "last": voting.last_cast(session, rater),
        "ballot": _shown(ballot) if ballot else None,
    }


def _shown(ballot: BallotRow) -> dict[str, Any]:
    return {
        "id": ballot.id,
        "lines": ballot.lines,
        "left": ballot.left_text,
        "right": ballot.right_text,
    }


def _padded(value: dict[str, Any]) -> Response:
    """Return JSON filled up with spaces to whole blocks: its length says nothing of its texts."""
    body = json.dumps(value, ensure_ascii=False).encode()
    body += b" " * (-len(body) % _BLOCK)
    return Response(body, media_type="application/json")


def _rater(session: Session, code: str, key: str) -> RaterRow | None:
    try:
        return voting.find_rater(session, code, key)
    except voting.UnknownBallotError:
        return None


def _cookie(code: str) -> str:
    return f"{_COOKIE}{code}"


def rater_keys(request: Request) -> list[str]:
    """Return the secrets of all raters that this browser has been."""
    return [value for name, value in request.cookies.items() if name.startswith(_COOKIE)]

"""盲评: one brief, two texts, four choices. Which arm wrote which never leaves the server.

Ballots have random ids, sides are drawn at random, and every answer is padded to whole
blocks, so neither ids, order nor the length of anything tells the arms apart.
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Form, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from fencun.evaluate import invitations, joining, polling, voting
from fencun.evaluate.find import asks, find_study, scenario_of, studies
from fencun.evaluate.records import CHOICES, REASONS, SCALES, Opinion, Reason, Scale
from fencun.evaluate.seats import SameSeat
from fencun.store.ballots import BallotRow, PollRow, RaterRow
from fencun.web.access import router_for
from fencun.web.caller import Calling, Naming
from fencun.web.pages import Page, render
from fencun.web.studio import Studio, StudioDep

PAGE = Page("/ballot", "盲评", "Blind votes", "rate")
router = router_for("rate", include_in_schema=False)
hosting = router_for("host", include_in_schema=False)
routers = (router, hosting)

_COOKIE = "fencun_rater_"
_BROWSER = "fencun_browser"  # whether one browser took two seats; kept as a keyed hash only
_BLOCK = 2048
_WEEKS_S = 60 * 24 * 3600
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,32}$")]


class BallotOpinion(BaseModel):
    """What a rater says of one text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    send: bool | None = None
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
    left: BallotOpinion
    right: BallotOpinion
    seconds: float | None = Field(None, ge=0, le=86400, allow_inf_nan=False)


class VoteBackRequest(BaseModel):
    """Take the vote on this ballot back."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ballot: Id


async def _rater_key(request: Request, studio: StudioDep, caller: Calling, code: Code) -> str:
    """Return the secret of the caller's place: their token's, or the one their browser keeps."""
    if caller.bound:
        owner = caller.token
        return await studio.store.aread(lambda session: joining.key_of(session, code, owner))
    return request.cookies.get(_cookie(code), "")


RaterKey = Annotated[str, Depends(_rater_key)]


@router.get("/ballot")
async def overview(request: Request, studio: StudioDep, caller: Calling) -> Response:
    """Show the polls: links, turnout, and what can be opened. To the host only."""
    home = caller.may("host")
    known = studies() if home else []
    foreign = {s.registration.fingerprint for s in known if not asks(s, studio.scenario)}
    polls = await studio.store.aread(polling.turnouts) if home else []
    polls = [turnout for turnout in polls if turnout.poll.fingerprint not in foreign]
    held = await studio.store.aread(lambda session: _host_seats(session, polls))
    running = {turnout.poll.fingerprint for turnout in polls if turnout.poll.closed_at is None}
    ready = [
        study
        for study in known
        if study.frozen and study.registration.fingerprint not in running | foreign
    ]
    return render(request, "ballots.html", home=home, polls=polls, ready=ready, held=held)


@dataclass(frozen=True, slots=True)
class HostSeats:
    """The seats of a poll as the host sees them: invitations, and seats that look like one."""

    seats: list[invitations.Seat]
    alike: tuple[SameSeat, ...]


def _host_seats(session: Session, polls: list[polling.Turnout]) -> dict[str, HostSeats]:
    return {
        turnout.poll.id: HostSeats(
            invitations.seats(session, turnout.poll), invitations.alike(session, turnout.poll)
        )
        for turnout in polls
        if turnout.is_open
    }


@hosting.post("/ballot/{code}/invite")
async def invite(
    studio: StudioDep, code: Code, name: Annotated[str, Form(max_length=200)]
) -> Response:
    """Make a link for one person, from the host's own browser."""
    return await _by_host(
        studio, code, lambda session, poll: invitations.invite(session, poll, name)
    )


@hosting.post("/ballot/{code}/revoke")
async def revoke(
    studio: StudioDep, code: Code, name: Annotated[str, Form(max_length=200)]
) -> Response:
    """Take an invitation back, from the host's own browser."""
    return await _by_host(
        studio, code, lambda session, poll: invitations.revoke(session, poll, name)
    )


@hosting.post("/ballot/{code}/apart")
async def apart(
    studio: StudioDep, code: Code, rater: Annotated[str, Form(max_length=32)]
) -> Response:
    """Take the host's word that a seat is a person of its own."""
    return await _by_host(
        studio, code, lambda session, poll: invitations.set_apart(session, poll, rater)
    )


async def _by_host(
    studio: Studio, code: str, work: Callable[[Session, PollRow], object]
) -> Response:
    await studio.store.awrite(
        lambda session: work(session, polling.find_poll(session, code, held=True))
    )
    return RedirectResponse("/ballot", 303)


@hosting.post("/ballot/open")
async def open_poll(
    request: Request, studio: StudioDep, study: Annotated[str, Form(max_length=200)]
) -> Response:
    """Open the ballot box for a study, from the host's own browser."""
    found = find_study(study)
    await studio.store.awrite(lambda session: polling.open_poll(session, found).id)
    return RedirectResponse("/ballot", 303)


@hosting.post("/ballot/close")
async def close_poll(
    request: Request, studio: StudioDep, study: Annotated[str, Form(max_length=200)]
) -> Response:
    """Close the ballot box of the study with that fingerprint, from the host's own browser."""
    await studio.store.awrite(lambda session: polling.close_poll(session, study))
    return RedirectResponse("/ballot", 303)


@router.get("/ballot/{code}")
async def page(
    request: Request, studio: StudioDep, code: Code, key: RaterKey, seat: Code | None = None
) -> Response:
    """Show the ballots to a rater; a newcomer is asked for a name first.

    ``seat`` is the secret of an invitation: whoever has it takes that one seat, or goes on in it.
    """
    poll = await studio.store.aread(lambda session: polling.find_poll(session, code))
    invited = ""
    if seat:
        invited, taken = await studio.store.aread(lambda session: _invited(session, poll, seat))
        if taken:
            return _seated(code, taken)
    rater = await studio.store.aread(lambda session: _rater(session, code, key))
    asking = await asyncio.to_thread(scenario_of, poll.fingerprint) or studio.scenario
    return render(
        request,
        "ballot.html",
        code=code,
        rater=rater.name if rater and not seat else "",
        seat=seat or "",
        invited=invited,
        closed=poll.closed_at is not None,
        ballots=poll.ballots,
        choices=CHOICES,
        reasons=asking.words.named(REASONS),
        scales=SCALES,
    )


@router.post("/ballot/{code}/join")
async def join(
    request: Request,
    studio: StudioDep,
    code: Code,
    key: RaterKey,
    caller: Calling,
    naming: Naming,
    name: Annotated[str, Form(max_length=200)] = "",
    seat: Annotated[Code | None, Form()] = None,
) -> Response:
    """Take a newcomer's name and draw their ballots; whoever joined before goes on.

    Where tokens are needed a token has one place in a poll, under its own name.
    """
    owner = caller.token if caller.bound else ""
    known = await studio.store.aread(lambda session: _rater(session, code, key))
    if known and not seat:
        return RedirectResponse(f"/ballot/{code}", 303)
    if owner:
        await studio.store.awrite(
            lambda session: joining.join(session, code, naming(name), owner=owner)
        )
        return RedirectResponse(f"/ballot/{code}", 303)
    browser = request.cookies.get(_BROWSER, "") or secrets.token_urlsafe(16)
    address = request.client.host if request.client else ""
    taken = await studio.store.awrite(
        lambda session: _joined(session, code, naming(name), seat, browser, address)
    )
    response = _seated(code, taken)
    response.set_cookie(_BROWSER, browser, _WEEKS_S, httponly=True, samesite="lax")
    return response


def _joined(
    session: Session, code: str, name: str, seat: str | None, browser: str, address: str
) -> str:
    """Return the key of the seat: a new one, or that of the invitation if it was taken before."""
    poll = polling.find_poll(session, code, held=True)
    invitation = invitations.find_invitation(session, poll, seat) if seat else None
    if invitation and (taken := invitations.holder(session, invitation)):
        return taken.key
    rater = joining.join(
        session,
        code,
        name,
        invitation=invitation.id if invitation else "",
        browser=invitations.keyed(poll, browser),
        address=invitations.keyed(poll, address),
    )
    return rater.key


def _invited(session: Session, poll: PollRow, seat: str) -> tuple[str, str]:
    """Return whom an invitation is for, and the key of its seat if it was taken."""
    invitation = invitations.find_invitation(session, poll, seat)
    taken = invitations.holder(session, invitation)
    return invitation.name, taken.key if taken else ""


def _seated(code: str, key: str) -> Response:
    response = RedirectResponse(f"/ballot/{code}", 303)
    # Lax, not strict: the link is opened from a chat, which is another site.
    response.set_cookie(_cookie(code), key, _WEEKS_S, httponly=True, samesite="lax")
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
async def take_back(
    studio: StudioDep, code: Code, key: RaterKey, said: VoteBackRequest
) -> Response:
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
    except polling.UnknownBallotError:
        return None


def _cookie(code: str) -> str:
    return f"{_COOKIE}{code}"


def rater_keys(request: Request) -> list[str]:
    """Return the secrets of all raters that this browser has been."""
    return [value for name, value in request.cookies.items() if name.startswith(_COOKIE)]

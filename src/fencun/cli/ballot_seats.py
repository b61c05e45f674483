"""``fencun eval ballot invite``, ``seats``, ``revoke``, ``apart``: who sits where."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from fencun.cli.options import AsJson, argument, print_json, verb
from fencun.errors import FencunError
from fencun.language import say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from fencun.store.ballots import PollRow

app = typer.Typer()

T = TypeVar("T")
_NEEDS = "evaluate"
_WHICH = say("实验的名字或文件夹；默认最新的", "Study: its name or folder (default: the newest)")
Of = Annotated[str | None, typer.Option("--study", help=_WHICH)]


@verb(
    app,
    "一人一个链接：请几位评审人，各给一个链接。",
    "Invite raters, each with a link of their own.",
    needs=_NEEDS,
)
def invite(
    names: Annotated[list[str], argument("请谁", "Whom")],
    study: Of = None,
    as_json: AsJson = False,
) -> None:
    """Make a link for each name; the same name again gives the same link."""
    from fencun.evaluate import invitations

    def made(session: "Session", poll: "PollRow") -> list[dict[str, str]]:
        rows = [invitations.invite(session, poll, name) for name in names]
        return [{"name": r.name, "path": f"/ballot/{poll.code}?seat={r.code}"} for r in rows]

    links = _with_poll(study, made)
    if as_json:
        print_json(links)
    for link in [] if as_json else links:
        machine = say("这台机器", "THIS-MACHINE")
        typer.echo(f"{link['name']}  http://{machine}:8765{link['path']}")


@verb(
    app,
    "看座位：请了谁，谁来了，哪几份看着是同一个人。",
    "Show the seats: who is invited, who came, and which look like one person.",
    needs=_NEEDS,
)
def seats(study: Of = None, as_json: AsJson = False) -> None:
    """Print invitations, and the open seats that are counted once."""
    from fencun.evaluate import invitations

    def told(session: "Session", poll: "PollRow") -> dict[str, Any]:
        return {
            "invited": [
                {
                    "name": seat.invitation.name,
                    "taken": seat.taken,
                    "revoked": seat.invitation.revoked_at is not None,
                }
                for seat in invitations.seats(session, poll)
            ],
            "counted_once": [
                {
                    "names": list(group.names),
                    "shared": list(group.shared),
                    "kept": group.kept,
                    "others": list(group.others),
                    "votes_not_counted": group.votes,
                }
                for group in invitations.alike(session, poll)
            ],
        }

    found = _with_poll(study, told)
    if as_json:
        print_json(found)
        return
    for seat in found["invited"]:
        state = say("来了", "taken") if seat["taken"] else say("还没来", "not yet")
        typer.echo(f"{seat['name']}  {say('已收回', 'revoked') if seat['revoked'] else state}")
    for group in found["counted_once"]:
        typer.echo(
            say(
                f"△ {'、'.join(group['names'])}：看着是同一个人，{group['votes_not_counted']} 票"
                f"没有计入。不是的话：fencun eval ballot apart {group['others'][0]}",
                f"△ {', '.join(group['names'])}: look like one person; "
                f"{group['votes_not_counted']} votes do not count. If they are not: "
                f"fencun eval ballot apart {group['others'][0]}",
            )
        )


@verb(
    app,
    "收回一个人的链接：用它投的票不再计入。",
    "Take a person's link back: votes cast by it count no more.",
    needs=_NEEDS,
)
def revoke(name: Annotated[str, argument("收回谁的", "Whose")], study: Of = None) -> None:
    """Revoke the invitation of one person."""
    from fencun.evaluate import invitations

    _with_poll(study, lambda session, poll: invitations.revoke(session, poll, name))
    typer.echo(say(f"收回了给{name}的链接。", f"The link of {name} is revoked."))


@verb(
    app,
    "说明一份选票是另一个人投的，票就计入。",
    "Say that a seat is somebody else's, so that its votes count.",
    needs=_NEEDS,
)
def apart(
    rater: Annotated[str, argument("座位的编号，见 seats", "The seat, see seats")],
    study: Of = None,
) -> None:
    """Take the host's word that a seat is a person of its own."""
    from fencun.evaluate import invitations

    _with_poll(study, lambda session, poll: invitations.set_apart(session, poll, rater))
    typer.echo(say("记下了，这是另一个人。", "Noted: this is somebody else."))


def _with_poll(study: str | None, work: "Callable[[Session, PollRow], T]") -> T:
    """Do ``work`` with the open poll of ``study``; open none that is not there."""
    from fencun.evaluate import polling
    from fencun.evaluate.find import find_study
    from fencun.store.database import Store

    found = find_study(study)

    def done(session: "Session") -> T:
        poll = polling.poll_of(session, found.registration.fingerprint)
        if poll is None:
            raise FencunError(
                f"实验 {found.name} 没有开着的投票；先运行 fencun eval ballot open {found.name}。",
                f"Study {found.name} has no open poll; run fencun eval ballot open {found.name}.",
            )
        return work(session, poll)

    with Store() as store:
        return store.write(done)

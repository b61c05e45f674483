"""What tests of voting share: a rater who joined, their ballots, a vote cast."""

from fencun.evaluate import joining, voting
from fencun.evaluate.records import Opinion
from fencun.store.ballots import BallotRow, PollRow, RaterRow, VoteRow
from fencun.store.database import Store
from fencun.store.writings import new_id


def joined(store: Store, poll: PollRow, name: str = "小王") -> RaterRow:
    return store.write(lambda session: joining.join(session, poll.code, name))


def ballots(store: Store, rater: RaterRow) -> list[BallotRow]:
    return store.read(
        lambda s: s.query(BallotRow).filter_by(rater_id=rater.id).order_by(BallotRow.place).all()
    )


NO = Opinion()


def cast(store: Store, poll: PollRow, rater: RaterRow, ballot: str, **fields: object) -> VoteRow:
    said: dict[str, object] = {
        "identity": new_id(),
        "choice": "left",
        "left": Opinion(send=True),
        "right": NO,
        "seconds": 9.5,
    }
    said |= fields
    return store.write(
        lambda session: voting.vote(session, poll.code, rater.key, ballot, **said)  # type: ignore[arg-type]
    )

"""The ballot box on a real database: who may vote, how often, and what is kept."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from evaluate_study import answered_study

from fencun.errors import FencunError
from fencun.evaluate import invitations, paper, voting
from fencun.evaluate.collect import collect
from fencun.evaluate.records import Opinion
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge
from fencun.evaluate.voting import BallotError, ClosedError, UnknownBallotError
from fencun.store.ballots import BallotRow, PollRow, RaterRow, VoteRow
from fencun.store.database import Store
from fencun.store.writings import new_id

NO = Opinion()


@pytest.fixture
async def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return await answered_study(tmp_path, monkeypatch)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with Store(database) as opened:
        yield opened


@pytest.fixture
def poll(store: Store, study: Study) -> PollRow:
    return store.write(lambda session: voting.open_poll(session, study, ballots=20))


def joined(store: Store, poll: PollRow, name: str = "小王") -> RaterRow:
    return store.write(lambda session: voting.join(session, poll.code, name))


def ballots(store: Store, rater: RaterRow) -> list[BallotRow]:
    return store.read(
        lambda s: s.query(BallotRow).filter_by(rater_id=rater.id).order_by(BallotRow.place).all()
    )


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


def test_sets_are_balanced_different_and_partly_repeated(store: Store, poll: PollRow) -> None:
    raters = [joined(store, poll, f"评审{number}") for number in range(12)]
    sets = [ballots(store, rater) for rater in raters]
    for own in sets:
        assert len(own) == 20
        first = [ballot for ballot in own if ballot.repeat_of is None]
        assert len({ballot.item for ballot in first}) == 16
        by_id = {ballot.id: ballot for ballot in own}
        for ballot in own:
            if ballot.repeat_of:
                earlier = by_id[ballot.repeat_of]
                assert earlier.place < ballot.place - 1
                assert (ballot.left_text, ballot.right_text) == (
                    earlier.right_text,
                    earlier.left_text,
                )
    assert len({tuple(ballot.item for ballot in own) for own in sets}) == 12
    pairs = Counter(frozenset((b.left_arm, b.right_arm)) for own in sets for b in own)
    decisive, other = frozenset(("tuned", "prompt")), frozenset(("bare", "prompt"))
    assert 1.5 < pairs[decisive] / pairs[other] < 5
    sides = Counter(ballot.left_arm for own in sets for ballot in own)
    right = Counter(ballot.right_arm for own in sets for ballot in own)
    assert abs(sides["tuned"] - right["tuned"]) < 45


def test_a_vote_is_kept_once_however_often_it_is_sent(store: Store, poll: PollRow) -> None:
    rater = joined(store, poll)
    ballot = ballots(store, rater)[0].id
    press = new_id()
    for _ in range(3):
        cast(store, poll, rater, ballot, identity=press)
    assert store.read(lambda s: s.query(VoteRow).count()) == 1
    with pytest.raises(BallotError):
        cast(store, poll, rater, ballot, identity=press, choice="right")
    with pytest.raises(BallotError, match="已经投过"):
        cast(store, poll, rater, ballot)
    waiting, done, total = store.read(lambda s: voting.next_ballot(s, rater))
    assert (done, total) == (1, 20)
    assert waiting is not None
    assert waiting.place == 1


def test_a_vote_can_be_taken_back_once(store: Store, poll: PollRow, study: Study) -> None:
    rater = joined(store, poll)
    ballot = ballots(store, rater)[0].id

    def back() -> None:
        store.write(lambda s: voting.take_back(s, poll.code, rater.key, ballot))

    with pytest.raises(BallotError, match="还没有投"):
        back()
    press = new_id()
    cast(store, poll, rater, ballot, identity=press)
    assert collect(study, store) == 1
    back()
    back()  # the page sent it twice
    assert collect(study, store) == 0
    with pytest.raises(BallotError):
        cast(store, poll, rater, ballot, identity=press)  # a retry that came late
    cast(store, poll, rater, ballot, choice="neither")
    with pytest.raises(BallotError, match="一次"):
        back()
    assert collect(study, store) == 1
    assert study.votes()[0].choice == "neither"


def test_foreign_forged_and_late_votes_are_refused(
    store: Store, poll: PollRow, study: Study
) -> None:
    mine, other = joined(store, poll), joined(store, poll, "小李")
    theirs = ballots(store, other)[0].id
    for ballot in (theirs, new_id()):
        with pytest.raises(UnknownBallotError):
            cast(store, poll, mine, ballot)
    with pytest.raises(UnknownBallotError):
        store.read(lambda s: voting.find_rater(s, poll.code, ""))
    with pytest.raises(UnknownBallotError):
        store.read(lambda s: voting.find_poll(s, "nope"))
    assert store.write(lambda s: voting.close_poll(s, study.registration.fingerprint)) == 1
    with pytest.raises(ClosedError):
        cast(store, poll, mine, ballots(store, mine)[0].id)
    with pytest.raises(ClosedError):
        joined(store, poll, "晚来的")
    assert store.read(lambda s: s.query(VoteRow).count()) == 0


def test_names_are_asked_for_and_trimmed(store: Store, poll: PollRow) -> None:
    with pytest.raises(BallotError, match="名字"):
        joined(store, poll, "  ")
    assert joined(store, poll, " 王\n 小明 " + "长" * 90).name.startswith("王 小明 长")


def test_opening_twice_is_one_link_and_reopening_another(store: Store, study: Study) -> None:
    codes = [store.write(lambda s: voting.open_poll(s, study)).code for _ in range(2)]
    assert codes[0] == codes[1]
    store.write(lambda s: voting.close_poll(s, study.registration.fingerprint))
    assert store.write(lambda s: voting.open_poll(s, study)).code != codes[0]


def test_collected_votes_carry_arms_and_hashes(store: Store, poll: PollRow, study: Study) -> None:
    rater = joined(store, poll)
    for ballot in ballots(store, rater):
        cast(store, poll, rater, ballot.id, left=Opinion(reasons=("cliche",)))
    assert collect(study, store) == 20
    answers = study.by_arm()
    for vote in study.votes():
        assert vote.left_hash == answers[vote.left][vote.brief].hash
        assert vote.left_opinion.reasons == ("cliche",)
    before = (study.folder / "votes.jsonl").read_bytes()
    collect(study, store)
    assert (study.folder / "votes.jsonl").read_bytes() == before


def test_paper_goes_out_and_comes_back(
    store: Store, poll: PollRow, study: Study, tmp_path: Path
) -> None:
    path = tmp_path / "ballots.csv"
    assert store.write(lambda s: paper.export_ballots(s, poll, path, 2)) == 40
    raw = path.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(raw)))
    assert not {"bare", "prompt", "tuned"} & set(rows[0])
    rows[0] |= {"选择": "左好", "左会直接发": "是", "右理由": "套话、太长"}
    rows[1] |= {"选择": "都不行"}
    rows[2] |= {"选择": "随便"}
    rows[3] |= {"选择": "平", "左理由": "不喜欢"}
    rows[4] |= {"选择": "平", "编号": new_id()}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode("gb18030"))  # as Excel saves it
    for _ in range(2):
        result = store.write(lambda s: paper.import_ballots(s, path))
        assert (result.taken, result.blank) == (2, 35)
        assert [error.line for error in result.errors] == [4, 5, 6]
    collect(study, store)
    votes = {vote.choice: vote for vote in study.votes()}
    assert votes["left"].left_opinion.send
    assert votes["left"].right_opinion.reasons == ("cliche", "long")
    assert votes["left"].source == "paper"
    assert votes["left"].seconds is None


def test_a_file_cannot_vote_for_somebody_on_the_web(
    store: Store, poll: PollRow, tmp_path: Path
) -> None:
    ballot = ballots(store, joined(store, poll))[0]
    path = tmp_path / "forged.csv"
    path.write_text(f"编号,选择\n{ballot.id},左好\n", encoding="utf-8")
    result = store.write(lambda s: paper.import_ballots(s, path))
    assert result.taken == 0
    assert "不是导出的选票" in str(result.errors[0])


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00\xd8", b"", b"a,b\n1,2\n"])
def test_files_that_are_no_ballots_are_explained(store: Store, raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(raw)
    with pytest.raises(FencunError):
        store.write(lambda s: paper.import_ballots(s, path))


def test_a_changed_study_cannot_be_opened(store: Store, study: Study) -> None:
    path = study.folder / "answers.jsonl"
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    path.write_text(path.read_text(encoding="utf-8").replace(first["text"], "改了"), "utf-8")
    with pytest.raises(FencunError, match="改过"):
        store.write(lambda s: voting.open_poll(s, study))


def test_an_invitation_is_one_seat_and_can_be_revoked(
    store: Store, poll: PollRow, study: Study
) -> None:
    first = store.write(lambda s: invitations.invite(s, poll, " 老周 "))
    assert store.write(lambda s: invitations.invite(s, poll, "老周")).code == first.code
    rater = store.write(lambda s: voting.join(s, poll.code, "老周", invitation=first.id))
    assert [seat.taken for seat in store.read(lambda s: invitations.seats(s, poll))] == [True]
    cast(store, poll, rater, ballots(store, rater)[0].id)
    assert collect(study, store) == 1
    assert study.votes()[0].invited
    assert store.write(lambda s: invitations.revoke(s, poll, "老周")) == 1
    assert collect(study, store) == 0
    with pytest.raises(UnknownBallotError):
        cast(store, poll, rater, ballots(store, rater)[1].id)
    with pytest.raises(UnknownBallotError, match="邀请没有了"):
        store.read(lambda s: invitations.find_invitation(s, poll, first.code))
    with pytest.raises(UnknownBallotError, match="没有给"):
        store.write(lambda s: invitations.revoke(s, poll, "老周"))
    with pytest.raises(BallotError, match="请的是谁"):
        store.write(lambda s: invitations.invite(s, poll, " "))


def test_one_browser_twice_is_counted_once_unless_the_host_says_otherwise(
    store: Store, poll: PollRow, study: Study
) -> None:
    browser = invitations.keyed(poll, "one")
    seats = [
        store.write(lambda s, name=name: voting.join(s, poll.code, name, browser=browser))  # type: ignore[misc]
        for name in ("张三", "李四")
    ]
    for rater in seats:
        cast(store, poll, rater, ballots(store, rater)[0].id)
    assert collect(study, store) == 2
    assert len(judge(study).votes) == 1
    (group,) = store.read(lambda s: invitations.alike(s, poll))
    assert (set(group.names), group.shared) == ({"张三", "李四"}, ("browser",))
    store.write(lambda s: invitations.set_apart(s, poll, group.others[0]))
    assert store.read(lambda s: invitations.alike(s, poll)) == ()
    collect(study, store)
    assert len(judge(study).votes) == 2
    with pytest.raises(UnknownBallotError):
        store.write(lambda s: invitations.set_apart(s, poll, new_id()))


def test_keyed_hashes_tell_nothing_and_differ_between_polls(poll: PollRow) -> None:
    found = invitations.keyed(poll, "192.168.1.9")
    assert found == invitations.keyed(poll, "192.168.1.9")
    assert "192" not in found
    assert found != invitations.keyed(PollRow(id=new_id()), "192.168.1.9")
    assert invitations.keyed(poll, "") == ""


@pytest.mark.slow
def test_two_hundred_people_voting_at_once_make_exactly_ten_thousand_votes(
    tmp_path: Path, study: Study
) -> None:
    """Each of 200 raters casts 50 ballots; every fifth vote is sent again, its answer lost."""
    with Store(f"sqlite:///{tmp_path / 'many.db'}") as store:
        poll = store.write(lambda s: voting.open_poll(s, study, ballots=50))

        def rate(number: int) -> None:
            rater = joined(store, poll, f"评审{number}")
            for place, ballot in enumerate(ballots(store, rater)):
                press = new_id()
                for _ in range(2 if place % 5 == number % 5 else 1):
                    cast(store, poll, rater, ballot.id, identity=press)

        with ThreadPoolExecutor(200) as people:
            list(people.map(rate, range(200)))
        assert store.read(lambda s: s.query(VoteRow).count()) == 10_000
        assert store.read(lambda s: s.query(VoteRow.ballot_id).distinct().count()) == 10_000
        assert collect(study, store) == 10_000
        assert len({vote.id for vote in study.votes()}) == 10_000

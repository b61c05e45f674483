"""Ballots for people who vote on paper or in a spreadsheet: out as CSV, and back in."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from fencun.errors import FencunError, RecordError
from fencun.evaluate.find import scenario_of
from fencun.evaluate.joining import join
from fencun.evaluate.polling import BallotError
from fencun.evaluate.records import CHOICES, REASONS, Choice, Opinion, Reason
from fencun.evaluate.voting import vote
from fencun.files import inert, write_bytes
from fencun.labels import Label
from fencun.store.ballots import BallotRow, PollRow, RaterRow

_COLUMNS = (
    "编号", "评审人", "需求", "左", "右", "选择", "左会直接发", "右会直接发", "左理由", "右理由",
)  # fmt: skip
_YES = frozenset("是会yY1√✓对") | {"yes", "会发", "是的"}
_NO = frozenset("否不nN0×✗错") | {"no", "不会", "不发", "不是"}
_WORDS: dict[str, Choice] = {
    "左": "left", "右": "right", "平": "tie", "一样": "tie", "都好": "tie", "都不好": "neither",
    **{key: key for key in CHOICES}, **{zh: key for key, (zh, _) in CHOICES.items()},
}  # fmt: skip


Reasons = Mapping[Reason, Label]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file: votes taken, lines left blank, and lines that could not be read."""

    taken: int
    blank: int
    errors: tuple[RecordError, ...]


def export_ballots(session: Session, poll: PollRow, path: Path, raters: int) -> int:
    """Draw sets for ``raters`` new raters and write them to ``path`` as CSV; return the ballots.

    UTF-8 with a byte order mark, so that Excel reads it. Who wrote which text is not in it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    count = 0
    for number in range(1, raters + 1):
        rater = join(session, poll.code, f"纸面{number}", source="paper")
        ballots = session.scalars(
            select(BallotRow).where(BallotRow.rater_id == rater.id).order_by(BallotRow.place)
        )
        for ballot in ballots:
            told = "；".join(f"{label}：{value}" for label, value in ballot.lines)
            cells = (rater.name, told, ballot.left_text, ballot.right_text)
            writer.writerow((ballot.id, *(inert(cell) for cell in cells), "", "", "", "", ""))
            count += 1
    write_bytes(path, b"\xef\xbb\xbf" + text.getvalue().encode())
    return count


def import_ballots(session: Session, path: Path) -> Imported:
    """Cast the filled-in lines of a CSV file; a line that was imported before counts once.

    A line that cannot be read is told with its number; the others are taken all the same.

    Raises:
        FencunError: the file cannot be opened or is no such CSV.
    """
    taken = blank = 0
    errors: list[RecordError] = []
    named = cache(_reasons)
    for line, row in _rows(path):
        try:
            cast = _cast(session, row, line, named)
        except RecordError as error:
            errors.append(error)
            continue
        taken, blank = taken + cast, blank + (not cast)
    return Imported(taken, blank, tuple(errors))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FencunError(
            f"打不开 {path}：{error.strerror}。", f"Cannot open {path}: {error.strerror}."
        ) from error
    reader = csv.DictReader(io.StringIO(_decoded(raw, path), newline=""), restval="")
    names = [name.strip() for name in reader.fieldnames or ()]
    if not {"编号", "选择"} <= set(names):
        raise FencunError(
            f"{path} 不像导出的选票：第一行要有“编号”和“选择”。",
            f"{path} is not an exported ballot file: the first line needs 编号 and 选择.",
        )
    reader.fieldnames = names
    try:
        for row in reader:
            yield reader.line_num, {k: (v or "").strip() for k, v in row.items() if k}
    except csv.Error as error:
        raise FencunError(
            f"{path} 第 {reader.line_num} 行读不了：{error}。",
            f"{path}, line {reader.line_num} is malformed: {error}.",
        ) from error


def _decoded(raw: bytes, path: Path) -> str:
    """Excel on a Chinese Windows saves GB18030 unless told otherwise."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FencunError(f"{path} 不是文本文件。", f"{path} is not a text file.")


def _cast(
    session: Session, row: Mapping[str, str], line: int, reasons: Callable[[str], Reasons]
) -> bool:
    """Cast one line; False where nothing was chosen. ``reasons`` are those of a study."""
    said = row.get("选择", "")
    if not said:
        return False
    choice = _WORDS.get(said.lower())
    if choice is None:
        told = "、".join(zh for zh, _ in CHOICES.values())
        raise RecordError(
            f"第 {line} 行的选择“{said[:20]}”看不懂；可以写：{told}。",
            f"Line {line}: choice {said[:20]!r} is not understood; write one of {told}.",
            line=line,
        )
    poll, rater, ballot = _found(session, row.get("编号", ""), line)
    named = reasons(poll.fingerprint)
    try:
        vote(
            session,
            poll.code,
            rater.key,
            ballot.id,
            identity=ballot.id,  # one line of paper is one vote, however often it is imported
            choice=choice,
            left=_opinion(row, "左", line, named),
            right=_opinion(row, "右", line, named),
            seconds=None,
        )
    except BallotError as error:
        raise RecordError(
            f"第 {line} 行：{error.zh}", f"Line {line}: {error.en}", line=line
        ) from error
    return True


def _reasons(fingerprint: str) -> Reasons:
    """Return the reasons as the scenario of that study calls them; as all do where it is gone."""
    scenario = scenario_of(fingerprint)
    return scenario.words.named(REASONS) if scenario else REASONS


def _found(session: Session, identity: str, line: int) -> tuple[PollRow, RaterRow, BallotRow]:
    ballot = session.get(BallotRow, identity)
    rater = session.get(RaterRow, ballot.rater_id) if ballot else None
    poll = session.get(PollRow, ballot.poll_id) if ballot else None
    # Ballots of the web page are voted on there: a file must not speak for another rater.
    if ballot is None or rater is None or poll is None or rater.source != "paper":
        raise RecordError(
            f"第 {line} 行的编号不是导出的选票。",
            f"Line {line}: no ballot with this 编号 was exported.",
            line=line,
        )
    return poll, rater, ballot


def _opinion(row: Mapping[str, str], side: str, line: int, named: Reasons) -> Opinion:
    """Read what was said of one side, with reasons ``named`` as the study's scenario has them.

    The words that everybody else uses are understood as well.
    """
    own = {zh: reason for reason, (zh, _) in named.items()}
    known = {**{zh: reason for reason, (zh, _) in REASONS.items()}, **own}
    reasons: list[Reason] = []
    cell = row.get(f"{side}理由", "").replace("，", "、").replace(",", "、").replace(" ", "、")
    for told in filter(None, cell.split("、")):
        if told not in known:
            raise RecordError(
                f"第 {line} 行的理由“{told[:20]}”没有这一条；可以写：{'、'.join(own)}。",
                f"Line {line}: there is no reason {told[:20]!r}; known: {', '.join(own)}.",
                line=line,
            )
        reasons.append(known[told])
    sent = row.get(f"{side}会直接发", "")
    if sent and sent not in _YES | _NO:
        raise RecordError(
            f"第 {line} 行的“会直接发”写了“{sent[:20]}”，看不懂；写 会 或 不会，没想好就空着。",
            f"Line {line}: 会直接发 says {sent[:20]!r}; write 会 or 不会, or leave it empty.",
            line=line,
        )
    # An empty cell was not answered: that is no no.
    return Opinion(send=sent in _YES if sent else None, reasons=tuple(reasons))

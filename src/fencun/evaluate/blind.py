"""What must not be written while people vote on it: the same brief again would tell the arms."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from fencun.brief import Brief
from fencun.errors import FencunError
from fencun.evaluate.study import Study
from fencun.scenario import Scenario
from fencun.store.ballots import PollRow

Key = tuple[str, ...]

_NOT_WORD = re.compile(r"[\W_]+")
_TELLING = 4  # characters of a detail that make it the same brief, whoever is addressed


class UnderVoteError(FencunError):
    """People are voting on texts for this very brief."""

    code = "blind"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "大家正在盲评这条需求的回答，投票结束前不能再写它：不然一写就知道哪条是谁写的了。"
            "换一条需求，或等投票结束。",
            "People are voting on texts for this very brief. Until the poll is closed it is not "
            "written again, for that would tell who wrote which. Ask for another one.",
        )


def refuse_under_vote(session: Session, brief: Brief) -> None:
    """Raise :class:`UnderVoteError` if an open poll asks about ``brief``, or one just like it."""
    polls = session.execute(
        select(PollRow.folder, PollRow.fingerprint).where(PollRow.closed_at.is_(None))
    )
    asked = _keys(brief.scenario, brief.values)
    if any(asked & _polled(folder, fingerprint) for folder, fingerprint in polls):
        raise UnderVoteError


@lru_cache(maxsize=16)
def _polled(folder: str, _fingerprint: str) -> frozenset[Key]:
    """Return the keys of all briefs of a study; none where its folder is gone."""
    try:
        study = Study(Path(folder))
        scenario = study.scenario
        briefs = study.parsed_briefs().values()
    except FencunError:
        return frozenset()
    return frozenset(key for brief in briefs for key in _keys(scenario, brief.values))


def _keys(scenario: Scenario, values: Mapping[str, str]) -> frozenset[Key]:
    """Return what a brief is known by: all its fields, and its detail where that says enough."""
    plain = {name: _plain(told) for name, told in values.items()}
    whole = tuple(plain.get(dimension.name, "") for dimension in scenario.dimensions)
    keys = {(scenario.name, "whole", *whole)}
    detail = scenario.role("detail")
    told = plain.get(detail.name, "") if detail else ""
    if len(told) >= _TELLING:
        keys.add((scenario.name, "detail", told))
    return frozenset(keys)


def _plain(text: str) -> str:
    return _NOT_WORD.sub("", unicodedata.normalize("NFKC", text)).casefold()

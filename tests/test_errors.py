"""An error says one sentence, in the language of the process, and knows its status."""

import inspect

import pytest

from fencun import errors
from fencun.errors import BriefError, BusyError, FencunError, RecordError


def test_an_error_speaks_the_language_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    error = BriefError("缺称呼。", "The salutation is missing.", field="salutation")
    assert (str(error), error.field) == ("缺称呼。", "salutation")
    monkeypatch.setenv("FENCUN_LANG", "en")
    assert str(error) == "The salutation is missing."


def test_programs_can_tell_them_apart() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    ours = [kind for kind in kinds if issubclass(kind, FencunError)]
    assert len({kind.code for kind in ours}) == len(ours)
    assert all(400 <= kind.status < 600 for kind in ours)
    assert BusyError("忙。", "Busy.", retry_after=3).retry_after == 3
    assert RecordError("坏。", "Bad.", line=7).line == 7

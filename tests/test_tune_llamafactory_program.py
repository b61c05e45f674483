"""Whether LLaMA-Factory is there, and where."""

from pathlib import Path

import pytest

from fencun.errors import FencunError
from fencun.tune.llamafactory.program import find_llamafactory, has_llamafactory


def test_the_one_that_is_named_goes_before_our_own(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FENCUN_LLAMAFACTORY", raising=False)
    assert not has_llamafactory()
    own = own_home / "llamafactory" / "bin" / "llamafactory-cli"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_llamafactory() == own
    named = tmp_path / "mine"
    named.touch()
    monkeypatch.setenv("FENCUN_LLAMAFACTORY", str(named))
    assert find_llamafactory() == named


def test_one_that_is_not_there_says_how_to_set_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_LLAMAFACTORY", "/nowhere/llamafactory-cli")
    with pytest.raises(FencunError, match="setup-llamafactory"):
        find_llamafactory()
    assert not has_llamafactory()

"""What ran and when, as every manifest tells it."""

import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from fencun import __version__, provenance
from fencun.provenance import revision, timestamp, versions


def test_versions_are_those_of_what_is_here() -> None:
    found = versions(["pydantic", "no-such-package"])
    assert found["fencun"] == __version__
    assert found.keys() == {"python", "fencun", "pydantic"}


def test_the_revision_is_the_one_checked_out_and_marked_where_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a second work tree, and after refs were packed: there .git/HEAD tells nothing."""
    home, other = tmp_path / "home", tmp_path / "other"

    def git(*words: str, at: Path = home) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(["git", "-C", at, *who, *words], capture_output=True, check=True)
        return done.stdout.decode().strip()

    home.mkdir()
    git("init", "-q")
    (home / "code.py").write_text("1", encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", "one")
    git("worktree", "add", "-q", str(other))
    git("pack-refs", "--all")
    for place in (home, other):
        monkeypatch.setattr(provenance, "PACKAGE", place)
        assert revision() == git("rev-parse", "HEAD", at=place)
    (other / "code.py").write_text("2", encoding="utf-8")
    assert revision() == git("rev-parse", "HEAD") + "+"
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert revision() == ""


def test_without_git_there_is_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert revision() == ""


def test_the_moment_is_told_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", timestamp())
    assert datetime.fromisoformat(timestamp()).tzinfo is not None

"""What the verbs share: help in one language, a guard for what is missing, JSON, a quiet bar."""

import json

import pytest
import typer
from typer.testing import CliRunner

from fencun.cli.options import print_json, progress, verb
from fencun.errors import FencunError
from fencun.extras import EXTRAS


def app_of(needs: str | None) -> typer.Typer:
    app = typer.Typer()

    @verb(app, "做一件事。", "Do a thing.", name="do", needs=needs)
    def do(times: int = 1) -> None:
        """Not what help shows."""
        typer.echo("done " * times)

    assert callable(do)
    return app


def test_a_verb_shows_its_help_and_runs() -> None:
    runner = CliRunner()
    assert "做一件事" in runner.invoke(app_of(None), ["--help"]).output
    assert runner.invoke(app_of(None), ["--times", "2"]).output.split() == ["done", "done"]


def test_what_is_missing_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "card", ("no_such_module",))  # type: ignore[attr-defined]
    ended = CliRunner().invoke(app_of("card"), [])
    assert isinstance(ended.exception, FencunError)
    assert "fencun[card]" in ended.exception.en
    assert "done" not in ended.output
    assert CliRunner().invoke(app_of("card"), ["--help"]).exit_code == 0, "help is always there"


def test_json_keeps_what_people_write(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"称呼": "王老师"})
    printed = capsys.readouterr().out
    assert "王老师" in printed
    assert json.loads(printed) == {"称呼": "王老师"}


def test_a_bar_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    for in_bytes in (False, True):
        with progress("读", in_bytes=in_bytes) as tell:
            tell(0, 0)
            tell(3, 10, "train.jsonl")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")

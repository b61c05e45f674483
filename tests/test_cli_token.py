"""``fencun token``, as typed: made, listed, revoked, and noted in the log."""

import json

import pytest
from cli_case import run

from fencun.errors import FencunError
from fencun.store import tokens
from fencun.store.database import Store


def found(plain: str) -> bool:
    with Store() as store:
        return store.read(lambda s: tokens.find(s, plain)) is not None


def test_a_token_is_made_listed_and_revoked() -> None:
    made = json.loads(run("token", "add", "小李", "--scope", "rate, write", "--json").stdout)
    assert made["scopes"] == ["write", "rate"]
    assert made["path"] == f"/enter#{made['token']}"
    assert found(made["token"])
    (listed,) = json.loads(run("token", "list", "--json").stdout)
    assert (listed["name"], listed["daily"], listed["expires"]) == ("小李", 300, None)
    assert "小李  write, rate" in run("token", "list").stdout
    assert "作废" in run("token", "revoke", "小李").stdout
    assert not found(made["token"])
    actions = [
        json.loads(line)["action"] for line in run("token", "log", "--json").stdout.split("\n")[:-1]
    ]
    assert actions == ["token revoke: 小李", "token add: 小李 (write, rate)"]


def test_what_a_program_reads_is_the_token_alone() -> None:
    made = run("token", "add", "小李", "--days", "3")
    (plain,) = made.stdout.split()
    assert found(plain)
    assert "只显示这一次" in made.stderr


def test_a_scope_that_is_none_is_named() -> None:
    failed = run("token", "add", "小李", "--scope", "rate,root")
    assert isinstance(failed.exception, FencunError)
    assert "root" in str(failed.exception)


@pytest.mark.parametrize("url", ["http://10.0.0.5:8765", "http://10.0.0.5:8765/"])
def test_a_link_leads_to_the_server_that_is_named(url: str) -> None:
    printed = run("token", "link", "--url", url).stdout.strip()
    assert printed.startswith("http://10.0.0.5:8765/enter?key=fencun-")

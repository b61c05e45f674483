"""Tokens: shown once, hashed at rest, good for some scopes and no longer than they last."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from fencun.store import tokens
from fencun.store.database import Store
from fencun.store.schema import TokenRow
from fencun.store.tokens import TokenError


def test_a_token_is_found_by_what_was_shown_and_only_its_hash_is_kept(store: Store) -> None:
    plain = store.write(lambda s: tokens.add(s, "王老师", ["host", "write"], daily=5))
    row = store.read(lambda s: tokens.find(s, plain))
    assert row is not None
    assert (row.name, row.scopes, row.daily) == ("王老师", ["write", "host"], 5)
    assert plain not in str(store.read(lambda s: s.scalars(select(TokenRow.hash)).all()))
    assert store.read(lambda s: tokens.find(s, plain + "x")) is None
    assert store.read(lambda s: tokens.find(s, "x" * 200)) is None


def test_a_revoked_and_an_expired_token_are_worth_nothing(store: Store) -> None:
    plain = store.write(lambda s: tokens.add(s, "小李", ["rate"]))
    late = store.write(lambda s: tokens.add(s, "老周", ["rate"], lasts=timedelta(seconds=-1)))
    assert [row.name for row in store.read(tokens.listed)] == ["小李"]
    store.write(lambda s: tokens.revoke(s, "小李"))
    assert store.read(lambda s: (tokens.find(s, plain), tokens.find(s, late))) == (None, None)
    with pytest.raises(TokenError, match="没有叫"):
        store.write(lambda s: tokens.revoke(s, "小李"))


def test_names_are_given_once(store: Store) -> None:
    store.write(lambda s: tokens.add(s, "小李", ["rate"]))
    for name, said in (("小李", "已经有过"), (" ", "起个名字"), ("host-1", "不能以")):
        with pytest.raises(TokenError, match=said):
            store.write(lambda s, name=name: tokens.add(s, name, ["rate"]))
    with pytest.raises(TokenError, match="什么都不能做"):
        store.write(lambda s: tokens.add(s, "老周", []))


def test_a_link_is_exchanged_once_for_a_token_of_the_host(store: Store) -> None:
    key = store.write(tokens.add_link)
    assert store.read(lambda s: tokens.find(s, key)) is None, "a link opens nothing itself"
    token = store.write(lambda s: tokens.redeem(s, key))
    assert token is not None
    assert store.write(lambda s: tokens.redeem(s, key)) is None
    row = store.read(lambda s: tokens.find(s, token))
    assert row is not None
    assert set(row.scopes) == set(tokens.SCOPES)

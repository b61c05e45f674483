"""Tokens: named, hashed at rest, each good for some scopes; as functions of a session."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from fencun.errors import FencunError
from fencun.names import tidy_name
from fencun.store.audit import Act, note
from fencun.store.schema import TokenRow, now
from fencun.store.writings import new_id

Scope = Literal["write", "review", "rate", "host"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

DAILY = 300  # writings a day, unless told otherwise
OF_A_LINK = "host-"  # how the name of a token begins that a link was exchanged for
_PREFIX = "fencun-"
_LINK_LASTS = timedelta(days=1)
_LINK_GIVES = timedelta(days=30)


class TokenError(FencunError):
    """A token that cannot be made or is not there."""

    code = "token"
    status = 409


def add(
    session: Session,
    name: str,
    scopes: Collection[Scope],
    *,
    daily: int = DAILY,
    lasts: timedelta | None = None,
) -> str:
    """Make a token and return it: it is shown this once, only its hash is kept.

    Raises:
        TokenError: the name is empty or was given before, or no scope is named.
    """
    name = tidy_name(name)
    if not name or not name.isprintable():
        raise TokenError("给令牌起个名字，比如用的人的名字。", "Give the token a name.")
    if name.startswith(OF_A_LINK):
        raise TokenError(f"名字不能以 {OF_A_LINK} 开头。", f"No name begins with {OF_A_LINK}.")
    if not scopes:
        raise TokenError("这个令牌什么都不能做。", "This token would be good for nothing.")
    if session.scalar(select(TokenRow.id).where(TokenRow.name == name)):
        raise TokenError(
            f"已经有过叫“{name}”的令牌；名字不重用，换一个。",
            f"There was a token called {name!r} before; names are not used twice.",
        )
    plain = _fresh()
    row = TokenRow(
        id=new_id(),
        name=name,
        hash=_hash(plain),
        scopes=sorted(scopes, key=SCOPES.index),
        daily=daily,
        expires_at=now() + lasts if lasts else None,
    )
    session.add(row)
    note(session, Act(f"token add: {name} ({', '.join(row.scopes)})"))
    return plain


def add_link(session: Session) -> str:
    """Make a key that can be exchanged, once and within a day, for a token of the host."""
    for row in session.scalars(select(TokenRow).where(TokenRow.once, TokenRow.expires_at < now())):
        session.delete(row)
    plain = _fresh()
    session.add(
        TokenRow(
            id=new_id(),
            name=f"{OF_A_LINK}{secrets.token_hex(4)}",
            hash=_hash(plain),
            scopes=list(SCOPES),
            once=True,
            expires_at=now() + _LINK_LASTS,
        )
    )
    return plain


def redeem(session: Session, plain: str) -> str | None:
    """Exchange the key of a link for a token, which is returned; None where it is no good."""
    row = _standing(session, plain, held=True)
    if row is None or not row.once:
        return None
    token = _fresh()
    row.hash, row.once, row.expires_at = _hash(token), False, now() + _LINK_GIVES
    note(session, Act("link used", row.id, row.name))
    return token


def find(session: Session, plain: str) -> TokenRow | None:
    """Return the token, if it is one, was not revoked and has not run out."""
    row = _standing(session, plain)
    return None if row is None or row.once else row


def spend(session: Session, token: str) -> bool:
    """Count one writing of today for the token with that id; False where its share is used up."""
    row = session.get(TokenRow, token, with_for_update=True)
    if row is None:
        return False
    today = now().date().isoformat()
    if row.day != today:
        row.day, row.used = today, 0
    if row.daily and row.used >= row.daily:
        return False
    row.used += 1
    return True


def revoke(session: Session, name: str) -> None:
    """Make a token worthless.

    Raises:
        TokenError: there is no such token.
    """
    row = session.scalars(select(TokenRow).where(TokenRow.name == name)).one_or_none()
    if row is None or row.revoked_at is not None:
        raise TokenError(f"没有叫“{name[:40]}”的令牌。", f"There is no token {name[:40]!r}.")
    row.revoked_at = now()
    note(session, Act(f"token revoke: {row.name}"))


def listed(session: Session) -> Sequence[TokenRow]:
    """Return the tokens that are good, oldest first."""
    query = select(TokenRow).where(TokenRow.revoked_at.is_(None), ~TokenRow.once)
    rows = session.scalars(query.order_by(TokenRow.created_at, TokenRow.id))
    return [row for row in rows if row.expires_at is None or row.expires_at > now()]


def _standing(session: Session, plain: str, *, held: bool = False) -> TokenRow | None:
    if not plain.startswith(_PREFIX) or len(plain) > 100:
        return None
    query = select(TokenRow).where(TokenRow.hash == _hash(plain), TokenRow.revoked_at.is_(None))
    row = session.scalars(query.with_for_update() if held else query).one_or_none()
    return row if row and (row.expires_at is None or row.expires_at > now()) else None


def _fresh() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _hash(plain: str) -> str:
    # Of 256 random bits a plain hash is enough: there is nothing to guess.
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()

"""What tests of streams share: events as a server sends them, and what is read of them."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fencun.models import wire
from fencun.models.engine import Completion


def event(text: str = "", finish: str | None = None, **more: Any) -> str:
    choice = {"delta": {"content": text}, "finish_reason": finish, **more}
    return f"data: {json.dumps({'choices': [choice]})}"


async def lines(*values: str) -> AsyncIterator[str]:
    for value in values:
        yield value


async def read(*values: str) -> Completion:
    return await wire.collect(wire.answers(wire.read_pieces(lines(*values))))


def said(delta: dict[str, Any], **more: Any) -> str:
    return f"data: {json.dumps({'choices': [{'delta': delta, **more}]})}"

"""What comes in, read strictly: no half characters, no number that nothing can hold."""

import json
from typing import Any

from fastapi import Request

from fencun.web.errors import HTTPRefusal, RequestError

_MOST_DIGITS = 40
_DEEPEST = 32


class StrictRequest(Request):
    """A request whose JSON holds whole characters, short numbers and no towers of brackets."""

    async def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            HTTPRefusal: it is no JSON, or holds what nothing can keep.
        """
        body = await self.body()
        try:
            value = json.loads(body, parse_int=_integer)
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                raise  # FastAPI says where
            raise _unreadable("不是能读的 JSON", "it is no JSON that can be read") from error
        _check(value, 0)
        return value


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _unreadable("里面有一个太大的数", "a number in it is too large")
    return int(digits)


def _check(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise _unreadable("层数太多", "it is nested too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_text(key)
            _check(each, depth + 1)


def _check_text(text: str) -> None:
    if not is_whole(text):
        raise _unreadable("里面有半个字符（落单的代理项）", "it holds half a character")


def small_number(text: str, otherwise: int) -> int:
    """Return the number that ``text`` is, if it is one of at most nine figures."""
    return int(text) if text.isdecimal() and len(text) <= 9 else otherwise


def is_whole(text: str) -> bool:
    """Whether ``text`` can be written down: a lone surrogate is half a character."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _unreadable(zh: str, en: str) -> HTTPRefusal:
    return HTTPRefusal(RequestError(f"请求读不了：{zh}。", f"The request cannot be read: {en}."))

"""What one event of an OpenAI-compatible stream says, in the dialects that servers speak."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fencun.errors import EngineError
from fencun.models.engine import Finish

_ENDS: dict[Finish, tuple[str, ...]] = {
    "stop": ("stop", "eos", "end_turn", "stop_sequence", "eos_token", "end", "completed", "done"),
    "length": ("length", "max_tokens", "max_length", "model_length", "max_output_tokens"),
    "content_filter": ("content_filter", "content-filter", "safety", "sensitive", "refusal"),
    "tool_calls": ("tool_calls", "tool_call", "function_call", "tool_use"),
}
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thoughts")
_REASONS = (
    "error", "message", "detail", "msg", "error_msg", "error_message", "errors", "errmsg",
    "base_resp", "status_msg",
)  # fmt: skip
_KEY = re.compile(r"api.?key|access.?token|wrong key|unauthori[sz]ed|密钥", re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_HIDDEN = re.compile(r"(?is)<(script|style)\b.*?(?:</\1>|\Z)|<!--.*?(?:-->|\Z)")
_TAG = re.compile(r"<[^<>]{0,500}>")
_SURELY = 6  # characters: a piece that begins with so much of what was said says it again


@dataclass(frozen=True, slots=True)
class EventPart:
    """What one event of a stream says; everything but ``text`` is usually absent.

    ``index`` tells the answers of one request apart, -1 belongs to none; ``logprobs`` holds
    the natural logarithm of the probability of each token in it.
    """

    text: str = ""
    index: int = 0
    finish: Finish | None = None
    thought: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprobs: tuple[float, ...] = ()


class Increments:
    """Tells what is new in each piece of an answer, should every piece repeat what came before.

    Nearly every stream is known with its second piece. One whose pieces so far each begin with
    all before them may be either (哈, 哈哈): they are held back until it is certain.
    """

    def __init__(self) -> None:
        self.repeats: bool | None = None  # None for not known yet
        self._first = self._last = ""
        self._held: list[str] = []

    def take(self, text: str) -> str:
        """Return what is new in ``text``; empty also where it is held back.

        Raises:
            EngineError: what came before has changed.
        """
        if self.repeats is False or not text:
            return text
        if not self._last:
            self._first = self._last = text
            return text
        before = self._last
        if not text.startswith(before):
            if self.repeats:
                raise unreadable(text)
            self.repeats = False
            return self.rest() + text
        self._last = text
        if self.repeats:
            return text[len(before) :]
        if len(before) < _SURELY:
            self._held.append(text)
            return ""
        self.repeats = True
        self._held.clear()
        return text[len(self._first) :]

    def rest(self) -> str:
        """Return what is still held back, as it came."""
        held, self._held = "".join(self._held), []
        return held


def usual(event: dict[str, Any]) -> dict[str, Any]:
    """Return ``event`` as OpenAI's API tells it, if it is one of Ollama's own API."""
    message, text = event.get("message"), event.get("response")
    if "choices" in event or "done" not in event or event.get("error"):
        return event
    if not isinstance(message, dict):
        if not isinstance(text, str):
            return event
        message = {"content": text, "thinking": event.get("thinking")}
    finish = event.get("done_reason") or "stop" if event["done"] else None
    counts = (event.get("prompt_eval_count"), event.get("eval_count"))
    return {
        "choices": [{"delta": message, "finish_reason": finish}],
        "usage": dict(zip(("prompt_tokens", "completion_tokens"), counts, strict=True)),
    }


def pieces(event: dict[str, Any], begun: set[int]) -> Iterator[EventPart]:
    """Yield what an event says of each answer; ``begun`` are those that are told by deltas."""
    event = usual(event)
    if event.get("error") or (not event.get("choices") and _tells_of_failure(event)):
        raise refused(json.dumps(event))
    try:
        prompt, completion = _usage(event.get("usage"))
        choices = list(event.get("choices") or ())
        for choice in choices:
            if choice.get("error") or choice.get("finish_reason") == "error":
                raise refused(json.dumps(choice))
            yield _piece(choice, begun, prompt, completion)
        if not choices:
            yield EventPart(index=-1, prompt_tokens=prompt, completion_tokens=completion)
    except (ValueError, AttributeError, TypeError, KeyError, OverflowError) as error:
        raise unreadable(json.dumps(event)) from error


def _tells_of_failure(event: dict[str, Any]) -> bool:
    """Whether an event without an answer says why; an answer of another API does not."""
    told = [event[name] for name in _REASONS if event.get(name)]
    return bool(told) and not any(isinstance(one, dict) and "content" in one for one in told)


def _piece(choice: dict[str, Any], begun: set[int], prompt: int, completion: int) -> EventPart:
    index = int(choice.get("index") or 0)
    said = choice.get("delta") or {}
    if said.get("content"):
        begun.add(index)
    elif not said and index not in begun:  # else it is the whole once more
        said = choice.get("message") or {"content": choice.get("text")}
    text, thought = _content(said.get("content"))
    finish = _finish(choice.get("finish_reason"))
    if said.get("refusal"):
        finish = "content_filter"
    elif finish == "stop" and (said.get("tool_calls") or said.get("function_call")):
        finish = "tool_calls"
    tokens = (choice.get("logprobs") or {}).get("content") or ()
    logprobs = [float(token["logprob"]) for token in tokens]
    return EventPart(
        text=text,
        index=max(0, index),
        finish=finish,
        thought=thought or any(said.get(name) for name in _THOUGHTS),
        prompt_tokens=prompt,
        completion_tokens=completion,
        logprobs=tuple(value for value in logprobs if math.isfinite(value)),
    )


def _content(content: Any) -> tuple[str, bool]:
    """Return the text of a message's content, one string or several parts; and if it thinks."""
    if content is None or isinstance(content, str):
        return content or "", False
    text, thought = "", False
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            text += part
        elif part.get("type", "text") in ("text", "output_text"):
            words = part.get("text") or part.get("content") or ""
            text += words if isinstance(words, str) else words["value"]
        else:
            thought = True
    return text, thought


def _usage(usage: Any) -> tuple[int, int]:
    """Return the tokens of the prompt and of the answer; 0 where they are not told."""
    counts = usage if isinstance(usage, dict) else {}
    return _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _finish(reason: object) -> Finish | None:
    """Return what a ``finish_reason`` means, in the words of any server; None for not yet."""
    word = str(reason or "").strip().lower()
    if word in ("", "null", "none"):
        return None
    return next((finish for finish, words in _ENDS.items() if word in words), "broken")


def unreadable(text: str) -> EngineError:
    """Return the error for what is no event of a stream and no answer, with its words."""
    reason = error_reason(text)[:120]
    return EngineError(
        f"模型服务回了看不懂的内容，请看看地址对不对（通常以 /v1 结尾）：{reason}",
        "The model server sent something unreadable; check the address (it usually ends in /v1): "
        f"{reason}",
    )


def refused(body: str) -> EngineError:
    """Return the error for a server that says no, with the reason out of its JSON ``body``."""
    reason = error_reason(body)
    if "context" in reason and ("exceed" in reason or "maximum" in reason):
        return EngineError(
            f"内容太长，超过了模型一次能读的长度，请删短一些再试。（{reason}）",
            f"The prompt is longer than the model can read at once; please shorten it. ({reason})",
        )
    if _KEY.search(reason):
        return EngineError(
            f"模型服务拒绝了请求：{reason} 请检查 FENCUN_ENDPOINT_KEY。",
            f"The model server refused: {reason} Check FENCUN_ENDPOINT_KEY.",
        )
    return EngineError(f"模型服务拒绝了请求：{reason}", f"The model server refused: {reason}")


def error_reason(body: str) -> str:
    """Return the words of an error body in one of the usual shapes, at most 300 characters.

    Of a web page its text is taken. What a terminal would obey is left out.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = _page_text(body) if body.lstrip().startswith("<") else body
    for _ in range(4):
        if not isinstance(value, dict):
            break
        named = (value.get(name) for name in _REASONS)
        value = next((found for found in named if found), None) or json.dumps(
            value, ensure_ascii=False
        )
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(_UNSEEN.sub(" ", words).split())[:300]


def _page_text(page: str) -> str:
    return _TAG.sub(" ", _HIDDEN.sub(" ", page[:20_000])) or page

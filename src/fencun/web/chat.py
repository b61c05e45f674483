"""What OpenAI's clients send and get: read into a brief and a decoding, or refused clearly."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fencun.brief import Brief, parse_brief
from fencun.errors import BriefError, ModelError
from fencun.models.engine import Completion, Decoding
from fencun.prompt import Arm
from fencun.scenario import Scenario
from fencun.script import plain
from fencun.web.errors import RequestError
from fencun.web.studio import SEEDS, Studio

MAX_N = 8
MAX_TOKENS = 2048

# Fields of the API that change nothing here and are taken at these values only.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "stop": ([],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "parallel_tool_calls": (True, False),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "verbosity": ("medium",),
    "reasoning_effort": ("none",),
}
_IGNORED = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})


class ContentPart(BaseModel):
    """A piece of a message; only text is understood."""

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One turn. Exactly one is taken, and it is the user's: the scenario has its own prompt."""

    model_config = ConfigDict(extra="ignore")

    role: str
    content: str | list[ContentPart]

    @property
    def text(self) -> str:
        """The words of the turn."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """``include_usage`` asks for a last chunk that tells what the answer cost."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """``POST /v1/chat/completions``. What cannot be honoured is refused, never ignored.

    Only ``max_tokens`` is a bound, not a wish: beyond what a message ever needs it is lowered.
    """

    model_config = ConfigDict(extra="allow")

    model: str = Field(examples=["spring_festival/prompt"], max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=64)
    n: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    seed: Annotated[int, Field(ge=0, lt=SEEDS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def refuse_unknown(self) -> None:
        """Raise :class:`RequestError` for a field that would change the answer elsewhere."""
        for name, value in (self.model_extra or {}).items():
            if value is None or name in _IGNORED or value in _NEUTRAL.get(name, ()):
                continue
            raise RequestError(
                f"这里不支持参数 {name[:40]}，请去掉它。",
                f"The parameter {name[:40]} is not supported here; leave it out.",
                field=name[:40],
            )


def model_id(scenario: Scenario, arm: str) -> str:
    """Return the model id that names ``scenario`` and ``arm``."""
    return f"{scenario.name}/{arm}"


def parse_model(studios: Iterable[Studio], name: str) -> tuple[Studio, Arm]:
    """Return the studio and the arm that a model id names.

    Raises:
        ModelError: there is no such model.
    """
    known = []
    for studio in studios:
        for arm in studio.arms:
            if name == model_id(studio.scenario, arm):
                return studio, arm
            known.append(model_id(studio.scenario, arm))
    told = "、".join(known)
    raise ModelError(
        f"没有模型 {name[:80]}；可用的：{told}。",
        f"There is no model {name[:80]!r}; there are: {', '.join(known)}.",
    )


def parse_messages(scenario: Scenario, turns: list[ChatMessage]) -> tuple[dict[str, str], Brief]:
    """Return the fields as typed, and the brief, that the only user message tells.

    Raises:
        RequestError: there is another message, or it has no form that is known here.
        BriefError: the fields do not fit the scenario.
    """
    if len(turns) != 1 or turns[0].role != "user":
        raise RequestError(
            "只收一条 user 消息：提示词由场景决定，不收 system，也不接着上文聊。",
            "Send exactly one user message: the scenario has its own prompt, and there is no "
            "conversation to go on with.",
            field="messages",
        )
    fields = _fields(scenario, turns[0].text)
    try:
        return fields, parse_brief(scenario, fields)
    except BriefError as error:
        raise RequestError(error.zh, error.en, field=f"messages[0].{error.field}") from error


_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n\s*```\Z", re.DOTALL | re.IGNORECASE)
_LISTED = re.compile(r"^(?:[-*•·](?!\*)|\d{1,2}[.、)])\s*")  # how a line of a list begins


def _fields(scenario: Scenario, text: str) -> dict[str, str]:
    stripped = _FENCE.sub(r"\1", text.strip())
    read = _from_json if stripped.startswith("{") else _from_lines
    return read(scenario, stripped)


def _from_json(scenario: Scenario, text: str) -> dict[str, str]:
    """Read an object of strings (null for nothing); its keys are names or labels, each once."""
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        pairs = None
    fields: dict[str, str] = {}
    for key, value in pairs if isinstance(pairs, _Pairs) else [("", 0)]:
        field = _field(scenario, plain(key.strip())) or key
        if type(value) is int and field == _length_of(scenario):  # "篇幅": 50
            value = str(value)
        if not isinstance(value, str | None):
            raise RequestError(
                "消息看起来是 JSON，但不是一个“字段名: 文字”的对象。",
                "The message looks like JSON, but is no object of strings.",
                field="messages[0].content",
            )
        if field in fields:
            raise _no_form(scenario, key)
        fields[field] = value or ""
    return fields


def _length_of(scenario: Scenario) -> str | None:
    dimension = scenario.role("length")
    return dimension.name if dimension else None


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of a JSON object as they stand there, repeated ones too."""


def _from_lines(scenario: Scenario, text: str) -> dict[str, str]:
    """Read ``称呼：王老师`` lines, in any order, with either colon."""
    fields: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        bare = _LISTED.sub("", line)
        label, colon, value = bare.replace("**", "", 2).replace("：", ":", 1).partition(":")
        field = _field(scenario, plain(label.strip()))
        if not colon or field is None or field in fields:
            raise _no_form(scenario, line)
        fields[field] = "" if value.strip() == "无" else value.strip()
    return fields


def _field(scenario: Scenario, label: str) -> str | None:
    """Return the dimension that is called ``label``, or whose label alone has it as a part."""
    for dimension in scenario.dimensions:
        names = (dimension.name, dimension.label, dimension.line or "", dimension.en.lower())
        if label in filter(None, names):
            return dimension.name
    parts = [d.name for d in scenario.dimensions if len(label) > 1 and label in d.label]
    return parts[0] if len(parts) == 1 else None


def _no_form(scenario: Scenario, line: str) -> RequestError:
    labels = "、".join(f"{dimension.label}：" for dimension in scenario.dimensions)
    return RequestError(
        f"这一行没有看懂：{line[:40]}。请每行写一项，各写一次（{labels}），或发一个 JSON 对象。",
        f"This line is not understood: {line[:40]!r}. Write one field a line, each once "
        f"({', '.join(d.name for d in scenario.dimensions)}), or send a JSON object.",
        field="messages[0].content",
    )


def decoding(studio: Studio, brief: Brief, arm: Any, body: ChatRequest) -> Decoding:
    """Return how the arm samples, with what the request asks for otherwise."""
    chosen = studio.writer.decoding(brief, arm)
    if body.temperature is not None:
        chosen = replace(chosen, temperature=body.temperature)
    if body.top_p is not None:
        chosen = replace(chosen, top_p=body.top_p)
    if limit := body.max_completion_tokens or body.max_tokens:
        chosen = replace(chosen, max_tokens=min(limit, MAX_TOKENS))
    return chosen


def usage(completions: list[Completion]) -> dict[str, int]:
    """Return what the answers cost; their common prompt counts once."""
    prompt = max((completion.prompt_tokens for completion in completions), default=0)
    answers = sum(completion.completion_tokens for completion in completions)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answers,
        "total_tokens": prompt + answers,
    }

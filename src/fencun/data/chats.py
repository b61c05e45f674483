"""Samples as chats, the prompt made by the code that serves: the one form that all others follow.

Light on purpose: the data export and the tuning projects share it, and neither needs what
the other does.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fencun.brief import parse_brief
from fencun.files import Json
from fencun.prompt import messages
from fencun.records import Sample
from fencun.scenario import Scenario

# Names by which LLaMA-Factory is told which keys and roles its "sharegpt" reader will meet.
_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def turns(scenario: Scenario, sample: Sample) -> list[dict[str, str]]:
    """Return what is asked of the model for ``sample``, as the tuned arm asks it."""
    brief = parse_brief(scenario, sample.brief, strict=True)
    return [{"role": m["role"], "content": m["content"]} for m in messages(brief, "tuned")]


def chat(scenario: Scenario, sample: Sample) -> Json:
    """Return ``sample`` as a chat in OpenAI form."""
    answer = {"role": "assistant", "content": sample.text}
    return {"messages": [*turns(scenario, sample), answer]}


def conversations(scenario: Scenario, samples: Sequence[Sample]) -> list[Json]:
    """Return samples as chats in OpenAI form, the prompt made by the code that serves."""
    return [chat(scenario, sample) for sample in samples]


def dataset_info(names: Iterable[str]) -> dict[str, Any]:
    """Return LLaMA-Factory's dataset_info.json for chats in OpenAI form in ``<name>.json``."""
    return {
        name: {
            "file_name": f"{name}.json",
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": dict(_TAGS),
        }
        for name in names
    }

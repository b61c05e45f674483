"""The chat template of a base, as text around the one message that is sent."""

from typing import Any

from fencun.errors import ModelError

_PLACE = "\u2063PLACE\u2063"


def one_turn(tokenizer: Any) -> tuple[str, str]:
    """Return what the template puts before and after a user's message, thinking off.

    What follows it ends where the assistant begins to write. Servers with templates of their
    own (Ollama) get these two pieces, so that they cannot differ from training.

    Raises:
        ModelError: the tokenizer has no template, or it does not keep the message as it is.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError("这个底座没有对话模板。", "This base has no chat template.")
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": _PLACE}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=False,
    )
    before, place, after = text.partition(_PLACE)
    if not place or _PLACE in after:
        raise ModelError(
            "底座的对话模板会改动消息，没法照搬。",
            "The chat template of this base rewrites the message and cannot be carried over.",
        )
    return before, after

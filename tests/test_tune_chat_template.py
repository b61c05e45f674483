"""The text around the one message that is sent."""

import pytest
from transformers import AutoTokenizer
from tune_tiny import TEMPLATE

from fencun.errors import ModelError
from fencun.tune.base import TunableBase
from fencun.tune.chat_template import one_turn


def test_a_template_that_rewrites_the_message_is_refused(base: TunableBase) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    tokenizer.chat_template = TEMPLATE.replace("message.content", "message.content | lower")
    with pytest.raises(ModelError, match="改动消息"):
        one_turn(tokenizer)

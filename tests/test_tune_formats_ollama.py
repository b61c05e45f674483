"""A Modelfile keeps the template of training, thinking off."""

from transformers import AutoTokenizer

from fencun.tune.base import TunableBase
from fencun.tune.chat_template import one_turn
from fencun.tune.formats.ollama import modelfile
from fencun.tune.formats.shipped import Recommended


def test_a_modelfile_keeps_the_template_and_thinking_off(base: TunableBase) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    text = modelfile(base, tokenizer, Recommended(1.0, 0.3), adapter="adapter.gguf")
    before, after = one_turn(tokenizer)
    assert f'TEMPLATE """{before}{{{{ .Prompt }}}}{after}"""' in text
    assert after.endswith("<think>\n\n</think>\n\n")
    assert "PARAMETER temperature 0.3" in text

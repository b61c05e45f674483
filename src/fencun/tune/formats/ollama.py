"""What Ollama needs beside a GGUF: a Modelfile."""

from typing import Any

from fencun.models.engine import Decoding
from fencun.tune.base import TunableBase
from fencun.tune.chat_template import one_turn
from fencun.tune.formats.shipped import Recommended


def modelfile(base: TunableBase, tokenizer: Any, recommended: Recommended, *, adapter: str) -> str:
    """Return an Ollama Modelfile: same template as in training, thinking off.

    A Modelfile cannot weaken an adapter, so ``adapter`` should be exported at its scale.
    """
    before, after = one_turn(tokenizer)
    source = base.gguf.name if base.gguf else str(base.folder)
    decoding = Decoding()
    return (
        f"FROM ./{source}\n"
        f"ADAPTER ./{adapter}\n"
        f'TEMPLATE """{before}{{{{ .Prompt }}}}{after}"""\n'
        f"PARAMETER temperature {recommended.temperature:g}\n"
        f"PARAMETER top_p {decoding.top_p:g}\n"
        f"PARAMETER top_k {decoding.top_k}\n"
        f"PARAMETER min_p {decoding.min_p:g}\n"
        f"PARAMETER repeat_penalty {decoding.repeat_penalty:g}\n"
        f"PARAMETER num_predict {decoding.max_tokens}\n"
        f'PARAMETER stop "{tokenizer.eos_token}"\n'
    )

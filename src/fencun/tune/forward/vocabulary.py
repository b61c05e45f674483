"""Which tokens an answer can be made of: the rows of the head worth computing."""

from collections.abc import Iterable
from typing import Any

from fencun.tune.examples import TrainingExample


def chinese_vocabulary(tokenizer: Any, examples: Iterable[TrainingExample]) -> list[int]:
    """Return the ids of all tokens in ``examples`` and of all that are Chinese text.

    Chinese text: ideographs, their punctuation, full-width forms. Tokens that hold only part
    of a character are in where ``examples`` use them.
    """
    wanted = {token for example in examples for token in (*example.prompt, *example.answer)}
    pieces = tokenizer.batch_decode([[index] for index in range(len(tokenizer))])
    wanted |= {index for index, piece in enumerate(pieces) if _is_chinese(piece)}
    return sorted(wanted)


def _is_chinese(piece: str) -> bool:
    return any(
        "\u2014" <= char <= "\u2026" or "\u3000" <= char <= "\u9fff" or "\uff00" <= char <= "\uffef"
        for char in piece
    ) and all(ord(char) >= 0x2000 or char == " " for char in piece)

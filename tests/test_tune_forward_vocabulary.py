"""Which tokens an answer can be made of."""

from collections.abc import Sequence

from fencun.tune.examples import TrainingExample
from fencun.tune.forward.vocabulary import chinese_vocabulary

PIECES = ("hello", "王", "，", "老师", "a王", "…", " ", "\ufffd", "１", "！")


class Tokens:
    """A tokenizer of ten pieces."""

    def __len__(self) -> int:
        return len(PIECES)

    def batch_decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        return ["".join(PIECES[index] for index in one) for one in ids]


def test_chinese_text_and_whatever_the_examples_use_is_in() -> None:
    used = TrainingExample("x", "f", "s", (0, 1), (7,), "")
    kept = chinese_vocabulary(Tokens(), [used])
    assert [PIECES[index] for index in kept] == [
        "hello", "王", "，", "老师", "…", "\ufffd", "１", "！"
    ]  # fmt: skip

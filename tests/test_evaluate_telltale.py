"""How well an arm is told from its text alone."""

import numpy as np

from fencun.evaluate.telltale import telltale


def texts(words: str, seed: int, briefs: int = 40) -> dict[str, str]:
    random = np.random.default_rng(seed)
    return {f"b{n}": "".join(random.choice(list(words), 30)) for n in range(briefs)}


def test_a_voice_of_its_own_is_told() -> None:
    found = telltale(texts("灶上的汤给您留着", 1), texts("祝您新春快乐万事如意", 2))
    assert found.total == 40
    assert (found.share or 0) > 0.95


def test_one_and_the_same_voice_is_not() -> None:
    found = telltale(texts("灶上的汤给您留着", 1), texts("灶上的汤给您留着", 2))
    assert 0.2 < (found.share or 0) < 0.8


def test_equal_and_missing_texts_are_not_asked() -> None:
    one = texts("灶上的汤", 1)
    other = texts("万事如意", 2) | {"b0": one["b0"], "b1": ""}
    assert telltale(one, other).total == 38
    assert telltale({"b0": "好"}, {"b0": "行"}).share is None

"""BLEU, ROUGE and likeness are the known numbers."""

import pytest

from fencun.evaluate import metrics


def test_bleu_and_rouge_are_the_known_numbers() -> None:
    assert metrics.bleu(["abcdef"], ["abcdef"]) == pytest.approx(1.0)
    assert metrics.bleu(["ab"], ["cd"]) == 0.0
    assert metrics.bleu(["abcxef"], ["abcdef"], order=2) == pytest.approx(
        ((5 / 6) * (3 / 5)) ** 0.5
    )
    assert metrics.bleu(["abcd"], ["abcdabcd"]) == pytest.approx(2.718281828 ** (1 - 2))
    assert metrics.rouge_l("abcde", "ace") == pytest.approx(2 * 3 / 8)
    assert metrics.rouge_l("", "abc") == 0.0

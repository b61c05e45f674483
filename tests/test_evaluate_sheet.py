"""A sheet for reading blind: in an order that tells nothing, some texts twice."""

from pathlib import Path

import pytest

from fencun.errors import FencunError
from fencun.evaluate.sheet import order, write_sheet
from fencun.evaluate.texts import Gathering
from fencun.scenario import Scenario


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60, 301])
def test_a_third_comes_twice_half_a_sheet_apart(count: int) -> None:
    for seed in range(20):
        shown = order(count, twice=1 / 3, seed=seed)
        assert set(shown) == set(range(count))
        assert len(shown) == count + round(count / 3)
        for text in {text for text in shown if shown.count(text) > 1}:
            first, second = (at for at, one in enumerate(shown) if one == text)
            assert second - first >= len(shown) // 2
    assert order(count, twice=1 / 3, seed=1) == order(count, twice=1 / 3, seed=1)
    assert count < 7 or order(count, twice=0, seed=1) != sorted(order(count, twice=0, seed=1))


def test_a_sheet_that_is_being_read_is_not_overwritten(
    laid: Path, answers: Gathering, scenario: Scenario
) -> None:
    before = laid.read_bytes()
    with pytest.raises(FencunError, match="已经有了"):
        write_sheet(laid, scenario, answers.texts, seed=5)
    assert laid.read_bytes() == before
    with pytest.raises(FencunError, match="已经有了"):
        write_sheet(laid.with_name("new.jsonl"), scenario, answers.texts,
                    key=laid.with_suffix(".key.json"))  # fmt: skip

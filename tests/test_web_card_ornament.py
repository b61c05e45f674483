"""Ornaments are masks of the size asked for, and the same every time."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageStat

from fencun.web.card import ornament

MASKS: dict[str, tuple[Callable[[], Image.Image], tuple[int, int]]] = {
    "seal": (lambda: ornament.seal(80, "福"), (80, 80)),
    "lozenge": (lambda: ornament.lozenge(120, "春"), (120, 120)),
    "rosette": (lambda: ornament.rosette(160, 8), (160, 160)),
    "meander": (lambda: ornament.meander(200, 120, 20, 3), (200, 120)),
    "hills": (lambda: ornament.hills(200, 60, 3, 0.5), (200, 60)),
    "lantern": (lambda: ornament.lantern(60, 120), (60, 120)),
    "fibres": (lambda: ornament.fibres(200, 200, 3, 40), (200, 200)),
    "stars": (lambda: ornament.stars(200, 200, 3, 40), (200, 200)),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_has_its_size_something_on_it_and_is_the_same_again(name: str) -> None:
    draw, size = MASKS[name]
    mask = draw()
    assert (mask.mode, mask.size) == ("L", size)
    low, high = mask.getextrema()
    assert low < 16 < high
    assert mask.tobytes() == draw().tobytes()


def test_a_branch_is_wood_and_blossom_apart() -> None:
    wood, blossom = ornament.branch(200, 160, 5)
    assert wood.size == blossom.size == (200, 160)
    assert ImageStat.Stat(wood).sum[0] > 0
    assert wood.tobytes() != blossom.tobytes()


def test_the_character_is_cut_out_of_the_seal() -> None:
    plain, cut = ornament.seal(80, "一"), ornament.seal(80, "福")
    assert ImageStat.Stat(cut).sum[0] < ImageStat.Stat(plain).sum[0]

"""Greeting cards: a text set in Chinese type on one of our own designs, as a PNG.

Everything is drawn here with Pillow; the fonts come from a wheel, so that a card looks the
same on every machine. ``paint.paint`` is the one function to call. Both are the extra
``card``; without it the app runs, and offers no card.
"""

from typing import TYPE_CHECKING

from fencun.extras import missing

if TYPE_CHECKING:
    from fencun.web.card.design import Design


def designs() -> "tuple[Design, ...]":
    """Return the designs there are; none where what draws them is not installed."""
    if missing("card"):
        return ()
    from fencun.web.card.design import DESIGNS

    return DESIGNS

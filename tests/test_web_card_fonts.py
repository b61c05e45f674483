"""The fonts of a card."""

from fencun.web.card import fonts
from fencun.web.card.design import DESIGNS
from fencun.web.card.paint import Card, paint


def test_a_font_that_lacks_a_glyph_leaves_it_out() -> None:
    assert fonts.printable("过年好🎉！❤️👨‍👩‍👧 🧧") == "过年好！"
    assert fonts.printable("一\n\n 二\t三") == "一\n二 三"
    assert all(fonts.drawable(char) for char in "福祝您年，。“”﹃︐Aé1")
    assert not any(fonts.drawable(char) for char in "🎉🧧\u200d\ufe0f")
    plain, party = (paint(Card(text, DESIGNS[0])) for text in ("过年好！", "过年好🎉！"))
    assert plain == party


def test_letters_that_the_font_lacks_are_named_and_emoji_are_not() -> None:
    assert fonts.undrawable("𠮷老师，囍🎉，ばあちゃん，Дядя，김，𠮷") == "𠮷김"
    assert fonts.undrawable("喆、彧、龘、é、㐂，过年好！❤️👨‍👩‍👧") == ""

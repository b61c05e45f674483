"""What all declarations are made of refuses what would only fail later."""

import pytest
from pydantic import TypeAdapter, ValidationError

from fencun.scenario.declared import Declared, LengthRange, Pattern, Word, filled


class Kettle(Declared):
    """A declaration of its own."""

    litres: int = 1


def test_an_unknown_key_is_refused_and_nothing_changes_afterwards() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Kettle(liters=2)  # type: ignore[call-arg]
    kettle = Kettle(litres=2)
    with pytest.raises(ValidationError, match="frozen"):
        kettle.litres = 3  # type: ignore[misc]


def test_a_length_range_has_both_ends_in_order() -> None:
    assert LengthRange(min=5, max=5).max == 5
    with pytest.raises(ValidationError, match="min is above max"):
        LengthRange(min=6, max=5)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        LengthRange(min=0, max=5)


def test_a_pattern_must_compile_and_a_word_must_say_something() -> None:
    assert TypeAdapter(Pattern).validate_python(" 您?好 ") == "您?好"
    with pytest.raises(ValidationError, match="unterminated"):
        TypeAdapter(Pattern).validate_python("(您好")
    for empty in ("", "  ", "　"):
        with pytest.raises(ValidationError, match="at least 1 character"):
            TypeAdapter(Word).validate_python(empty)


def test_a_key_is_filled_in_from_the_first_that_is_there() -> None:
    assert filled({"title": "请假条"}, "en", "name", "title")["en"] == "请假条"
    said = {"title": "请假条", "en": "Leave note"}
    assert filled(said, "en", "title") == said
    assert filled({"en": ""}, "en", "title") == {"en": ""}  # said, if to be empty
    assert filled("请假条", "en", "title") == "请假条"  # no mapping: refused by whoever reads it
    assert filled({}, "en", "title") == {}

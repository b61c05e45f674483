"""What is wrong with a YAML file: all of it, each with its line and how to mend it."""

from typing import Literal, Self

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fencun.mistakes import Mistake, WrongError, listed, of_keys, of_syntax, of_values


class Dish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    heat: Literal["mild", "hot"] = "mild"
    serves: int = Field(default=1, ge=1)


class Menu(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dishes: tuple[Dish, ...] = Field(min_length=1)


def found(text: str) -> list[Mistake]:
    root = yaml.compose(text)
    try:
        Menu.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        return sorted(of_values(error, root, {"name", "heat", "serves", "dishes"}))
    return []


def test_every_mistake_has_its_line_and_says_how_to_mend_it() -> None:
    text = "dishes:\n  - name: 汤\n    serves: 0\n  - name: 面\n    heat: cold\n"
    mistakes = found(text)
    assert [(m.line, m.zh) for m in mistakes] == [
        (3, "dishes.1.serves：不能小于 1"),
        (5, "dishes.2.heat：只能是 'mild' or 'hot'"),
    ]
    assert mistakes[0].en == "dishes.1.serves: must not be below 1"


def test_a_broken_rule_may_lie_deeper_than_where_it_is_looked_for() -> None:
    class Ordered(Menu):
        @model_validator(mode="after")
        def _no_cake(self) -> Self:
            for number, dish in enumerate(self.dishes):
                if dish.name == "饼":
                    raise WrongError("饼卖完了", "no cake left", "dishes", number, "name")
            return self

    text = "dishes:\n  - name: 汤\n  - heat: hot\n    name: 饼\n"
    with pytest.raises(ValidationError) as raised:
        Ordered.model_validate(yaml.safe_load(text))
    (mistake,) = of_values(raised.value, yaml.compose(text), set())
    assert (mistake.line, mistake.zh) == (4, "dishes.2.name：饼卖完了")


def test_a_misspelt_key_is_told_once_with_what_was_meant() -> None:
    (mistake,) = found("dishes:\n  - nmae: 汤\n")
    assert mistake.line == 2
    assert "是不是 name" in mistake.zh


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\n\tb: 2", 2, "Tab"),
        ("a: b: c", 1, "冒号"),
        ("name：汤", 1, "英文的 :"),
        ("a: [1, 2", 1, "配好"),
        ("a: @b", 1, "引号"),
        ('a: 1\nb: "汤\nc: 2\nd: "面"\ne: 3', 2, "引号没有配好"),
        ('a: 1\nb: 2\nc: "汤', 3, "引号没有配好"),
        ("a: 1\nb: '汤\nc: 2\nd: '面'\ne: 3", 2, "引号没有配好"),
        ("a: 1\nb: ['汤, 面]\nc: 2", 2, "引号没有配好"),
        ("a: don't\nb: 1\nc: d: e", 3, "冒号"),
        ("a: 1\nb: '两行\n  的话'\nc: d: e", 4, "冒号"),
        ("a: 1\nb: 汤\x01", 2, "控制字符"),
        ('a: "两行\n  的话"\nb: c: d', 3, "冒号"),
    ],
)
def test_bad_syntax_says_where_and_what_to_do(text: str, line: int, said: str) -> None:
    try:
        yaml.safe_load(text if "：" not in text else f"{text}\nb: 1")
    except yaml.YAMLError as error:
        mistake = of_syntax(error, text)
    assert said in mistake.zh
    assert abs(mistake.line - line) <= (said not in ("引号没有配好", "控制字符"))


def test_a_key_that_is_there_twice_is_told_with_both_lines() -> None:
    (mistake,) = of_keys(yaml.compose("a: 1\nb: {c: 1, c: 2}\nd: 3\n"))
    assert (mistake.line, "第 2 行也有" in mistake.zh) == (2, True)


def test_a_list_is_in_the_order_of_lines_and_has_an_end() -> None:
    zh, en = listed(Mistake(number, "错", "wrong") for number in range(25, 0, -1))
    assert zh.startswith("第 1 行：错\n第 2 行：错")
    assert en.endswith("5 more")

"""Whether an answer repeats a training line."""

from fencun.tune.runs.echo import Echo


def test_an_answer_that_copies_a_training_line_is_told() -> None:
    training = ["妈，过年好，灶台边那碗面我还记着呢，今年换我来煮。", "爸，新年好。"]
    unseen = ["姐，过年好，我明天到家。", "叔，给您拜年。", "嫂子，过年好，我在家。"]
    echo = Echo(training, unseen)
    assert echo.longest_run("灶台边那碗面我还记着呢") == 11
    assert echo.repeats("婶，灶台边那碗面我还记着呢，走了。")
    assert not echo.repeats("婶，过年好，我在外头。")
    likeness, nearest = echo.nearest("妈，过年好，灶台边那碗面我记着，今年换我来煮。")
    assert nearest == training[0]
    assert likeness > 0.5


def test_an_answer_that_is_a_training_line_with_words_changed_is_told() -> None:
    training = ["妈，过年好，灶台边那碗面我还记着呢，今年换我来煮。", "爸，新年好。"]
    unseen = ["姐，灶台边那碗面我还记得，明天到家。", "叔，给您拜年。", "哥，等我回来喝酒。"]
    echo = Echo(training, unseen)
    changed = "爸，过年好，灶台上那碗面我还想着呢，今年换您来煮。"
    assert echo.longest_run(changed) <= echo.usual_run
    assert echo.repeats(changed)
    assert not echo.repeats("妈，过年好，灶火我看着，您坐。")  # alike by its opening words alone

"""What the page of tuning says in words: pieces that changed, times."""

from fencun.web.tuning_view import changed, duration


def test_pieces_that_changed() -> None:
    assert changed("一二三", "一三四") == [("一", False), ("三", False), ("四", True)]
    assert "".join(piece for piece, _ in changed("abc", "xbcy")) == "xbcy"


def test_times_as_one_says_them() -> None:
    assert [duration(s) for s in (0, 59, 100, 1800, 5400, 9000)] == [
        "1 秒", "59 秒", "2 分钟", "30 分钟", "1 小时 30 分", "2 小时 30 分",
    ]  # fmt: skip

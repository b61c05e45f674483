"""Real messages are read in the forms they come in, private data masked, from whoever has them."""

import json
from pathlib import Path

import pytest
from draft_case import MESSAGES

from fencun.author.messages import MOST, read_messages
from fencun.errors import FencunError


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("a.txt", "{}"),
        ("b.txt", "2026-03-02 10:0{n} 店长\n{}\n"),
        ("c.txt", "[2026-03-02 10:0{n}] 店长：{}"),
        ("d.csv", '客人,{n},"{}"'),
    ],
)
def test_messages_are_read_in_the_forms_they_come_in(tmp_path: Path, name: str, shape: str) -> None:
    lines = [
        shape.replace("{}", text).replace("{n}", str(n % 10)) for n, text in enumerate(MESSAGES)
    ]
    head = "谁,编号,回复\n" if name.endswith("csv") else ""
    path = written(tmp_path / name, head + "\n".join(lines))
    assert read_messages(path, []) == MESSAGES


def test_a_message_of_several_lines_in_a_chat_is_one(tmp_path: Path) -> None:
    half = len(MESSAGES[0]) // 2
    turns = [
        f"店长 2026/3/2 10:00:0{n % 10}\n{t[:half]}\n{t[half:]}\n" for n, t in enumerate(MESSAGES)
    ]
    found = read_messages(written(tmp_path / "chat.txt", "\n".join(turns)), [])
    assert found == [f"{text[:half]} {text[half:]}" for text in MESSAGES]


def test_the_column_is_the_one_that_is_called_so_else_the_longest_else_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    rows = [
        {"id": n, "一": f"差评{n}，什么都说了很久很久", "二": t} for n, t in enumerate(MESSAGES)
    ]
    path = written(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert read_messages(path, []) == MESSAGES
    assert read_messages(path, [], column="一")[3].startswith("差评3")
    called = [{"一": row["二"], "Content": row["一"]} for row in rows]
    path = written(tmp_path / "b.json", json.dumps(called))
    assert read_messages(path, [])[3].startswith("差评3")
    with pytest.raises(FencunError, match="没有“三”这一列；有：一、Content"):
        read_messages(path, [], column="三")


def test_of_many_a_spread_is_read(tmp_path: Path) -> None:
    many = [f"第{n}位客人，您的反馈我们看到了。" for n in range(5 * MOST)]
    found = read_messages(written(tmp_path / "many.txt", "\n".join(many)), [])
    assert (len(found), found[0], found[-1]) == (MOST, many[0], many[-5])


def test_what_says_nothing_and_what_is_said_twice_does_not_count(tmp_path: Path) -> None:
    noise = ["[图片]", "<媒体文件>", "😀", "……", "", *MESSAGES[:5] * 9]
    with pytest.raises(FencunError, match="只认出 5 条不同的消息，至少要 20 条"):
        read_messages(written(tmp_path / "few.txt", "\n".join(noise)), [])
    with pytest.raises(FencunError, match="只认出 0 条"):
        read_messages(written(tmp_path / "none.csv", ""), [])


def test_private_data_is_masked_and_endless_messages_are_cut(tmp_path: Path) -> None:
    long = "很" * 5000
    text = "\n".join([*MESSAGES, "有事打我电话 13812345678，我在店里", long])
    found = read_messages(written(tmp_path / "a.txt", text), [])
    assert "13812345678" not in "".join(found)
    assert "我在店里" in found[-2]
    assert max(map(len, found)) == 600


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("很抱歉".encode("gbk") * 30)
    with pytest.raises(FencunError, match="要 UTF-8 的文字"):
        read_messages(tmp_path / "a.txt", [])
    with pytest.raises(FencunError, match="读不了"):
        read_messages(tmp_path / "nowhere.txt", [])

"""Rows as a file to download, as the command line reads them."""

import json

from fencun.web.download import jsonl


def test_a_row_is_a_line_of_readable_chinese() -> None:
    answer = jsonl("seeds.jsonl", [{"text": "过年好\n"}, {"text": "初一"}])
    lines = bytes(answer.body).decode().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["过年好\n", "初一"]
    assert "过年好" in lines[0]
    assert answer.headers["content-disposition"] == 'attachment; filename="seeds.jsonl"'

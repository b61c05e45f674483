"""What people declare in YAML is read, or refused with its place."""

from pathlib import Path

import pytest

from fencun.errors import FencunError
from fencun.evaluate.declared import read_yaml


def test_yaml_and_json_are_plain_data(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("arms:\n  - bare\n  - {name: 甲}\n", encoding="utf-8")
    (tmp_path / "a.json").write_text('{"arms": ["bare", {"name": "甲"}]}', encoding="utf-8")
    wanted = {"arms": ["bare", {"name": "甲"}]}
    assert read_yaml(tmp_path / "a.yaml") == read_yaml(tmp_path / "a.json") == wanted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [1\nb: 2", "第 2 行"),
        ("甲".encode("gbk"), "UTF-8"),
        (b"!!python/object/apply:os.system ['true']", "读不了"),
    ],
)
def test_what_is_no_yaml_says_where(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(FencunError, match=said):
        read_yaml(tmp_path / "a.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FencunError, match=r"none\.yaml"):
        read_yaml(tmp_path / "none.yaml")

"""A scenario as a ZIP file: what goes out comes back, and what is wrong changes nothing."""

import io
import random
import zipfile
from pathlib import Path

import pytest

from fencun.author.new import make
from fencun.author.pack import MAX_BYTES, pack, unpack
from fencun.errors import FencunError
from fencun.home import own_scenarios_dir
from fencun.scenario import Scenario, load_scenario

NOTE = """\
name: note
title: 便条
dimensions:
  - {name: what, label: 说什么, role: detail}
"""


def zipped(files: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def state(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_taken_away_comes_back_the_same() -> None:
    folder = make("decline", "reply", title="婉拒")
    before = state(folder)
    packed = pack(load_scenario(folder))
    folder.rename(folder.parent / "gone")
    (folder.parent / "gone" / "scenario.yaml").unlink()
    came = unpack(packed)
    assert came.left_out == ()
    assert came.scenario.folder == folder
    assert state(folder) == before


def test_every_shipped_scenario_can_be_taken_away_and_brought_back_under_another_name() -> None:
    for name in ("review_reply", "birthday"):
        packed = pack(load_scenario(name))
        assert len(packed) < MAX_BYTES
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            texts = {entry: archive.read(entry) for entry in archive.namelist()}
        place = f"{name}/scenario.yaml"
        texts[place] = texts[place].replace(f"name: {name}".encode(), b"name: mine", 1)
        came = unpack(zipped({**texts}), replace=True)
        assert came.scenario.name == "mine"
        assert came.scenario.tact == load_scenario(name).tact


def test_what_is_no_text_stays_out_and_is_told(scenario: Scenario) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(scenario))) as archive:
        names = archive.namelist()
    assert "spring_festival/scenario.yaml" in names
    assert "spring_festival/tact/model.json" in names
    assert not [name for name in names if "adapter" in name or "verifier" in name]
    came = unpack(
        zipped(
            {
                "note/scenario.yaml": NOTE,
                "note/run.sh": "rm -rf /",
                "note/adapter/manifest.json": "{}",
                "__MACOSX/note/._scenario.yaml": "x",
                "note/.DS_Store": "x",
            }
        )
    )
    assert came.left_out == ("note/run.sh", "note/adapter/manifest.json")
    assert set(state(came.scenario.folder)) == {"scenario.yaml"}


def test_a_scenario_may_lie_deeper_in_the_zip_and_the_highest_counts() -> None:
    came = unpack(
        zipped(
            {
                "mail/note/scenario.yaml": NOTE,
                "mail/note/seeds.jsonl": "{}\n",
                "mail/note/old/scenario.yaml": "not: this",
            }
        )
    )
    assert came.left_out == ("mail/note/old/scenario.yaml",)
    assert set(state(came.scenario.folder)) == {"scenario.yaml", "seeds.jsonl"}


def with_lines(key: str) -> str:
    return f"{NOTE}{key}\n"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"not a zip", "文件夹压缩成一个 ZIP"),
        (zipped({"scenario.yaml": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"}), "不是文字"),
        (zipped({"a/x/scenario.yaml": NOTE, "b/x/scenario.yaml": NOTE}), "2"),
        (zipped({"readme.md": "x"}), "scenario.yaml"),
        (zipped({"a/scenario.yaml": NOTE, "b/scenario.yaml": NOTE}), "2"),
        (zipped({"scenario.yaml": NOTE, "../seeds.jsonl": "{}"}), "文件夹里"),
        (zipped({"scenario.yaml": NOTE, "/etc/seeds.jsonl": "{}"}), "文件夹里"),
        (zipped({"scenario.yaml": NOTE.encode("gb18030")}), "UTF-8"),
        (zipped({"scenario.yaml": NOTE.replace("label", "lable")}), "第 4 行"),
        (zipped({"scenario.yaml": NOTE.replace(": note", ": ../note")}), "name"),
        (zipped({"scenario.yaml": NOTE.replace(": note", ": review_reply")}), "自带"),
        (zipped({"scenario.yaml": with_lines("extends: /etc")}), "extends"),
        (zipped({"scenario.yaml": with_lines("extends: ../note")}), "extends"),
        (zipped({"scenario.yaml": with_lines("prompt: /etc/passwd.txt")}), "prompt"),
        (zipped({"scenario.yaml": with_lines("prompt: ../prompt.md")}), "prompt"),
        (zipped({"scenario.yaml": with_lines("prompt: prompt.md")}), "prompt.md"),
        (zipped({"scenario.yaml": with_lines("tact_model: ../../x.json")}), "tact_model"),
        (zipped({"scenario.yaml": with_lines("example: &a {what: *a}")}), "引用"),
        (zipped({"scenario.yaml": with_lines("tact: " + "[" * 40 + "]" * 40)}), "太深"),
        (zipped({"scenario.yaml": with_lines("tact: " + "[" * 2000)}), "scenario.yaml"),
        (zipped({"scenario.yaml": with_lines("#" * (2 << 20))}), "1 MB"),
        (zipped({"scenario.yaml": NOTE, **{f"{n}.md": "x" for n in range(300)}}), "太多"),
        (zipped({"scenario.yaml": NOTE, "big.md": b"0" * (40 << 20)}), "太多"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(data: bytes, told: str) -> None:
    standing = own_scenarios_dir() / "note"
    standing.mkdir(parents=True)
    (standing / "scenario.yaml").write_text(NOTE, encoding="utf-8")
    before = state(own_scenarios_dir())
    with pytest.raises(FencunError, match=told) as refused:
        unpack(data, replace=True)
    assert "/tmp/" not in str(refused.value)
    assert state(own_scenarios_dir()) == before


def test_one_of_that_name_is_replaced_only_where_that_is_said() -> None:
    folder = unpack(zipped({"scenario.yaml": NOTE, "seeds.jsonl": "{}\n"})).scenario.folder
    newer = zipped({"scenario.yaml": NOTE.replace("便条", "留言")})
    with pytest.raises(FencunError, match="没有动它"):
        unpack(newer)
    assert load_scenario(folder).title == "便条"
    assert unpack(newer, replace=True).scenario.title == "留言"
    assert set(state(folder)) == {"scenario.yaml", "seeds.jsonl"}


def test_a_scenario_that_lies_elsewhere_is_replaced_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(NOTE, encoding="utf-8")
    here = load_scenario(tmp_path)
    came = unpack(zipped({"x/scenario.yaml": NOTE.replace("便条", "留言")}), at=here, replace=True)
    assert came.scenario.folder == tmp_path.resolve()
    assert not (own_scenarios_dir() / "note").exists()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_changed_bytes_are_refused_and_never_crash(scenario: Scenario, method: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("mine/scenario.yaml", (scenario.folder / "scenario.yaml").read_bytes())
    whole, rng = packed.getvalue(), random.Random(method)
    for _ in range(40):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        with pytest.raises(FencunError):
            unpack(bytes(changed))
    assert not (own_scenarios_dir() / "mine").exists()

"""The manifest of a study: what it pins, and what is no manifest."""

import json
from pathlib import Path

import pytest

from fencun.errors import FencunError
from fencun.evaluate.manifest import MANIFEST, check_files, read_manifest, write_manifest

TOLD = {"study": "s", "frozen": "2027-01-01T00:00:00Z", "fingerprint": "f" * 64, "rules": "r"}


def test_what_is_written_is_read_and_pins_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}", "utf-8")
    write_manifest(tmp_path, TOLD, ("a.jsonl",))
    manifest = read_manifest(tmp_path)
    assert (manifest.study, list(manifest.files)) == ("s", ["a.jsonl"])
    assert manifest.environment.python
    check_files(tmp_path, "f" * 64, ("a.jsonl",))
    (tmp_path / "a.jsonl").write_text("{ }", "utf-8")
    with pytest.raises(FencunError, match=r"a\.jsonl 在冻结之后被改过"):
        check_files(tmp_path, "f" * 64, ("a.jsonl",))


@pytest.mark.parametrize("text", ["", "[]", "{}", "\ud800", json.dumps({**TOLD, "files": []})])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(FencunError, match=r"manifest\.json"):
        read_manifest(tmp_path)

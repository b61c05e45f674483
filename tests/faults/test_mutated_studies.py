"""Studies whose files were changed: refused by name, or reported all the same; never a crash.

``FENCUN_MUTATIONS`` says how many changes of each file, as for models and datasets.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from evaluate_study import answered_study
from report_case import voted
from test_mutated_files import mutated

from fencun.errors import FencunError
from fencun.evaluate.report import write_report
from fencun.evaluate.study import FROZEN, Study

MUTATIONS = int(os.environ.get("FENCUN_MUTATIONS", "60")) // 6
ODD: tuple[Any, ...] = (
    None, -1, 1e308, float("nan"), 2**70, "", "../../x", [], {}, True, "\ud800", [[]], {"a": 1},
)  # fmt: skip


def otherwise(data: bytes, rng: random.Random) -> bytes:
    """Return JSON or lines of it with one value changed or left out."""
    text = data.decode()
    lines = text.splitlines() if "\n{" in text else [text]
    at = rng.randrange(len(lines))
    holder: Any = json.loads(lines[at])
    whole = holder
    for _ in range(4):
        keys = list(holder if isinstance(holder, dict) else range(len(holder)))
        key = rng.choice(keys)
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.3:
            break
        holder = inner
    if isinstance(holder, dict) and rng.random() < 0.25:
        del holder[key]
    else:
        holder[key] = rng.choice(ODD)
    lines[at] = json.dumps(whole)
    return "\n".join((*lines, "")).encode()


@pytest.mark.parametrize("name", [*FROZEN, "manifest.json", "votes.jsonl"])
async def test_a_changed_study_is_refused_or_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    study = await answered_study(tmp_path, monkeypatch, test=6)
    voted(study, 2)
    path = study.folder / name
    whole, rng = path.read_bytes(), random.Random(name)
    for number in range(MUTATIONS):
        change = mutated if number % 2 else otherwise
        path.write_bytes(change(whole, rng))
        try:
            html, _ = write_report(Study(study.folder), tmp_path / "report")
        except FencunError:
            continue
        assert name not in FROZEN, "a changed frozen file was taken"
        assert "</html>" in html.read_text("utf-8")


async def test_a_manifest_that_pins_less_or_another_study_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch, test=6)
    path = study.folder / "manifest.json"
    told = json.loads(path.read_text("utf-8"))
    for changed in (
        {**told, "files": {}},
        {**told, "files": {**told["files"], "answers.jsonl": "0" * 64}},
        {**told, "fingerprint": "0" * 64},
    ):
        path.write_text(json.dumps(changed), "utf-8")
        with pytest.raises(FencunError, match="改过"):
            study.check()

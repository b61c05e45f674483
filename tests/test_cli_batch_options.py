"""``--to-batch`` and ``--from-batch`` of ``eval run`` and ``data breed``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from breed_case import SEEDS, TEXTS, children, rows
from data_case import small_scenario
from evaluate_study import make_scenario
from test_handover import result
from test_models_batchfile import answered
from typer.testing import CliRunner, Result

from fencun.cli import app_for
from fencun.data.breeding_plan import write_plan
from fencun.files import write_jsonl

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENCUN_ENDPOINT", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FENCUN_ENDPOINT_MODEL", "qwen3-8b")


def fencun(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app_for(words), words)


def test_eval_run_on_the_command_line(tmp_path: Path) -> None:
    scene = make_scenario(tmp_path / "scene", test=5)
    common = ("eval", "run", "--arms", "bare,prompt", "--briefs", "5", "--out", "study",
              "--scenario", scene.folder)  # fmt: skip
    out = tmp_path / "requests.jsonl"
    handed = fencun(*common, "--to-batch", out)
    assert handed.exit_code == 0, handed.output
    requests = rows(out)
    assert len(requests) == 10
    write_jsonl(tmp_path / "back.jsonl", [answered(request) for request in requests[:-1]])
    requests[0]["body"]["messages"][-1]["content"] += "写得热闹些"
    edited = tmp_path / "edited.jsonl"
    write_jsonl(edited, requests)
    noticed = fencun(*common, "--from-batch", tmp_path / "back.jsonl", "--requests", edited)
    assert "改过" in noticed.output
    assert "还有 2 个" in str(noticed.exception)
    assert fencun(*common, "--to-batch", out, "--requests", edited).exit_code == 2
    short = fencun(*common, "--from-batch", tmp_path / "back.jsonl")
    assert short.exit_code == 1
    assert "还有 1 个" in str(short.exception) + short.output
    again = fencun(*common, "--to-batch", out)
    assert [row["custom_id"] for row in rows(out)] == [requests[-1]["custom_id"]], again.output
    write_jsonl(tmp_path / "last.jsonl", [answered(requests[-1])])
    whole = fencun(*common, "--from-batch", tmp_path / "last.jsonl", "--json")
    assert whole.exit_code == 0, whole.output
    assert json.loads(whole.stdout)["arms"]["bare"] == {"answered": 5, "asked": 5}


def test_breeding_on_the_command_line(tmp_path: Path) -> None:
    small = small_scenario(tmp_path / "scenario", SEEDS)
    plan, out, asked = tmp_path / "plan.jsonl", tmp_path / "run", tmp_path / "requests.jsonl"
    write_plan(plan, children(4))
    common = ("data", "breed", "--plan", plan, "--out", out, "--scenario", small.folder)

    def back(requests: list[Row], texts: Sequence[str]) -> Path:
        made = []
        for request, text in zip(requests, texts, strict=True):
            fields = {"salutation": text[0], "detail": "", "text": text, "why": ""}
            row = result({**request, "body": {"seed": 0}})
            message = row["response"]["body"]["choices"][0]["message"]
            message["content"] = json.dumps(fields, ensure_ascii=False)
            made.append(row)
        write_jsonl(tmp_path / "back.jsonl", made[::-1])
        return tmp_path / "back.jsonl"

    assert fencun(*common, "--to-batch", asked, "--max-calls", 3).exit_code == 0
    assert len(rows(asked)) == 3, "no more than the budget lets be called"
    assert fencun(*common, "--to-batch", asked).exit_code == 0
    requests = rows(asked)
    assert len({row["custom_id"] for row in requests}) == 4
    # Two pass, one is refused, one does not come back.
    file = back(requests[:3], [TEXTS[0], TEXTS[1], "爸，祝您身体健康、万事如意。"])
    short = fencun(*common, "--from-batch", file, "--to-batch", asked, "--json")
    assert short.exit_code == 0, short.output
    assert json.loads(short.stdout)["kept"] == 2
    rest = rows(asked)
    assert len(rest) == 2
    # It is known as before, and shown the siblings that are there now.
    assert rest[1]["custom_id"].split(".")[1:] == requests[3]["custom_id"].split(".")[1:]
    assert rest[0]["custom_id"].split(".")[2] == "1", "the second try of the one that was refused"
    done = fencun(*common, "--from-batch", back(rest, TEXTS[2:4]), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kept"] == 4
    kept = {row["id"]: row["text"] for row in rows(out / "drafts.jsonl")}
    assert kept == dict(zip(["b0001", "b0002", "b0003", "b0004"], TEXTS, strict=False))
    twice = fencun(*common, "--from-batch", tmp_path / "back.jsonl", "--json")
    assert json.loads(twice.stdout)["spent"]["calls"] == 5, "brought back twice, counted once"

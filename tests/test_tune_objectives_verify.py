"""The verifier on a tiny model: it learns to tell fit from unfit, and a kill costs only time."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer
from tune_tiny import tiny_base

from fencun.adapter import read_adapter
from fencun.errors import FencunError, RecordError
from fencun.scenario import Scenario
from fencun.tune.formats.export import export
from fencun.tune.lora import LoraAdapter, weights_of
from fencun.tune.objectives.verify import area, encode_judgement, read_judgements
from fencun.tune.runs.events import silently
from fencun.tune.runs.life import start
from fencun.tune.runs.request import request_run
from fencun.verifier import FIT, UNFIT

BRIEF = {"relation": "同学室友", "detail": "", "occasion": "除夕", "style": "真诚走心",
         "length": "一句话"}  # fmt: skip
NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"


def rows() -> list[dict[str, Any]]:
    return [
        {**BRIEF, "salutation": f"老{name}", "text": text, "fit": fit}
        for name in NAMES
        for text, fit in ((f"老{name}，过年好。", True), (f"老{name}，发财发财。", False))
    ]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


def test_it_learns_to_tell_fit_from_unfit_and_says_how_well(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    options = tmp_path / "options.yaml"
    options.write_text(
        "layers: 2\nrank: 4\nalpha: 8\nrate: 2.0e-2\nwarmup: 1\nbatch: 8\nepochs: 4\n"
        "look: 8\ncheckpoint: 8\nvalidation_samples: 4\nbriefs: 0\nthreads: 1\npatience: 9\n"
    )
    request = request_run(
        preset="full", method="verifier", judgements=str(write(tmp_path / "j.jsonl", rows())),
        config=options, base=str(base),
    )  # fmt: skip
    manifest = start(tmp_path / "run", request, silently)
    assert manifest["method"] == "verifier"
    assert manifest["held_out"]["texts"] == 8
    assert manifest["held_out"]["auc"] > 0.95
    assert LoraAdapter.load(weights_of(tmp_path / "run")).rank == 4
    exported = export(tmp_path / "run", tmp_path / "verifier", "gguf", temperature=0.0)
    assert exported["held_out"] == manifest["held_out"]
    assert read_adapter(tmp_path / "verifier") is not None


def test_a_judgement_ends_with_the_word_and_learns_through_the_text(
    tmp_path: Path, scenario: Scenario
) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "base"))
    good, bad = read_judgements(write(tmp_path / "j.jsonl", rows()), scenario)[:2]
    judged = [encode_judgement(tokenizer, each) for each in (good, bad)]
    first = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in (FIT, UNFIT)]
    assert [each.answer[-1] for each in judged] == first == list(judged[0].tokens)
    assert judged[0].family == judged[1].family
    assert "过年好" in tokenizer.decode(judged[0].answer)
    assert "过年好" not in tokenizer.decode(judged[0].prompt)
    assert "同学室友" in tokenizer.decode(judged[0].prompt)


def test_grades_of_readers_are_judgements(tmp_path: Path, scenario: Scenario) -> None:
    graded = [{**{k: v for k, v in row.items() if k != "fit"}, "grade": 2 if row["fit"] else 0}
              for row in rows()]  # fmt: skip
    graded.append({**graded[0], "grade": 1})
    found = read_judgements(write(tmp_path / "reads.jsonl", graded), scenario)
    assert [each.fit for each in found] == [row["fit"] for row in rows()]


@pytest.mark.parametrize(
    "wrong", [{"fit": "yes"}, {"grade": 3}, {"grade": True}, {}, {"fit": True, "text": " "}]
)
def test_what_is_no_judgement_is_refused_by_line(
    tmp_path: Path, scenario: Scenario, wrong: dict[str, Any]
) -> None:
    line = {**BRIEF, "salutation": "老赵", "text": "过年好。", **wrong}
    with pytest.raises(RecordError, match="2"):
        read_judgements(write(tmp_path / "j.jsonl", [rows()[0], line]), scenario)


def test_judgements_of_one_kind_only_teach_nothing(tmp_path: Path, scenario: Scenario) -> None:
    fits = [row for row in rows() if row["fit"]]
    with pytest.raises(FencunError, match="32"):
        read_judgements(write(tmp_path / "j.jsonl", fits), scenario)


def test_a_verifier_needs_its_judgements_and_our_own_loop() -> None:
    with pytest.raises(FencunError, match="judgements"):
        request_run(method="verifier")
    with pytest.raises(FencunError, match="循环"):
        request_run(method="verifier", judgements="x", engine="llamafactory")


def test_the_area_counts_ties_half() -> None:
    assert area([True, True, False], [2.0, 1.0, 1.0]) == 0.75
    assert area([True], [1.0]) is None


def test_blind_reads_are_judgements(tmp_path: Path, scenario: Scenario) -> None:
    reads = [
        {"id": "b1", "brief": {**BRIEF, "salutation": f"老{name}"}, "length": "一句话",
         "text": f"老{name}，过年好。", "grade": grade, "reason": None, "arm": "tuned", "place": 1}
        for name in NAMES
        for grade in (2, 1, 0)
    ]  # fmt: skip
    found = read_judgements(write(tmp_path / "reads.jsonl", reads), scenario)
    assert [judgement.fit for judgement in found] == [True, False] * len(NAMES)
    assert found[0].brief.value("salutation") == "老赵"

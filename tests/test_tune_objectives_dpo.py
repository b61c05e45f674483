"""DPO on a tiny model: the chosen answer's margin rises, and a kill costs nothing but time."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from tune_tiny import tiny_base, tiny_dataset

from fencun.errors import FencunError, RecordError
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter, widths
from fencun.tune.objectives.dpo import (
    Dpo,
    PairExample,
    encode_pairs,
    hold_out,
    log_probabilities,
    margins,
    read_pairs,
)
from fencun.tune.runs.events import LookEvent, Tell, silently
from fencun.tune.runs.life import resume, start
from fencun.tune.runs.request import RunRequest

BRIEF = {"relation": "同学室友", "detail": "", "occasion": "除夕", "style": "真诚走心",
         "length": "一句话"}  # fmt: skip


def _rows(count: int = 16) -> list[dict[str, Any]]:
    return [
        {**BRIEF, "salutation": f"老{name}", "chosen": "过年好，我在。", "rejected": "祝你发财。"}
        for name in "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"[:count]
    ]


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


@pytest.fixture
def config(tmp_path: Path, scenario: Scenario) -> TuneConfig:
    tiny_dataset(tmp_path, scenario)
    base = tiny_base(tmp_path / "base")
    adapter = LoraAdapter.fresh(widths(base), rank=2, alpha=4, layers=range(1, 3), seed=5)
    adapter.save(tmp_path / "start", "base")
    return TuneConfig(
        base=str(base), train=str(tmp_path / "train.jsonl"),
        validation=str(tmp_path / "validation.jsonl"), start=str(tmp_path / "start"),
        rate=1e-2, warmup=1, batch=4, steps=12, look=4, checkpoint=3, briefs=0,
        validation_samples=2, threads=1,
    )  # fmt: skip


@pytest.fixture
def objective(tmp_path: Path) -> Dpo:
    return Dpo(str(_write(tmp_path / "pairs.jsonl", _rows())))


def prefer(
    folder: Path, config: TuneConfig, objective: Dpo, tell: Tell = silently
) -> dict[str, Any]:
    return start(folder, RunRequest(config, objective), tell)


def read(
    path: Path, tokenizer: Any, scenario: Scenario, *, max_tokens: int = 512
) -> list[PairExample]:
    return encode_pairs(tokenizer, read_pairs(path, scenario), max_tokens=max_tokens)


def test_the_margin_of_the_chosen_rises_and_it_does_not_grow_improbable(
    config: TuneConfig, objective: Dpo, tmp_path: Path, scenario: Scenario
) -> None:
    manifest = prefer(tmp_path / "run", config, objective)
    margin = manifest["margin"]
    assert margin["after"] > margin["before"] + 5
    assert manifest["resolved"]["layers"] == 2
    assert manifest["method"] == "dpo"
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    pairs = read(Path(objective.pairs), tokenizer, scenario)
    student = Student(Path(config.base), 1, (), int8=False)
    before = LoraAdapter.load(tmp_path / "start")
    after = LoraAdapter.load(tmp_path / "run" / "best")
    with torch.no_grad():
        chosen = [log_probabilities(student, pairs[:4], each) for each in (before, after)]
    assert bool((chosen[1] > chosen[0]).all())


def test_a_run_that_was_cut_off_ends_in_the_same_bytes(
    config: TuneConfig, objective: Dpo, tmp_path: Path
) -> None:
    prefer(tmp_path / "whole", config, objective)

    class Killed(BaseException): ...

    def cut(event: object) -> None:
        if isinstance(event, LookEvent) and event.step == 8:
            raise Killed

    with pytest.raises(Killed):
        prefer(tmp_path / "cut", config, objective, cut)
    assert (tmp_path / "cut" / "checkpoints" / "step-000006").is_dir()
    resume(tmp_path / "cut")
    for name in ("best/adapter_model.safetensors", "checkpoints/step-000012/state.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_other_inputs_than_it_began_with_are_refused(
    config: TuneConfig, objective: Dpo, tmp_path: Path
) -> None:
    def cut(event: object) -> None:
        if isinstance(event, LookEvent):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prefer(tmp_path / "run", config, objective, cut)
    _write(Path(objective.pairs), _rows(12))
    with pytest.raises(FencunError, match="变了"):
        resume(tmp_path / "run")


def test_log_probabilities_are_those_of_transformers_and_the_loss_is_dpo(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    student = Student(base, 1, (5,), int8=False, vocabulary=[*range(40), 257])
    good = TrainingExample("g", "f", "s", (5, 9, 11), (20, 21, 257), "")
    bad = TrainingExample("b", "f", "s", (5, 9, 11), (30, 257), "")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    expected = []
    with torch.no_grad():
        for example in (good, bad):
            logits = model(torch.tensor([example.ids])).logits[0, len(example.prompt) - 1 :]
            rows = logits[:, [*range(40), 257]].log_softmax(-1)
            places = torch.tensor([min(token, 40) for token in example.answer])
            expected.append(float(rows.gather(1, places[:, None]).sum()))
        mine = log_probabilities(student, [good, bad], None)
    assert mine.tolist() == pytest.approx(expected, rel=2e-3)
    pair = PairExample("p", "f", "s", good.prompt, good.answer, "", rejected=bad, reference=0.7)
    assert margins(student, [pair], None) == pytest.approx([expected[0] - expected[1]], rel=2e-2)
    with torch.no_grad():
        objective = Dpo("", beta=0.3, sft=0.5)
        loss, count = objective.cost(student, [pair, pair], None), objective.count([pair, pair])
    logit = 0.3 * float(mine[0] - mine[1] - 0.7)
    one = math.log1p(math.exp(-logit)) - 0.5 * float(mine[0]) / 3
    assert (float(loss), count) == (pytest.approx(2 * one, rel=1e-4), 2)


def test_pairs_come_as_briefs_prompts_or_chats(tmp_path: Path, scenario: Scenario) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "base"))
    plain = {"prompt": "你好", "chosen": "好", "rejected": "不好"}
    chat = {key: [{"role": "user", "content": value}] for key, value in plain.items()}
    path = _write(tmp_path / "pairs.jsonl", [*_rows(8), plain, chat])
    *briefs, one, other = read(path, tokenizer, scenario)
    assert (one.prompt, one.answer) == (other.prompt, other.answer)
    assert "老赵" in tokenizer.decode(briefs[0].prompt)
    learnt, held = hold_out([*briefs, one, other])
    assert {p.family for p in learnt}.isdisjoint(p.family for p in held)
    assert len(learnt) + len(held) == 10
    with pytest.raises(FencunError, match="同一个需求"):
        hold_out([replace(one, id=str(n)) for n in range(9)])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**BRIEF, "salutation": "老赵", "chosen": "一样", "rejected": "一样"}, "一样"),
        ({**BRIEF, "salutation": "老赵", "chosen": "好"}, "没有 rejected"),
        ({"prompt": 3, "chosen": "好", "rejected": "坏"}, "没有 prompt"),
    ],
)
def test_a_line_that_is_no_pair_stops_the_run(
    tmp_path: Path, scenario: Scenario, row: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecordError, match=said):
        read_pairs(_write(tmp_path / "p.jsonl", [row]), scenario)


def test_too_few_pairs_teach_nothing(tmp_path: Path, scenario: Scenario) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base(tmp_path / "base"))
    path = _write(tmp_path / "pairs.jsonl", _rows())
    with pytest.raises(FencunError, match="0 对"):
        read(path, tokenizer, scenario, max_tokens=8)

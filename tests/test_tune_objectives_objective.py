"""A third objective, with files of its own, trains on the same loop and goes on where it was."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from tune_tiny import tiny_base

from fencun import files
from fencun.errors import FencunError
from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import TrainingExample, answer_ids, prompt_ids
from fencun.tune.forward.student import Student
from fencun.tune.lora import LoraAdapter
from fencun.tune.objectives import registry
from fencun.tune.objectives.objective import ExampleSet, Objective, Readings
from fencun.tune.runs.events import Event, LookEvent, Tell, silently
from fencun.tune.runs.life import resume, start
from fencun.tune.runs.request import RunRequest


@dataclass(frozen=True)
class YesOrNo(Objective[TrainingExample]):
    """Is the line about food? One token is the answer."""

    lines: str

    name = "yes-or-no"

    def options(self) -> dict[str, Any]:
        return asdict(self)

    def read(self, scenario: Scenario, config: TuneConfig) -> Readings[TrainingExample]:
        rows = [row for _, row in files.read_jsonl(Path(self.lines)) if isinstance(row, dict)]

        def encode(tokenizer: Any) -> ExampleSet[TrainingExample]:
            found = []
            for number, row in enumerate(rows):
                prompt = prompt_ids(tokenizer, [{"role": "user", "content": row["line"]}])
                answer = answer_ids(tokenizer, "y" if row["food"] else "n")[:1]
                found.append(
                    TrainingExample(
                        f"{number}", f"{number}", "line", tuple(prompt), tuple(answer), ""
                    )
                )
            return ExampleSet(found[2:], found[:2])

        return Readings({"lines": files.sha256_file(Path(self.lines))}, encode)

    def cost(
        self, student: Student, batch: Sequence[TrainingExample], adapter: LoraAdapter | None
    ) -> Tensor:
        return -student.log_likelihood(batch, adapter).sum()

    def count(self, batch: Sequence[TrainingExample]) -> int:
        return len(batch)

    def results(
        self, student: Student, held: Sequence[TrainingExample], adapter: LoraAdapter
    ) -> dict[str, Any]:
        return {"asked": len(held)}


def test_an_objective_of_its_own_learns_resumes_and_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.OBJECTIVES, "yes-or-no", YesOrNo)
    rows = [{"line": f"{what}{n}", "food": what == "面"} for n in range(6) for what in "面山"]
    files.write_jsonl(tmp_path / "lines.jsonl", rows)
    config = TuneConfig(
        base=str(tiny_base(tmp_path / "base")), layers=2, rank=2, rate=1e-2, batch=4, steps=12,
        look=4, checkpoint=2, threads=1, warmup=0,
    )  # fmt: skip

    def run(folder: str, tell: Tell = silently) -> dict[str, Any]:
        request = RunRequest(config, YesOrNo(str(tmp_path / "lines.jsonl")))
        return start(tmp_path / folder, request, tell)

    seen: list[Event] = []
    whole = run("whole", seen.append)
    looks = [event for event in seen if isinstance(event, LookEvent)]
    assert looks[-1].loss < 0.5 < looks[0].loss
    assert looks[-1].greetings == []
    assert (whole["method"], whole["samples"], whole["asked"]) == ("yes-or-no", 10, 2)
    assert whole["data"].keys() == {"lines"}

    def cut(event: Event) -> None:
        if isinstance(event, LookEvent) and event.step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("cut", cut)
    assert resume(tmp_path / "cut")["adapter_sha256"] == whole["adapter_sha256"]


def test_an_objective_of_an_unknown_name_is_refused(tmp_path: Path) -> None:
    facts = {"resolved": {}, "given": {}, "method": "grpo", "objective": {}}
    (tmp_path / "config.json").write_text(json.dumps(facts))
    with pytest.raises(FencunError, match="没有方法 grpo"):
        resume(tmp_path)


def test_a_run_of_another_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    facts = {"resolved": {}, "given": {}, "method": "dpo", "preference": {"pairs": "pairs.jsonl"}}
    (tmp_path / "config.json").write_text(json.dumps(facts))
    with pytest.raises(FencunError, match="不是这个版本的"):
        resume(tmp_path)

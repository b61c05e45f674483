"""A look at a student: what it writes is judged, what it should not forget is measured."""

from fencun.scenario import Scenario
from fencun.tune.config import TuneConfig
from fencun.tune.examples import prompt_ids
from fencun.tune.machine import look_around
from fencun.tune.material import gather
from fencun.tune.objectives.sft import Sft
from fencun.tune.runs.loading import build_student, starting_adapter
from fencun.tune.runs.watch import Watcher, canary_examples


def test_an_adapter_that_changes_nothing_forgets_nothing(
    config: TuneConfig, scenario: Scenario
) -> None:
    material = gather(Sft(), config)
    student = build_student(material, look_around())
    adapter = starting_adapter(config, material.base)
    watch = Watcher(Sft(), material.tokenizer, scenario, material.examples)
    look = watch(3, student, adapter)
    assert (look.step, look.canary) == (3, 0.0)
    assert look.loss > 0
    (greeting,) = look.greetings
    assert greeting.keys() >= {"brief", "text", "faults", "nearest", "echo"}
    assert look.passed is None, "of one greeting a share says nothing"
    assert watch(3, student, adapter) == look


def test_everyday_questions_are_far_from_any_scenario(
    config: TuneConfig, scenario: Scenario
) -> None:
    tokenizer = gather(Sft(), config).tokenizer
    found = canary_examples(tokenizer)
    assert len({example.text for example in found}) == len(found) >= 10
    assert not any("拜年" in example.text for example in found)
    ends = prompt_ids(tokenizer, [{"role": "user", "content": "x"}])[-5:]
    assert all(list(example.prompt[-5:]) == list(ends) for example in found)

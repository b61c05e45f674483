"""What a run tells can be written as JSON, told apart, and decided by."""

import json
from dataclasses import asdict, fields

from fencun.tune.runs.early_stopping import LookMetrics, reason_to_stop
from fencun.tune.runs.events import LookEvent, StepEvent

STEP = StepEvent(1, 4, loss=2.5, rate=1e-4, samples_per_second=1.5, eta=30.0)
LOOK = LookEvent(2, 2.25, canary=0.9, greetings=[{"text": "新年好。"}])


def test_events_are_told_apart_by_a_kind_that_is_no_field() -> None:
    assert (STEP.kind, LOOK.kind) == ("tick", "look")
    for event in (STEP, LOOK):
        assert "kind" not in {field.name for field in fields(event)}
        assert json.loads(json.dumps(asdict(event))) == asdict(event)


def test_a_run_is_stopped_by_the_numbers_of_a_look_and_not_by_its_texts() -> None:
    seen = LOOK.seen()
    assert seen.keys() == LookMetrics.__annotations__.keys()
    assert (seen["step"], seen["loss"], seen["passed"], seen["echoes"]) == (2, 2.25, None, None)
    stopped = reason_to_stop([seen], patience=3)
    assert stopped
    assert "0.90" in stopped[1]

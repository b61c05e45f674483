import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from fencun.adapter import Adapter
from fencun.brief import Brief, parse_brief
from fencun.errors import EngineError, FencunError
from fencun.gates import Finding, Gates
from fencun.models.engine import Completion, Decoding, Message
from fencun.models.fake import FakeEngine
from fencun.prompt import Arm
from fencun.retrieval import Example, Retriever
from fencun.scenario import Scenario
from fencun.writer import Candidate, Done, Piece, Writer, Writing, rank, tidy

GOOD = (
    "王老师，今晚加完班，想起您在走廊上讲数列，粉笔灰落了一袖子。给您拜年了，天冷，少站风口。",
    "王老师，除夕好。您讲的那几道题我早忘了，您说的“别急，再想一步”我还用着。您多歇歇。",
    "王老师，下雪了，您慢点走。去年借的那本书我还留着，年后给您送回去，陪您喝杯茶。",
)
TOO_LONG = "王老师，" + "您好" * 200


@pytest.fixture
def brief(scenario: Scenario) -> Brief:
    return parse_brief(scenario, {**scenario.example, "length": "短"})


def by_seed(*texts: str):  # type: ignore[no-untyped-def]
    """Answer by the seed that was asked for, whatever the order of the calls."""

    def script(_: Sequence[Message], decoding: Decoding) -> str:
        return texts[decoding.seed % len(texts)]

    return script


def a_writer(scenario: Scenario, engine: FakeEngine) -> Writer:
    return Writer(engine, Gates(scenario))


async def test_the_best_are_kept_best_first(scenario: Scenario, brief: Brief) -> None:
    engine = FakeEngine(by_seed(TOO_LONG, *GOOD, ""))
    writing = await a_writer(scenario, engine).write(brief, arm="bare", keep=3, draws=5)
    assert len(engine.calls) == writing.drawn == 5
    assert len(writing.candidates) == 3
    assert TOO_LONG[:50] not in [candidate.text[:50] for candidate in writing.candidates]
    faults = [sum(f.severity == "fault" for f in c.findings) for c in writing.candidates]
    assert faults == sorted(faults)


async def test_texts_that_are_nearly_one_are_shown_once(scenario: Scenario, brief: Brief) -> None:
    engine = FakeEngine(by_seed(GOOD[0], GOOD[0].replace("，", "、"), GOOD[1]))
    writing = await a_writer(scenario, engine).write(brief, arm="bare", keep=3, draws=3)
    assert len(writing.candidates) == 2


async def test_where_none_passes_it_says_so_and_shows_the_best(
    scenario: Scenario, brief: Brief
) -> None:
    engine = FakeEngine(by_seed(TOO_LONG))
    writing = await a_writer(scenario, engine).write(brief, arm="bare", keep=3, draws=3)
    assert not writing.passed
    first = writing.candidates[0]
    assert "没有写完" in first.remark
    assert "length" in {finding.gate for finding in first.findings}


async def test_a_stream_tells_every_piece_then_the_writing(
    scenario: Scenario, brief: Brief
) -> None:
    engine = FakeEngine(by_seed(*GOOD), piece=5)
    events = [
        event async for event in a_writer(scenario, engine).stream(brief, arm="bare", draws=3)
    ]
    assert isinstance(events[-1], Writing)
    for draw in range(3):
        pieces = [e.text for e in events if isinstance(e, Piece) and e.draw == draw]
        done = [e.candidate for e in events if isinstance(e, Done) and e.draw == draw]
        assert "".join(pieces) == done[0].text == GOOD[draw]


@pytest.mark.parametrize(
    ("ended", "severity"),
    [
        (Completion(GOOD[0], "stop", 9, 9), None),
        (Completion(GOOD[0], "stop", 9, 9, thought=True), None),
        (Completion(GOOD[0], "untold", 9, 9), "doubt"),
        (Completion(GOOD[0], "length", 9, 9), "fault"),
        (Completion(GOOD[0], "content_filter", 9, 9), "fault"),
        (Completion(GOOD[0], "tool_calls", 9, 9), "fault"),
        (Completion(GOOD[0], "broken", 9, 9), "fault"),
    ],
)
def test_a_text_that_did_not_end_by_itself_does_not_pass(
    scenario: Scenario, brief: Brief, ended: Completion, severity: str | None
) -> None:
    candidate = a_writer(scenario, FakeEngine()).judge(brief, ended, 3)
    found = [f.severity for f in candidate.findings if f.gate == "ending"]
    assert found == ([severity] if severity else [])
    assert candidate.passed == (severity != "fault")
    assert (candidate.text, candidate.seed) == (GOOD[0], 3)


async def test_no_text_at_all_is_an_error_that_says_why(scenario: Scenario, brief: Brief) -> None:
    with pytest.raises(EngineError, match="没有给出正文"):
        await a_writer(scenario, FakeEngine(by_seed(""))).write(brief, arm="bare", draws=3)
    one_good = FakeEngine(by_seed("", GOOD[0], ""))
    writing = await a_writer(scenario, one_good).write(brief, arm="bare", draws=3)
    assert [candidate.text for candidate in writing.candidates] == [GOOD[0]]


async def test_an_engine_that_dies_ends_the_writing(scenario: Scenario, brief: Brief) -> None:
    engine = FakeEngine(by_seed(*GOOD), fail_after=2)
    with pytest.raises(EngineError):
        await a_writer(scenario, engine).write(brief, arm="bare")


async def test_closing_the_stream_cancels_what_is_under_way(
    scenario: Scenario, brief: Brief
) -> None:
    engine = FakeEngine(by_seed(*GOOD), delay_s=0.01, piece=1)
    events = a_writer(scenario, engine).stream(brief, arm="bare", draws=4)
    await anext(events)
    before = len(asyncio.all_tasks())
    await events.aclose()
    assert len(asyncio.all_tasks()) <= before - 4


async def test_the_same_seed_asks_the_same_draws(scenario: Scenario, brief: Brief) -> None:
    seeds = []
    for _ in range(2):
        engine = FakeEngine(by_seed(*GOOD))
        await a_writer(scenario, engine).write(brief, arm="bare", draws=3, seed=7)
        seeds.append(sorted(decoding.seed for _, decoding in engine.calls))
    assert seeds == [[7, 8, 9], [7, 8, 9]]


def test_an_answer_cannot_run_away(scenario: Scenario, brief: Brief) -> None:
    writer = a_writer(scenario, FakeEngine())
    assert brief.length is not None
    assert brief.length.max <= writer.decoding(brief, "bare").max_tokens < 200


@pytest.mark.parametrize(
    ("adapted", "asked", "told"),
    [
        (False, None, "prompt"),
        (False, "bare", "bare"),
        (False, "tuned", None),
        (False, "edit", None),
        (True, None, "tuned"),
        (True, "tuned", "tuned"),
        (True, "edit", None),  # no written lines are at hand
        (True, "rag", None),
    ],
)
def test_an_arm_that_cannot_answer_here_is_refused(
    scenario: Scenario, adapted: bool, asked: str | None, told: str | None
) -> None:
    engine = FakeEngine(by_seed(*GOOD), name="qwen3-8b", has_adapter=adapted)
    adapter = Adapter(base="b", base_sha256="0" * 64, sha256="0" * 64, folder=Path("adapter"))
    writer = Writer(engine, Gates(scenario), adapter)
    if told:
        assert writer.arm(asked) == told
        return
    with pytest.raises(FencunError, match="qwen3-8b" if asked != "rag" else "rag") as refused:
        writer.arm(asked)
    assert "bare" in refused.value.en


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (" 过年好 \n", "过年好"),
        ("“过年好，王老师。”", "过年好，王老师。"),
        ("“过年好”，他说“好”", "“过年好”，他说“好”"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_tidy_unwraps_only_what_is_wrapped_whole(raw: str, clean: str) -> None:
    assert tidy(raw) == clean


def test_of_drafts_as_good_the_likeliest_comes_first_and_never_before_a_better_one() -> None:
    fault = Finding("length", "fault", 0, 0, "长了", "too long")
    drafts = [
        Candidate(GOOD[0], (), 0, -1.4),
        Candidate(GOOD[1], (), 1, -0.6),
        Candidate(GOOD[2], (fault,), 2, -0.1),
    ]
    assert [candidate.seed for candidate in rank(drafts)] == [1, 0, 2]


@pytest.mark.parametrize(("arm", "asked"), [("tuned", True), ("bare", False)])
async def test_only_of_the_tuned_model_it_is_asked_how_likely_it_held_its_words(
    scenario: Scenario, brief: Brief, arm: Arm, asked: bool
) -> None:
    engine = FakeEngine(by_seed(*GOOD), has_adapter=True, mean_logprob=-0.7)
    adapter = Adapter(base="b", base_sha256="0" * 64, sha256="0" * 64, folder=Path("adapter"))
    writer = Writer(engine, Gates(scenario), adapter)
    writing = await writer.write(brief, arm=arm, draws=2)
    assert {decoding.logprobs for _, decoding in engine.calls} == {asked}
    assert {candidate.mean_logprob for candidate in writing.candidates} == {-0.7}


@pytest.mark.parametrize(("edits", "arm"), [(True, "edit"), (False, "tuned")])
def test_lines_are_shown_by_default_to_an_adapter_that_learnt_to_adapt_them(
    scenario: Scenario, edits: bool, arm: Arm
) -> None:
    adapter = Adapter(
        base="b", base_sha256="0" * 64, sha256="0" * 64, edits=edits, folder=Path("adapter")
    )
    engine = FakeEngine(by_seed(*GOOD), has_adapter=True)
    line = Example("c1", "c1", {}, "王老师，过年好。")
    writer = Writer(engine, Gates(scenario), adapter, retriever=Retriever(scenario, [line]))
    assert writer.default_arm == arm
    assert "edit" in writer.arms


def test_the_same_wish_again_steps_back() -> None:
    drafts = [
        Candidate("王老师，过年好，您讲的题我记着。祝您天天有好心情。", (), 0, sendable=0.50),
        Candidate("王老师，给您拜年，多亏您教我。愿您天天有好心情！", (), 1, sendable=0.45),
        Candidate("王老师，除夕好，走廊上那块黑板我常想起。您少站风口。", (), 2, sendable=0.40),
        Candidate("王老师，新年好，您的粉笔字我学不来。您早点歇。", (), 3, sendable=0.30),
    ]
    assert [candidate.seed for candidate in rank(drafts)] == [0, 2, 1, 3]


def test_the_best_few_are_the_first_of_all() -> None:
    fault = Finding("length", "fault", 0, 0, "长了", "too long")
    texts = (*GOOD, f"{GOOD[0]}！", f"{GOOD[1]}啊")
    drafts = [
        Candidate(text, (fault,) if seed % 3 == 0 else (), seed) for seed, text in enumerate(texts)
    ]
    whole = rank(drafts)
    assert len(whole) == len(GOOD) < len(drafts), "two are nearly one with others"
    for most in range(len(drafts) + 1):
        assert rank(drafts, most) == whole[:most]


def test_rank_of_nothing_is_nothing() -> None:
    assert rank([]) == []

"""The verifier: what it is asked, and what its word does to the order of the texts."""

from datetime import date
from pathlib import Path

import pytest

from fencun.adapter import Adapter
from fencun.brief import Brief, parse_brief
from fencun.errors import EngineError
from fencun.gates import Gates
from fencun.models import wire
from fencun.models.fake import FakeEngine
from fencun.prompt import verifying
from fencun.retrieval import Example, Retriever, open_retriever
from fencun.scenario import Scenario
from fencun.verifier import FIT, UNFIT, Verifier
from fencun.writer import UNSURE, Writer

GOOD = "老魏，除夕好。当年是你教我开车，谢谢你有那个耐心，祝你出门都顺当。"
TURNED = "老魏，除夕好。当年是我教你开车，你学得可真慢，祝你出门都顺当些。"
WORSE = "老魏，除夕好。车开到山上去了，山上有人等着吃饭，吃完了再开下来吧。"


def adapter(tmp_path: Path) -> Adapter:
    return Adapter(
        base="b", base_sha256="0" * 64, sha256="0" * 64, temperature=0.4, folder=tmp_path
    )


@pytest.fixture
def asked(scenario: Scenario) -> Brief:
    return parse_brief(
        scenario,
        {"salutation": "老魏", "relation": "老朋友", "detail": "教过我开车", "occasion": "除夕",
         "length": "短"},
    )  # fmt: skip


def writer(
    scenario: Scenario, tmp_path: Path, engine: FakeEngine, *, verifier: bool = True
) -> Writer:
    own = adapter(tmp_path)
    judge = Verifier(engine, own, 1) if verifier else None
    gates = Gates(scenario, today=date(2027, 2, 5))
    return Writer(engine, gates, own, retriever=open_retriever(scenario), verifier=judge)


async def test_what_the_verifier_holds_best_is_shown_first(
    scenario: Scenario, tmp_path: Path, asked: Brief
) -> None:
    held = {GOOD: 0.9, TURNED: 0.2, WORSE: 0.1}
    engine = FakeEngine(
        (WORSE, TURNED, GOOD),
        has_adapter=True,
        judge=lambda told: next(p for text, p in held.items() if text in told),
    )
    writing = await writer(scenario, tmp_path, engine).write(asked, arm="edit", draws=3)
    assert [c.text for c in writing.candidates] == [GOOD, TURNED, WORSE]
    assert [c.sendable for c in writing.candidates] == [0.9, 0.2, 0.1]
    assert not writing.unsure
    assert len(writing.examples) == 3


async def test_where_none_is_good_it_says_so(
    scenario: Scenario, tmp_path: Path, asked: Brief
) -> None:
    engine = FakeEngine((WORSE, TURNED), has_adapter=True, judge=lambda _: UNSURE - 0.01)
    assert (await writer(scenario, tmp_path, engine).write(asked, arm="edit", draws=2)).unsure


async def test_without_a_verifier_nothing_is_claimed(
    scenario: Scenario, tmp_path: Path, asked: Brief
) -> None:
    engine = FakeEngine((GOOD,), has_adapter=True)
    writing = await writer(scenario, tmp_path, engine, verifier=False).write(
        asked, arm="edit", draws=1
    )
    assert not writing.unsure
    assert writing.candidates[0].sendable is None


async def test_draws_adapt_different_lines_and_the_verifier_speaks_with_its_own_adapter(
    scenario: Scenario, tmp_path: Path, asked: Brief
) -> None:
    engine = FakeEngine((GOOD, TURNED, WORSE), has_adapter=True, judge=lambda _: 0.5)
    used = writer(scenario, tmp_path, engine)
    await used.write(asked, arm="edit", draws=5, seed=40)
    chats = [chat[0]["content"] for chat, _ in engine.calls]
    assert [decoding.seed for _, decoding in engine.calls] == [40, 41, 42, 43, 44]
    assert len(set(chats)) == 2
    near = used.nearest(asked, 4)
    assert all(e.text in chats[0] for e in near[:2])
    assert all(e.text in chats[-1] for e in near[2:])
    assert all(chat.endswith(asked.lines()) for chat in chats)
    assert used.verifier is not None
    assert used.verifier._decoding.adapter == 1


async def test_a_fact_of_a_shown_line_is_a_fault(
    scenario: Scenario, tmp_path: Path, asked: Brief
) -> None:
    own = Writer(
        FakeEngine(
            ("老魏，除夕好。你还记得咱们在驴头镇卖石磨吗，祝你样样都顺当。",), has_adapter=True
        ),
        Gates(scenario, today=date(2027, 2, 5)),
        adapter(tmp_path),
        retriever=Retriever(
            scenario,
            [Example("e", "e", {**asked.values, "detail": "我俩在驴头镇卖石磨"}, "老魏，过年好。")],
        ),
    )
    writing = await own.write(asked, arm="edit", draws=1)
    assert [f.gate for f in writing.candidates[0].findings if f.severity == "fault"] == ["borrowed"]


def test_the_verifier_reads_the_brief_and_the_text(asked: Brief) -> None:
    content = verifying(asked, GOOD)[-1]["content"]
    assert asked.lines() in content
    assert GOOD in content


def body(*likeliest: tuple[str, float]) -> bytes:
    told = ",".join(f'{{"token": "{token}", "logprob": {value}}}' for token, value in likeliest)
    return (
        f'{{"choices": [{{"logprobs": {{"content": [{{"top_logprobs": [{told}]}}]}}}}]}}'
    ).encode()


@pytest.mark.parametrize(
    ("likeliest", "expected"),
    [
        ([(FIT, -0.1), (UNFIT, -0.1)], 0.5),
        ([(FIT, 0.0)], 1.0),
        ([(UNFIT, -3.0), ("的", -0.1)], 0.0),
        ([("的", -0.1)], None),
    ],
)
def test_odds_of_one_token_against_another(
    likeliest: list[tuple[str, float]], expected: float | None
) -> None:
    assert wire.odds(body(*likeliest), FIT, UNFIT) == expected


@pytest.mark.parametrize("wrong", [b"", b"{}", b'{"choices": []}', b"[1]", b"\xff"])
def test_odds_of_what_is_no_completion(wrong: bytes) -> None:
    with pytest.raises(EngineError):
        wire.odds(wrong, FIT, UNFIT)

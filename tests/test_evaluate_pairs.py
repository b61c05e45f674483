"""The flywheel: what people did becomes pairs; what must not be learned from stays out."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from evaluate_study import answered_study
from test_evaluate_report import voted
from typer.testing import CliRunner

from fencun.brief import parse_brief
from fencun.cli.data_pairs import app
from fencun.errors import FencunError
from fencun.evaluate.pairs import Pair, from_votes, from_writings, harvest
from fencun.evaluate.study import Study
from fencun.files import read_jsonl
from fencun.models.engine import Decoding
from fencun.records import Seed
from fencun.scenario import Scenario
from fencun.store import writings
from fencun.store.database import Store
from fencun.store.schema import EventKind
from fencun.writer import Candidate, Writing

ASKED = {"salutation": "王老师", "relation": "高中班主任", "length": "短"}
GOOD = "王老师，除夕了，又想起晚自习后您留下来给我讲题，粉笔灰落一袖子。给您拜年，天冷少站风口。"
OTHER = "王老师，给您拜年了。走廊那盏灯我一直记着，如今遇到难题，还是会先停一停，再想一步。"
BAD = "王老师，值此新春之际，祝您身体健康、万事如意、阖家欢乐、心想事成！"


def write(scenario: Scenario, events: list[tuple[int, EventKind, str | None]]) -> None:
    """Keep a writing of three texts, and what was done with them."""
    texts = (GOOD, BAD, OTHER)
    candidates = tuple(Candidate(text, (), n) for n, text in enumerate(texts))
    writing = Writing(parse_brief(scenario, ASKED), "prompt", "m", 5, candidates, 6)
    row = writings.writing_row(
        writing, asked=ASKED, decoding=Decoding(), adapter=None, source="page", owner="me"
    )
    ids = [candidate.id for candidate in row.candidates]
    with Store() as store:
        store.write(lambda session: session.add(row))
        for at, kind, text in events:
            store.write(
                lambda s, at=at, kind=kind, text=text: writings.save_event(  # type: ignore[misc]
                    s, identity=uuid4().hex, candidate_id=ids[at], kind=kind, text=text
                )
            )


def pairs_of(scenario: Scenario) -> list[Pair]:
    with Store() as store:
        return store.read(lambda session: list(from_writings(session, scenario)))


def test_liked_beside_disliked_and_mended_beside_what_it_was(scenario: Scenario) -> None:
    mended = GOOD.replace("天冷少站风口", "风大的日子在屋里喝口热的")
    write(
        scenario,
        [
            (0, "edited", "半截"),
            (0, "edited", mended),
            (0, "liked", None),
            (1, "disliked", None),
            (2, "disliked", None),
            (2, "unrated", None),
        ],
    )
    found = {(p.source, p.chosen, p.rejected) for p in pairs_of(scenario)}
    assert found == {("edited", mended, GOOD), ("rated", mended, BAD)}
    kept = harvest(scenario, pairs_of(scenario))
    assert len(kept.pairs) == 2
    assert not kept.refused


def test_a_chosen_text_that_fails_the_gates_is_not_taught(scenario: Scenario) -> None:
    write(scenario, [(1, "liked", None), (0, "disliked", None)])
    kept = harvest(scenario, pairs_of(scenario))
    assert (kept.pairs, dict(kept.refused)) == ((), {"gates": 1})


def test_private_data_opposites_and_sameness_stay_out(scenario: Scenario) -> None:
    brief = parse_brief(scenario, ASKED)
    private = Pair(brief, GOOD, f"{OTHER}13812345678", "edited")
    assert dict(harvest(scenario, [private]).refused) == {"private": 1}
    there, back = Pair(brief, GOOD, OTHER, "rated"), Pair(brief, OTHER, GOOD, "rated")
    assert harvest(scenario, [there, back]).refused["contradicted"] == 2
    assert harvest(scenario, [there, there]).refused["same"] == 1
    assert harvest(scenario, [Pair(brief, GOOD, GOOD, "edited")]).refused["no_difference"] == 1


async def test_votes_on_test_briefs_never_become_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = await answered_study(tmp_path, monkeypatch)
    voted(study, 3)
    found = list(from_votes(study))
    assert len(found) == len(study.briefs())
    assert all("汤" in pair.chosen or "饺子" in pair.chosen for pair in found)
    kept = harvest(study.scenario, found)
    assert kept.pairs == ()
    assert dict(kept.refused) == {"test_brief": len(found)}
    assert isinstance(study, Study)


@pytest.mark.parametrize("style", ["trl", "llamafactory"])
def test_the_command_writes_what_trainers_read(
    style: str, scenario: Scenario, tmp_path: Path
) -> None:
    write(scenario, [(0, "liked", None), (1, "disliked", None), (2, "edited", OTHER + "您保重。")])
    words = ["--out", str(tmp_path / "out"), "--format", style, "--json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["sources"] == {"edited": 1, "rated": 1}
    rows = [row for _, row in read_jsonl(tmp_path / "out" / "pairs.jsonl")]
    texts = json.dumps(rows, ensure_ascii=False)
    assert parse_brief(scenario, ASKED).lines().split("\n")[0] in texts
    if style == "trl":
        assert {"prompt", "chosen", "rejected"} == set(rows[0])  # type: ignore[arg-type]
    else:
        info = json.loads((tmp_path / "out" / "dataset_info.json").read_bytes())
        assert info["fencun_pairs"]["ranking"] is True
        assert set(info["fencun_pairs"]["columns"].values()) == set(rows[0])  # type: ignore[arg-type]
    seeds = [row for _, row in read_jsonl(tmp_path / "out" / "seeds.review.jsonl")]
    assert [Seed.from_row(scenario, row).text for row in seeds] == [OTHER + "您保重。"]  # type: ignore[arg-type]


def test_nothing_to_learn_from_is_explained(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "out")]
    assert isinstance(CliRunner().invoke(app, words).exception, FencunError)
    words += ["--format", "csv"]
    assert "trl、llamafactory" in str(CliRunner().invoke(app, words).exception)
    assert not (tmp_path / "out").exists()

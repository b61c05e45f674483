"""Ballots on paper: out as a table, and back in line by line."""

import csv
import io
from pathlib import Path

import pytest
from review_case import BOTH
from voting_case import ballots, joined

from fencun.errors import FencunError
from fencun.evaluate import paper
from fencun.evaluate.collect import collect
from fencun.evaluate.study import Study
from fencun.scenario import ScenarioWords
from fencun.store.ballots import PollRow
from fencun.store.database import Store
from fencun.store.writings import new_id

pytestmark = BOTH


def test_paper_goes_out_and_comes_back(
    store: Store, poll: PollRow, study: Study, tmp_path: Path
) -> None:
    path = tmp_path / "ballots.csv"
    assert store.write(lambda s: paper.export_ballots(s, poll, path, 2)) == 40
    raw = path.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(raw)))
    assert not {"bare", "prompt", "tuned"} & set(rows[0])
    rows[0] |= {"选择": "左好", "左会直接发": "是", "右理由": "套话、太长"}
    rows[1] |= {"选择": "都不行"}
    rows[2] |= {"选择": "随便"}
    rows[3] |= {"选择": "平", "左理由": "不喜欢"}
    rows[4] |= {"选择": "平", "编号": new_id()}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode("gb18030"))  # as Excel saves it
    for _ in range(2):
        result = store.write(lambda s: paper.import_ballots(s, path))
        assert (result.taken, result.blank) == (2, 35)
        assert [error.line for error in result.errors] == [4, 5, 6]
    collect(study, store)
    votes = {vote.choice: vote for vote in study.votes()}
    assert votes["left"].left_opinion.send
    assert votes["left"].right_opinion.reasons == ("cliche", "long")
    assert votes["left"].source == "paper"
    assert votes["left"].seconds is None


def test_a_file_cannot_vote_for_somebody_on_the_web(
    store: Store, poll: PollRow, tmp_path: Path
) -> None:
    ballot = ballots(store, joined(store, poll))[0]
    path = tmp_path / "forged.csv"
    path.write_text(f"编号,选择\n{ballot.id},左好\n", encoding="utf-8")
    result = store.write(lambda s: paper.import_ballots(s, path))
    assert result.taken == 0
    assert "不是导出的选票" in str(result.errors[0])


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00\xd8", b"", b"a,b\n1,2\n"])
def test_files_that_are_no_ballots_are_explained(store: Store, raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(raw)
    with pytest.raises(FencunError):
        store.write(lambda s: paper.import_ballots(s, path))


def test_paper_takes_the_reasons_in_the_words_of_the_scenario_and_in_those_of_all(
    store: Store, poll: PollRow, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ScenarioWords(reasons={"exposed": "揭了短"})
    own = study.scenario.model_copy(update={"words": words})
    monkeypatch.setattr(paper, "scenario_of", lambda fingerprint: own)
    path = tmp_path / "ballots.csv"
    store.write(lambda s: paper.export_ballots(s, poll, path, 1))
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    rows[0] |= {"选择": "都不行", "左理由": "揭了短、套话", "右理由": "点破"}
    rows[1] |= {"选择": "平", "左理由": "没有的理由"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    result = store.write(lambda s: paper.import_ballots(s, path))
    assert result.taken == 1
    assert "揭了短" in result.errors[0].zh
    assert "点破" not in result.errors[0].zh
    collect(study, store)
    vote = study.votes()[0]
    assert set(vote.left_opinion.reasons) == {"exposed", "cliche"}
    assert vote.right_opinion.reasons == ("exposed",)

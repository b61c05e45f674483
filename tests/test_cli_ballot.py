"""``fencun eval ballot``: votes on paper, from open to verdict."""

from pathlib import Path

from eval_case import filled, printed, run

from fencun.evaluate.study import Study


def test_a_vote_on_paper_from_open_to_verdict(study: Study, tmp_path: Path) -> None:
    opened = printed("ballot", "open", "--ballots", "10")
    assert opened["study"] == study.name
    assert opened["path"] in run("ballot", "open").output  # open already: the same link
    path = tmp_path / "ballots.csv"
    assert run("ballot", "export", str(path), "--raters", "3").exit_code == 0
    filled(path, 选择="左好")
    assert printed("ballot", "import", str(path)) == {"taken": 30, "blank": 0, "errors": []}
    assert printed("ballot", "list") == [  # type: ignore[comparison-overlap]
        {**opened, "closed": False, "raters": 3, "votes": 30, "ballots": 30}
    ]
    assert "30 票" in run("ballot", "close", study.name).output
    assert "没有开着的投票" in str(run("ballot", "close").exception)
    judged = printed("verdict")
    assert (judged["votes"], judged["raters"], judged["decision"]) == (30, 3, "evidence")
    assert "证据不够：还差" in run("verdict", study.name).output


def test_bad_lines_of_paper_are_told_and_cost_no_good_one(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "ballots.csv"
    run("ballot", "export", str(path), "--study", study.name)
    filled(path, 选择="左好")
    text = path.read_text(encoding="utf-8").replace("左好", "随便", 1)
    path.write_text(text, encoding="utf-8")
    ended = run("ballot", "import", str(path))
    assert ended.exit_code == 1
    assert "第 2 行" in ended.output
    assert "收下 29 票" in ended.output

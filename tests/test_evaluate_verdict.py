"""A verdict from frozen files: what does not fit them is set aside and named."""

from eval_case import filled, printed, run

from fencun.evaluate.study import Study


def test_votes_on_an_answer_that_changed_are_set_aside_and_named(study: Study) -> None:
    printed("ballot", "open")
    path = study.folder / "paper.csv"
    run("ballot", "export", str(path))
    filled(path, 选择="右好")
    run("ballot", "import", str(path))
    run("ballot", "close")
    votes = study.votes()
    study.freeze_votes([votes[0].model_copy(update={"left_hash": "0" * 64}), *votes[1:]])
    # The ballot box holds what was really shown; a copy of the folder elsewhere does not.
    judged = Study(study.folder)
    from fencun.evaluate.verdict import judge, to_json

    assert to_json(judge(judged))["votes_set_aside"] == [votes[0].id]
    assert judge(judged).facts.votes < len(votes)
